"""Read one Envoy's admin interface: what the proxy holds, and how its hosts fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.admin_files import AdminFile, read_files
from meshdoctor.collect.patience import Patience
from meshdoctor.collect.pod_admin import PodAdmin, PodPort
from meshdoctor.model import proxy as files
from meshdoctor.model.pod import PROXY_CONTAINER

if TYPE_CHECKING:
    from meshdoctor.collect.api import Sink
    from meshdoctor.collect.ways import Ways
    from meshdoctor.model.resource import Resource

ADMIN_PORT = 15000
"""ProxyConfig.proxyAdminPort's default, and the only port that ``pilot-agent request`` asks."""
MEMORY = "memory.json"

ENVOY_FILES = (
    AdminFile(files.CONFIG_DUMP, "/config_dump?include_eds=true"),
    AdminFile(files.CLUSTERS, "/clusters?format=json"),
    AdminFile(files.LISTENERS, "/listeners?format=json"),
    AdminFile(files.CERTS, "/certs"),
    AdminFile(files.SERVER_INFO, "/server_info"),
    AdminFile(files.STATS, "/stats"),
    AdminFile(files.READY, "/ready", is_probe=True),
)
"""What a snapshot uses, the most telling first (envoy: Administration interface)."""
RECORDED_ONLY = (AdminFile(MEMORY, "/memory"),)
"""What only a person who opens a recording looks at."""


def proxy_folder(pod: Resource) -> str:
    """Where a recording keeps a proxy's answers."""
    return f"proxies/{pod.namespace}/{pod.name}"


def admin_port(pod: Resource) -> int:
    """Where Envoy's admin interface listens, by the pod's ``proxy.istio.io/config`` annotation.

    The annotation is YAML of a ProxyConfig; only its plain ``proxyAdminPort: <number>`` is read.
    """
    for line in pod.annotations.get("proxy.istio.io/config", "").replace(",", "\n").splitlines():
        key, _, value = line.strip(" {}\t\"'").partition(":")
        number = value.strip(" }\t\"'")
        if key.strip(" \"'") == "proxyAdminPort" and number.isdecimal() and len(number) < 6:
            return int(number)
    return ADMIN_PORT


async def read_envoy(
    ways: Ways, pod: Resource, sink: Sink, *, everything: bool = True, seconds: float = 30.0
) -> None:
    """Read one proxy; what cannot be read is said to the sink.

    Args:
        ways: the ways to the pod.
        pod: a sidecar's, a gateway's or a waypoint's.
        sink: where it goes.
        everything: also what only a person who opens a recording looks at.
        seconds: for the whole proxy.
    """
    folder = proxy_folder(pod)
    wanted = (*ENVOY_FILES, *RECORDED_ONLY) if everything else ENVOY_FILES
    port = PodPort(pod.namespace, pod.name, PROXY_CONTAINER, admin_port(pod), ADMIN_PORT)
    async with PodAdmin(ways, port, Patience(ways.request_timeout, seconds)) as admin:
        error = await read_files(admin, folder, wanted, sink)
    if error is not None:
        sink.miss(folder, error)
