"""Which client pods open connections to which server pods: what NetworkPolicies may stand between.

A proxy's access log shows its calls and the pods that they went to. Where it is unread or silent,
the proxy's host counters and the addresses in the pod's template tell; of pods without a proxy the
template alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Calls, access_logs, recent
from meshdoctor.analyze.client_attempts import tells
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.named_destinations import NamedDestination, named_destinations
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy.names import build_cluster_name, parse_cluster_name
from meshdoctor.model.kinds import NETWORK_POLICY, POD
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway, is_istiod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy import HostStatus
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Target = tuple["Resource", int]
"""A server pod and the port on it."""


@dataclass(frozen=True, slots=True)
class PolicedPath:
    """A client pod that calls a host, and the pods and ports it would end up at."""

    client: Resource
    host: str
    port: int
    targets: tuple[Target, ...]
    calls: Calls
    """Recent calls, failed or not; empty where no log shows any."""
    named: NamedDestination | None
    failing: HostStatus | None
    """A host to which the client's proxy counts failed connections."""
    proxy: Proxy | None

    @property
    def to(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


def _behind(mesh: Snapshot, host: str, port: int) -> tuple[Target, ...]:
    found: list[Target] = []
    for service in mesh.registry.find(host):
        declared = service.port(port)
        for pod in pods_behind(mesh, service) if declared else ():
            number = target_port(declared, pod) if declared else None
            if number is not None:
                found.append((pod, number))
    return tuple(found)


def _reached(mesh: Snapshot, calls: Calls) -> tuple[Target, ...]:
    """The pods that calls were sent to, by the address in the log."""
    found: dict[Target, None] = {}
    for call in calls:
        ip, port = host_port(call.entry.upstream_host)
        pod = mesh.pod_at(ip or "")
        if pod is not None and port is not None:
            found[pod, port] = None
    return tuple(found)


def _policed(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Those that plain NetworkPolicies for the application's port speak of.

    The way to istiod, and the tunnel into ambient pods, are looked at elsewhere.
    """
    return tuple(
        (pod, port) for pod, port in targets if not is_istiod(pod) and not is_in_ambient(pod)
    )


def _logged(mesh: Snapshot) -> Iterator[PolicedPath]:
    found: dict[tuple[str, str, int], list[Calls]] = defaultdict(list)
    for cluster, calls in access_logs(mesh).outbound.items():
        name = parse_cluster_name(cluster)
        if name is None or name.port is None:
            continue
        for call in recent(mesh, calls):
            found[call.proxy.id, name.host, name.port].append((call,))
    for (proxy_id, host, port), parts in found.items():
        proxy = mesh.proxies[proxy_id]
        client = mesh.pod_of(proxy)
        if client is None:
            continue
        made = tuple(sorted((call for part in parts for call in part), key=lambda call: call.time))
        targets = _policed(_reached(mesh, made) or _behind(mesh, host, port))
        if targets:
            yield PolicedPath(client, host, port, targets, made, None, None, proxy)


def _counted(mesh: Snapshot, client: Resource) -> Iterator[tuple[str, int, HostStatus]]:
    """Destinations to which a client's proxy counts failed connections."""
    proxy = mesh.proxy_of(client)
    for cluster in proxy.hosts.clusters if proxy and proxy.hosts else ():
        name = parse_cluster_name(cluster.name)
        if name is None or name.direction != "outbound" or name.port is None:
            continue
        for host in cluster.hosts:
            if host.cx_connect_fail:
                yield name.host, name.port, host
                break


def _failing(proxy: Proxy | None, host: str, port: int) -> HostStatus | None:
    name = build_cluster_name("outbound", port, "", host)
    hosts = proxy.hosts.hosts_of(name) if proxy and proxy.hosts else ()
    return next((item for item in hosts if item.cx_connect_fail), None)


def _untold(mesh: Snapshot) -> Iterator[PolicedPath]:
    for client in mesh.catalog.of(POD):
        if is_finished(client) or (has_proxy(client) and tells(mesh, client)):
            continue
        proxy = mesh.proxy_of(client)
        seen: set[tuple[str, int]] = set()
        for item in () if is_gateway(client) else named_destinations(mesh, client):
            seen.add((item.host, item.port))
            targets = _policed(_behind(mesh, item.host, item.port))
            failing = _failing(proxy, item.host, item.port)
            if targets:
                yield PolicedPath(client, item.host, item.port, targets, (), item, failing, proxy)
        for host, port, status in _counted(mesh, client):
            targets = _policed(_behind(mesh, host, port))
            if (host, port) not in seen and targets:
                seen.add((host, port))
                yield PolicedPath(client, host, port, targets, (), None, status, proxy)


def policed_paths(mesh: Snapshot) -> Iterator[PolicedPath]:
    """Every known way from a client pod to the pods behind a host, by host and client."""
    # Without any policy only calls that fail are worth a word.
    policed = mesh.catalog.of(NETWORK_POLICY)
    found = [*_logged(mesh), *(_untold(mesh) if policed else ())]
    yield from sorted(found, key=lambda p: (p.host, p.port, p.client.namespace, p.client.name))
