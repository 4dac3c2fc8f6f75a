"""Find one running istiod and one running proxy, to see whether they can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.collect.api import KubeApi

_ISTIODS = "app=istiod"
_PROXIES = "service.istio.io/canonical-name,app!=ztunnel"
"""The label that injection sets on every pod it gives a proxy, gateways included."""
ENVOY_ADMIN = 15000
ISTIOD_MONITORING = 15014
_MOST = "50"
"""One page: the first running pod of it will do."""


@dataclass(frozen=True, slots=True)
class SamplePod:
    """A running pod that should answer."""

    namespace: str
    name: str
    container: str
    """``discovery`` or ``istio-proxy``."""
    port: int
    """istiod's monitoring port, or Envoy's admin port."""

    def __str__(self) -> str:
        """``Pod namespace/name``."""
        return f"Pod {self.namespace}/{self.name}"

    @property
    def is_istiod(self) -> bool:
        """Whether it is asked istiod's questions rather than Envoy's."""
        return self.container == ISTIOD_CONTAINER


def _runs(item: dict[str, Any], container: str) -> bool:
    status = item.get("status") or {}
    return any(
        entry.get("name") == container and "running" in (entry.get("state") or {})
        for key in ("containerStatuses", "initContainerStatuses")
        for entry in status.get(key) or ()
    )


def _running(body: bytes, container: str) -> Iterator[SamplePod]:
    document = msgspec.json.decode(body, type=dict)
    for item in document.get("items") or ():
        metadata = item["metadata"]
        if _runs(item, container) and "deletionTimestamp" not in metadata:
            port = _port(metadata.get("annotations") or {}, container)
            yield SamplePod(metadata["namespace"], metadata["name"], container, port)


def _port(annotations: dict[str, str], container: str) -> int:
    if container != ISTIOD_CONTAINER:
        return ENVOY_ADMIN
    text = annotations.get("prometheus.io/port", "")
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else ISTIOD_MONITORING


async def _first(
    api: KubeApi, namespace: str | None, selector: str, container: str
) -> SamplePod | ReadError | None:
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    try:
        answer = await api.get(path, {"labelSelector": selector, "limit": _MOST})
        return next(_running(answer.body, container), None)
    except ReadError as error:
        return error
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return ReadError(NotReadStatus.FAILED, f"the answer to {path} is not a list of pods")


async def sample_istiod(api: KubeApi, namespace: str | None) -> SamplePod | ReadError | None:
    """A running istiod, anywhere or in one namespace; None when there is none."""
    return await _first(api, namespace, _ISTIODS, ISTIOD_CONTAINER)


async def sample_proxy(api: KubeApi, namespaces: Sequence[str]) -> SamplePod | ReadError | None:
    """A running proxy of these namespaces, of any when none are named; None without one."""
    found: SamplePod | ReadError | None = None
    for namespace in namespaces or (None,):
        found = await _first(api, namespace, _PROXIES, PROXY_CONTAINER)
        if isinstance(found, SamplePod):
            return found
    return found
