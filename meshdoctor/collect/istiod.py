"""Read one istiod: its debug endpoints, metrics and version, through its own loopback interface.

From loopback they need no authentication in any version (facts: pilot/pkg/xds/debug.go). The GETs
that change something (``adsz?push``, ``cachez?clear``, ``force_disconnect``) are never asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.admin_files import AdminFile, read_files
from meshdoctor.collect.patience import Patience
from meshdoctor.collect.pod_admin import PodAdmin, PodPort
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.pod import ISTIOD_CONTAINER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.api import ReadError, Sink
    from meshdoctor.collect.ways import Ways
    from meshdoctor.model.resource import Resource

MONITORING_PORT = 15014
HTTP_PORT = 8080
_PORT_ANNOTATION = "prometheus.io/port"


def _debug(name: str) -> AdminFile:
    return AdminFile(f"debug/{name}.json", f"/debug/{name}", may_lack=True)


ISTIOD_FILES = (
    _debug("syncz"),
    _debug("mesh"),
    _debug("connections"),
    AdminFile("version.txt", "/version", may_lack=True),
    AdminFile("metrics.txt", "/metrics", may_lack=True),
)
"""What a snapshot uses."""
RECORDED_ONLY = (
    _debug("push_status"),
    _debug("authorizationz"),
    _debug("instancesz"),
    _debug("configz"),
    _debug("registryz"),
    _debug("endpointz"),
)
"""What only a person who opens a recording looks at."""
_READY = AdminFile("ready.txt", "/ready", is_probe=True)


def istiod_folder(pod: Resource) -> str:
    """Where a recording keeps an istiod's answers."""
    return f"istiod/{pod.namespace}/{pod.name}"


def monitoring_port(pod: Resource) -> int:
    """Where istiod serves metrics and debug endpoints, by the pod's annotation."""
    text = pod.annotations.get(_PORT_ANNOTATION, "")
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else MONITORING_PORT


async def read_istiod(
    ways: Ways, pod: Resource, sink: Sink, *, everything: bool = True, seconds: float = 60.0
) -> None:
    """Read one istiod replica; what cannot be read is said to the sink.

    Args:
        ways: the ways to the pod.
        pod: a control plane's.
        sink: where it goes.
        everything: also what only a person who opens a recording looks at.
        seconds: for the whole replica.
    """
    wanted = (*ISTIOD_FILES, *RECORDED_ONLY) if everything else ISTIOD_FILES
    error = await _read(ways, pod, wanted, sink, Patience(ways.request_timeout, seconds))
    if error is not None:
        sink.miss(istiod_folder(pod), error)


async def _read(
    ways: Ways, pod: Resource, wanted: Sequence[AdminFile], sink: Sink, patience: Patience
) -> ReadError | None:
    folder = istiod_folder(pod)
    async with PodAdmin(ways, _port(pod, monitoring_port(pod)), patience) as admin:
        error = await read_files(admin, folder, wanted, sink)
        if admin.asks_through_exec:
            # The readiness probe is answered on the other port, which no command asks.
            return error
    if error is not None and error.status is not NotReadStatus.FAILED:
        return error
    async with PodAdmin(ways, _port(pod, HTTP_PORT), patience) as admin:
        if error is not None and await read_files(admin, folder, wanted, sink) is not None:
            return error
        unready = await read_files(admin, folder, (_READY,), sink)
    if unready is not None:
        sink.miss(f"{folder}/{_READY.name}", unready)
    return None


def _port(pod: Resource, port: int) -> PodPort:
    return PodPort(pod.namespace, pod.name, ISTIOD_CONTAINER, port, MONITORING_PORT)
