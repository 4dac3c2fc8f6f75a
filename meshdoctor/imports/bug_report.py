"""``istioctl bug-report``: objects, istiods, proxies and logs (istio tools/bug-report/pkg)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshdoctor.imports.envoy_text import clusters_json, listeners_json
from meshdoctor.imports.event_table import events_of_table
from meshdoctor.imports.newest_time import newest_in_log
from meshdoctor.model import kinds
from meshdoctor.model.resource import as_mapping
from meshdoctor.model.ztunnel import ZTUNNEL_DUMP, ZTUNNEL_LOG
from meshdoctor.recording import layout
from meshdoctor.recording.archive_path import MAX_ROOT_DEPTH, below

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.imports.draft import Draft
    from meshdoctor.imports.importer import Survey
    from meshdoctor.recording.archive import Entry

_MARK = re.compile(
    r"(?:(?P<root>.+)/)?(?:cluster/(?:k8s-resources|k8s-cluster-resources|crs)"
    r"|istio/[^/]+/[^/]+/(?:discovery\.log|debug/\w+)|proxies/[^/]+/[^/]+/config_dump\?include_eds)"
)
_OBJECTS = ("k8s-resources", "k8s-cluster-resources", "crs", "nodes", "pods")
_NAMESPACED = (
    kinds.POD,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.REPLICA_SET,
    kinds.DAEMON_SET,
    kinds.STATEFUL_SET,
    kinds.JOB,
    kinds.ENDPOINT_SLICE,
    kinds.CONFIG_MAP,
    kinds.NETWORK_POLICY,
)
"""``cluster/k8s-resources`` of every version asks for these in all namespaces."""
_CLUSTER_WIDE = (
    kinds.NODE,
    kinds.NAMESPACE,
    kinds.CRD,
    kinds.MUTATING_WEBHOOK,
    kinds.VALIDATING_WEBHOOK,
)
"""In ``k8s-resources`` until 1.29, in ``k8s-cluster-resources`` since."""
_RESOURCES = "cluster/k8s-resources"
_CLUSTER_RESOURCES = "cluster/k8s-cluster-resources"
_CUSTOM_RESOURCES = "cluster/crs"
_ALWAYS_THERE = {"default", "kube-system"}
_DEBUG = re.compile(r"istio/([^/]+)/([^/]+)/debug/(\w+)")
_DEBUG_NAMES = {"adsz": "connections"}
"""``/debug/adsz`` and ``/debug/connections`` list the same clients."""
_TEMPLATES = "inject"
"""Istio's text, no evidence."""
_PROXY_FILES = {
    "certs": "certs.json",
    "memory": "memory.json",
    "server_info": "server_info.json",
    "istio-proxy.log": "istio-proxy.log",
}
_VERSION_BYTES = 8_192
_VERSION = re.compile(r'Version:"([^"]+)"(?:, GitRevision:"([^"]*)")?')
_SERVER = re.compile(r"Server Version:.*?(v\d+\.\d+[\w.+-]*)", re.DOTALL)


def _root(names: Iterable[str]) -> str | None:
    """The folder that holds ``cluster/`` and the rest: ``bug-report``, or any, or none."""
    roots = [match["root"] or "" for name in names if (match := _MARK.fullmatch(name))]
    shallow = [root for root in roots if not root or root.count("/") < MAX_ROOT_DEPTH]
    return min(shallow, key=lambda root: (root.count("/") if root else -1, root), default=None)


