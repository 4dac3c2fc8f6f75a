"""Which destination a connection to a pod's port was meant for."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.mtls_servers import servers_behind
from meshdoctor.intent.destinations import Destination

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@lru_cache(maxsize=2)
def _by_pod_port(
    mesh: Snapshot,
) -> Mapping[tuple[Resource, int], tuple[tuple[ServiceHost, ServicePort], ...]]:
    found: dict[tuple[Resource, int], list[tuple[ServiceHost, ServicePort]]] = defaultdict(list)
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name:
            continue
        for port in service.ports:
            for server in servers_behind(mesh, service, port):
                found[server.pod, server.port].append((service, port))
    return {key: tuple(items) for key, items in found.items()}


def services_at(mesh: Snapshot, server: Server) -> tuple[tuple[ServiceHost, ServicePort], ...]:
    """The Services, with their port, that lead to a server, by host."""
    return _by_pod_port(mesh).get((server.pod, server.port), ())


def target_of(mesh: Snapshot, server: Server) -> Destination:
    """The destination that a connection to a server was probably meant for.

    Of several Services that lead there it is one that others call too; without any the pod itself.
    """
    found = [Destination(s.host, port.number) for s, port in services_at(mesh, server)]
    if not found:
        return Destination(str(server.pod.status.get("podIP") or server.pod.name), server.port)
    called = access_logs(mesh).outbound
    return next((item for item in found if item.cluster in called), found[0])
