"""Read one ztunnel: its own admin interface and metrics (ztunnel: src/admin.rs, src/config.rs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.admin_files import AdminFile, read_files
from meshdoctor.collect.patience import Patience
from meshdoctor.collect.pod_admin import PodAdmin, PodPort

if TYPE_CHECKING:
    from meshdoctor.collect.api import Sink
    from meshdoctor.collect.ways import Ways
    from meshdoctor.model.resource import Resource

_PARTS = (
    (15000, AdminFile("config_dump.json", "/config_dump")),
    (15020, AdminFile("metrics.txt", "/metrics")),
)
_CONTAINER = "ztunnel"
"""Not the name of its container: its image has no command that asks anything."""


def ztunnel_folder(pod: Resource) -> str:
    """Where a recording keeps a ztunnel's answers."""
    return f"ztunnels/{pod.namespace}/{pod.name}"


async def read_ztunnel(ways: Ways, pod: Resource, sink: Sink, *, seconds: float = 30.0) -> None:
    """Read one ztunnel; what cannot be read is said to the sink.

    Args:
        ways: the ways to the pod; exec is none of them.
        pod: of the DaemonSet.
        sink: where it goes.
        seconds: for all of it.
    """
    folder = ztunnel_folder(pod)
    patience = Patience(ways.request_timeout, seconds)
    for number, file in _PARTS:
        port = PodPort(pod.namespace, pod.name, _CONTAINER, number, exec_port=0)
        async with PodAdmin(ways, port, patience) as admin:
            error = await read_files(admin, folder, (file,), sink)
        if error is not None:
            sink.miss(f"{folder}/{file.name}", error)