class BugReport:
    """Reads an ``istioctl bug-report``, packed or unpacked, with or without its root folder."""

    title = "an istioctl bug-report"

    def recognises(self, survey: Survey) -> bool:
        """By the files that only it has."""
        return _root(survey.names) is not None

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Put its files where a recording keeps them."""
        _Reading(_root(survey.names) or "", survey.names, draft).read(entries)


class _Reading:
    """One archive being read."""

    def __init__(self, root: str, names: Iterable[str], draft: Draft) -> None:
        self._root, self._draft = root, draft
        inner = {path for name in names if (path := below(root, name)) is not None}
        self._names = inner
        self._ztunnels = {
            name.rpartition("/")[0]
            for name in inner
            if name.startswith("proxies/")
            and name.endswith("/config_dump")
            and f"{name.rpartition('/')[0]}/clusters" not in inner
        }
        self._events = b""
        self._seen: set[str] = set()
        self._damaged: set[str] = set()
        self._versions_text = ""

    def read(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            path = below(self._root, entry.path)
            if path is None or not entry.data.strip():
                continue
            self._seen.add(path)
            self._one(path, entry)
        self._objects_done()
        self._versions()
        if "bug-report.log" not in self._names:
            self._draft.lacks("bug-report.log", "is not in the archive: fetch errors are unknown")
        if any(name.startswith("proxies/") for name in self._names):
            self._draft.lacks(
                "proxies/*/*/stats.txt", "are kept in Prometheus' form, which has other names"
            )

    def _one(self, path: str, entry: Entry) -> None:
        room, _, rest = path.partition("/")
        if room == "cluster":
            self._cluster(rest, path, entry.data)
        elif room == "istio":
            self._istiod(path, entry)
        elif room == "proxies":
            self._proxy(path, entry)
        elif path == "versions":
            self._versions_text = entry.data.decode("utf-8", errors="replace")
        elif path == "bug-report.log":
            self._draft.saw(newest_in_log(entry.data), path)

    def _cluster(self, name: str, path: str, data: bytes) -> None:
        if name in _OBJECTS:
            # Up to 1.20 some of these hold what kubectl describe prints.
            if name in ("nodes", "pods") and not data.lstrip().startswith((b"apiVersion", b"{")):
                return
            content = self._draft.objects(path, data)
            if content.damaged:
                self._damaged.add(path)
        elif name == "secrets" and b"apiVersion" in data[:200]:
            self._draft.objects(path, data)
        elif name == "events":
            self._events = data
        elif name == "kubectl-version":
            found = _SERVER.search(data[:_VERSION_BYTES].decode("utf-8", errors="replace"))
            self._draft.kubernetes = found.group(1) if found else ""

    def _istiod(self, path: str, entry: Entry) -> None:
        parts = path.split("/")
        if (match := _DEBUG.fullmatch(path)) is not None:
            namespace, pod, name = match.groups()
            if name != _TEMPLATES:
                file = f"istiod/{namespace}/{pod}/debug/{_DEBUG_NAMES.get(name, name)}.json"
                self._draft.file(file, entry.data, origin=path)
        elif len(parts) == 4 and parts[3] == "discovery.log":
            file = f"istiod/{parts[1]}/{parts[2]}/{layout.ISTIOD_LOG}"
            self._draft.file(file, entry.data, entry.first_line, path)
        elif len(parts) == 4 and parts[3] == "metrics":
            self._draft.file(f"istiod/{parts[1]}/{parts[2]}/metrics.txt", entry.data, origin=path)

    def _proxy(self, path: str, entry: Entry) -> None:
        parts = path.split("/")
        if len(parts) != 4:
            return
        _, namespace, pod, name = parts
        if "/".join(parts[:3]) in self._ztunnels:
            file = {"config_dump": ZTUNNEL_DUMP, "istio-proxy.log": ZTUNNEL_LOG}.get(name)
            if file:
                place = f"ztunnels/{namespace}/{pod}/{file}"
                self._draft.file(place, entry.data, entry.first_line, path)
            return
        folder = f"proxies/{namespace}/{pod}"
        if name.startswith("config_dump"):
            self._draft.file(f"{folder}/config_dump.json", entry.data, origin=path)
        elif name == "clusters":
            self._draft.file(f"{folder}/clusters.json", clusters_json(entry.data), origin=path)
        elif name == "listeners":
            self._draft.file(f"{folder}/listeners.json", listeners_json(entry.data), origin=path)
        elif name in _PROXY_FILES:
            file = f"{folder}/{_PROXY_FILES[name]}"
            self._draft.file(file, entry.data, entry.first_line, path)

    def _objects_done(self) -> None:
        """What was asked for and is not there does not exist; what was not asked for is unknown."""
        shelf = self._draft.shelf
        if _RESOURCES in self._seen:
            for kind in _NAMESPACED:
                shelf.cover(kind)
                self._note_damage(_RESOURCES, kind)
        if _CUSTOM_RESOURCES in self._seen and kinds.CRD in shelf.kinds:
            defined = {
                str(as_mapping(crd.get("metadata")).get("name")) for crd in shelf.of(kinds.CRD)
            }
            for kind in (kind for kind in kinds.ALL if kind.custom and kind.crd in defined):
                shelf.cover(kind)
                self._note_damage(_CUSTOM_RESOURCES, kind)
        for kind in shelf.kinds.intersection(_CLUSTER_WIDE):
            self._note_damage(_CLUSTER_RESOURCES, kind)
            self._note_damage(_RESOURCES, kind)
        self._note_narrowing()
        if self._events:
            self._take_events()
        if kinds.SECRET not in shelf.kinds:
            self._draft.lacks(kinds.SECRET.input, "a bug-report has only their names")

    def _note_narrowing(self) -> None:
        """Since 1.30 ``--include`` narrows what is asked for, and nothing in the archive says so.

        The ``default`` namespace of every cluster has the Service ``kubernetes``.
        """
        shelf = self._draft.shelf
        if _RESOURCES not in self._seen:
            return
        seen = set().union(*map(shelf.namespaces, _NAMESPACED))
        if seen and not seen & _ALWAYS_THERE:
            listed = ", ".join(sorted(seen)[:5])
            for kind in shelf.kinds.difference(_CLUSTER_WIDE):
                self._draft.partial(kind, f"the bug-report is of some namespaces only: {listed}")

    def _note_damage(self, path: str, kind: kinds.Kind) -> None:
        if path in self._damaged:
            self._draft.partial(kind, f"{path} is damaged, so some may be missing")

    def _take_events(self) -> None:
        now = self._draft.newest or datetime.now(UTC)
        events = list(events_of_table(self._events, now))
        if events:
            for event in events:
                self._draft.shelf.add(event)
        else:
            self._draft.lacks(kinds.EVENT.input, "cluster/events is in no form that is known")

    def _versions(self) -> None:
        """``versions`` prints Go structs; istiod's stands behind ``MeshInfo``."""
        _, _, of_mesh = self._versions_text.partition("MeshInfo{")
        found = sorted(set(_VERSION.findall(of_mesh.split("proxy revisions")[0])))
        if not found:
            self._draft.lacks("versions", "does not say the control plane's version")
            return
        self._draft.istio = found[-1][0]
        pods = {tuple(name.split("/")[1:3]) for name in self._names if name.startswith("istio/")}
        for namespace, pod in sorted(pods):
            place = f"istiod/{namespace}/{pod}/{layout.VERSION}"
            if len(found) == 1:
                self._draft.file(place, "-".join(found[0]).encode(), origin="versions")
            else:
                reason = "the archive does not say which of several versions this istiod is"
                self._draft.lacks(place, reason)
