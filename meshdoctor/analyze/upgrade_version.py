"""Istio versions as proxies, istiods and images state them, and where each is stated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import config_evidence
from meshdoctor.analyze.sync_connections import version_evidence
from meshdoctor.model.evidence import Evidence, join_pointer
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER, container_path

if TYPE_CHECKING:
    from meshdoctor.analyze.sync_connections import Connection
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])(?P<rest>.*)", re.DOTALL)
_VARIANTS = re.compile(r"-(?:distroless|debug)$")
_GIT = re.compile(r"-[0-9a-f]{40}-\w+$")
_VERSION_FILE = "version.txt"


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it was stated, comparable by its numbers."""

    text: str
    """Without image variant and commit, e.g. ``1.32.0-dev``."""
    numbers: tuple[int, int, int]

    def is_older_than(self, other: Version) -> bool:
        """Whether the numbers are lower: builds of one number (-dev, -alpha.x) are not told apart.

        istiod itself compares proxies by major, minor and patch alone (pilot/pkg/model/context.go,
        ``IstioVersion``).
        """
        return self.numbers < other.numbers

    def minors_behind(self, other: Version) -> int:
        """How many minor releases lie between; 0 when the major differs or it is not behind."""
        if self.numbers[0] != other.numbers[0]:
            return 0
        return max(0, other.numbers[1] - self.numbers[1])


def parse_version(text: str) -> Version | None:
    """Read a version; None for what has no numbers (``latest``, a commit, a branch's name)."""
    trimmed = _VARIANTS.sub("", _GIT.sub("", text.strip()))
    found = _VERSION.fullmatch(trimmed)
    if found is None:
        return None
    major, minor, patch = (int(found[index] or 0) for index in (1, 2, 3))
    return Version(trimmed, (major, minor, patch))


def image_tag(image: str) -> str:
    """The tag of an image; empty when it has none or is pinned by digest alone."""
    name = image.partition("@")[0]
    last = name.rpartition("/")[2]
    return last.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Stated:
    """A version and where it stands."""

    version: Version
    evidence: Evidence


def _of_image(pod: Resource, container: str) -> Stated | None:
    path = container_path(pod, container)
    image = pod.get(*path, "image") if path else None
    if path is None or not isinstance(image, str):
        return None
    version = parse_version(image_tag(image))
    return Stated(version, pod.evidence(*path, "image")) if version else None


def proxy_version(
    pod: Resource | None, proxy: Proxy | None, connection: Connection | None
) -> Stated | None:
    """A proxy's version: what it told istiod, else its bootstrap, else its image's tag."""
    if connection is not None and (version := parse_version(connection.sync.version)):
        return Stated(version, version_evidence(connection))
    bootstrap = proxy.config.bootstrap if proxy and proxy.config else None
    if proxy and bootstrap and (version := parse_version(bootstrap.istio_version)):
        pointer = join_pointer(bootstrap.pointer, ("metadata", "ISTIO_VERSION"))
        command = f"istioctl proxy-config bootstrap {proxy.id} -o json"
        return Stated(version, config_evidence(proxy, pointer, bootstrap.istio_version, command))
    return _of_image(pod, PROXY_CONTAINER) if pod else None


def _of_answer(istiod: Istiod) -> Stated | None:
    text = istiod.version or ""
    version = parse_version(text)
    if version is None or "\n" in text or text.startswith(("{", "&")):
        return None
    return Stated(
        version,
        Evidence(
            source=istiod.path(_VERSION_FILE),
            line=1,
            excerpt=text,
            command=f"kubectl exec -n {istiod.namespace} {istiod.pod} -c {ISTIOD_CONTAINER} -- "
            "pilot-discovery request GET /version",
        ),
    )


def istiod_version(mesh: Snapshot, namespace: str, pod_name: str) -> Stated | None:
    """An istiod replica's version: what it answers on ``/version``, else its image's tag."""
    for istiod in mesh.istiods:
        if (istiod.namespace, istiod.pod) == (namespace, pod_name):
            said = _of_answer(istiod)
            if said is not None:
                return said
    pod = mesh.catalog.find(POD, namespace, pod_name)
    return _of_image(pod, ISTIOD_CONTAINER) if pod else None
