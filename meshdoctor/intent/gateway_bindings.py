"""VirtualServices that were meant for a Gateway and are not bound to it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.gateway_servers import (
    is_in_mesh,
    meeting_hosts,
    named_gateways,
    served_by,
    servers,
    virtual_service_hosts,
)
from meshdoctor.model.kinds import GATEWAY, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _has_no_gateway(mesh: Snapshot, item: Resource) -> bool:
    """Whether a VirtualService is at no gateway: those it names are gone, or it names none."""
    names = named_gateways(item)
    if names:
        return all(mesh.catalog.find(GATEWAY, *name) is None for name in names)
    return is_in_mesh(item)


def _is_for_outside(mesh: Snapshot, item: Resource, hosts: tuple[str, ...]) -> bool:
    """Whether these hosts are none of the mesh's own, so that only a gateway could serve them."""
    if named_gateways(item):
        return True
    if not mesh.catalog.known(SERVICE, SERVICE_ENTRY):
        return False
    names = (mesh.registry.resolve(host, item.namespace) for host in hosts)
    # A host of one label is a Service's short name.
    return any("." in host and not mesh.registry.find(host) for host in names)


@lru_cache(maxsize=2)
def _candidates(mesh: Snapshot) -> tuple[Resource, ...]:
    """The VirtualServices at no gateway that have a host which only a gateway could serve."""
    return tuple(
        item
        for item in mesh.catalog.of(VIRTUAL_SERVICE)
        if _has_no_gateway(mesh, item) and _is_for_outside(mesh, item, virtual_service_hosts(item))
    )


def _unserved_hosts(mesh: Snapshot, server: Server, item: Resource) -> tuple[str, ...]:
    """The hosts a VirtualService shares with a server that no other one is bound for there."""
    taken = {host for other in served_by(mesh, server) for host in meeting_hosts(server, other)}
    return tuple(host for host in meeting_hosts(server, item) if host not in taken)


def stray_virtual_services(mesh: Snapshot, gateway: Resource) -> tuple[Resource, ...]:
    """The VirtualServices that speak for a Gateway's hosts, which nobody else does, unbound.

    They name a Gateway that does not exist (a typing error, a forgotten namespace), or none at
    all, which binds them to sidecars only. Wildcards meet everything, so a host ``*`` counts only
    where the Gateway that is named has this one's name.
    """
    found = []
    for item in _candidates(mesh):
        hosts = tuple(
            host
            for server in servers(gateway)
            if server.needs_routes
            for host in _unserved_hosts(mesh, server, item)
        )
        if hosts and _is_for_outside(mesh, item, hosts) and _is_meant(gateway, item, hosts):
            found.append(item)
    return tuple(found)


def _is_meant(gateway: Resource, item: Resource, hosts: tuple[str, ...]) -> bool:
    if any(name == gateway.name for _, name in named_gateways(item)):
        return True
    offered = {host for server in servers(gateway) for host in server.plain_hosts}
    return any(host != "*" for host in hosts) and offered != {"*"}
