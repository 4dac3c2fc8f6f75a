"""Whether every Gateway has routes, and every VirtualService's hosts are hosts of its Gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.gateway_findings import (
    cannot_tell,
    holds_no_route,
    not_routed,
    passes,
    problem,
    router_proxies,
    unrouted_calls,
)
from meshdoctor.analyze.gateway_route_fixes import (
    bind_fills,
    host_fills,
    names_no_gateway,
)
from meshdoctor.intent.gateway_bindings import stray_virtual_services
from meshdoctor.intent.gateway_servers import (
    bound_to,
    is_in_mesh,
    meeting_hosts,
    named_gateways,
    servers,
    virtual_service_hosts,
)
from meshdoctor.model.kinds import GATEWAY, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NO_VIRTUAL_SERVICE = "MD0620"
HOST_NOT_IN_GATEWAY = "MD0621"


def _needing(gateway: Resource) -> tuple[Server, ...]:
    return tuple(server for server in servers(gateway) if server.needs_routes)


def _plain(needing: tuple[Server, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for server in needing for host in server.plain_hosts))


def _stray(mesh: Snapshot, gateway: Resource, item: Resource) -> Finding:
    """A VirtualService speaks for the Gateway's hosts and is bound elsewhere."""
    needing = _needing(gateway)
    proxies = router_proxies(mesh, gateway)
    hosts = tuple(dict.fromkeys(host for server in needing for host in meeting_hosts(server, item)))
    message = names_no_gateway(item, gateway)
    return problem(
        mesh,
        NO_VIRTUAL_SERVICE,
        gateway,
        message,
        objects=(str(item), str(gateway)),
        facts=(
            holds(
                "gateway-has-no-virtualservice",
                message,
                item.evidence("spec", "gateways"),
                item.evidence("spec", "hosts"),
                gateway.evidence("metadata", "name"),
            ),
            holds_no_route(proxies, hosts),
            not_routed(mesh, proxies, hosts, item),
        ),
        servers=needing,
        fills=bind_fills(item, gateway, message),
    )


def _unbound(mesh: Snapshot, gateway: Resource) -> Finding:
    """No VirtualService is meant for the Gateway at all: a fault only where somebody asks."""
    needing, proxies = _needing(gateway), router_proxies(mesh, gateway)
    hosts = _plain(needing)
    message = f"No VirtualService names {gateway}, so it has no route for {', '.join(hosts)}"
    facts = (
        holds("gateway-has-no-virtualservice", message, gateway.evidence("spec", "servers")),
        holds_no_route(proxies, hosts),
        not_routed(mesh, proxies, hosts, gateway),
    )
    return problem(
        mesh,
        NO_VIRTUAL_SERVICE,
        gateway,
        message,
        objects=(str(gateway),),
        facts=facts,
        servers=needing,
        fills=bind_fills(None, gateway, message),
        root=bool(unrouted_calls(mesh, proxies, hosts, gateway)),
    )


def _routes(mesh: Snapshot, gateway: Resource) -> Iterator[Finding]:
    needing = _needing(gateway)
    bound = bound_to(mesh, gateway)
    if bound or not needing:
        evidence = bound[0].evidence("spec", "gateways") if bound else gateway.evidence("spec")
        message = f"{bound[0]} is bound to {gateway}" if bound else f"{gateway} needs no routes"
        yield passes(NO_VIRTUAL_SERVICE, gateway, message, "virtualservice-bound", evidence)
    stray = stray_virtual_services(mesh, gateway)
    if stray:
        for item in stray:
            yield _stray(mesh, gateway, item)
    elif needing and not bound:
        yield _unbound(mesh, gateway)


def _left_over(mesh: Snapshot, item: Resource, offered: tuple[Server, ...]) -> tuple[str, ...]:
    """The hosts of a VirtualService that none of its Gateways has."""
    met = {host for server in offered for host in meeting_hosts(server, item)}
    left = [host for host in virtual_service_hosts(item) if host not in met]
    if not is_in_mesh(item):
        return tuple(left)
    # What sidecars route by is no business of the gateway.
    return tuple(
        host for host in left if not mesh.registry.find(mesh.registry.resolve(host, item.namespace))
    )


def _host_finding(
    mesh: Snapshot, item: Resource, gateways: tuple[Resource, ...], left: tuple[str, ...]
) -> Finding:
    gateway = gateways[0]
    offered = tuple(server for each in gateways for server in servers(each))
    proxies = tuple(proxy for each in gateways for proxy in router_proxies(mesh, each))
    rules = (item, gateway)
    fills = host_fills(item, gateway, left[0])
    message = (
        f"{item} is for {', '.join(left)} at {gateway}, whose servers are for {fills['offered']}"
    )
    dead = not any(meeting_hosts(server, item) for server in offered)
    needed = dead and (not is_in_mesh(item) or mesh.catalog.known(SERVICE, SERVICE_ENTRY))
    affected = tuple(server for server in servers(gateway) if server.needs_routes) if dead else ()
    return problem(
        mesh,
        HOST_NOT_IN_GATEWAY,
        gateway,
        message,
        objects=(str(item), *map(str, gateways)),
        facts=(
            holds(
                "host-not-in-gateway",
                message,
                item.evidence("spec", "hosts"),
                *(
                    gateway.evidence(*server.path("hosts"))
                    for server in servers(gateway)[:3]
                    if server.hosts
                ),
            ),
            holds_no_route(proxies, left),
            not_routed(mesh, proxies, left, *rules),
        ),
        servers=affected,
        fills=fills,
        root=needed or bool(unrouted_calls(mesh, proxies, left, *rules)),
    )


def _hosts(mesh: Snapshot, item: Resource) -> Iterator[Finding]:
    found = (mesh.catalog.find(GATEWAY, *name) for name in named_gateways(item))
    gateways = tuple(gateway for gateway in found if gateway is not None)
    if not gateways or not virtual_service_hosts(item):
        return
    left = _left_over(mesh, item, tuple(server for each in gateways for server in servers(each)))
    if left:
        yield _host_finding(mesh, item, gateways, left)
    else:
        message = f"The hosts of {item} are hosts of {gateways[0]}"
        evidence = (item.evidence("spec", "hosts"), gateways[0].evidence("spec", "servers"))
        yield passes(HOST_NOT_IN_GATEWAY, gateways[0], message, "hosts-meet", *evidence)


@dataclass(frozen=True, slots=True)
class GatewayRoutes:
    """Every Gateway has routes for its hosts."""

    name: str = "gateway-routes"
    description: str = "Every Gateway has a VirtualService, and their hosts meet."
    inputs: tuple[str, ...] = (
        GATEWAY.input,
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
    )
    codes: tuple[str, ...] = (NO_VIRTUAL_SERVICE, HOST_NOT_IN_GATEWAY)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each Gateway and at each VirtualService that names one."""
        needs = mesh.catalog.unread(GATEWAY, VIRTUAL_SERVICE)
        for gateway in mesh.catalog.of(GATEWAY):
            if needs:
                message = f"It cannot be told which VirtualServices are bound to {gateway}"
                yield cannot_tell(NO_VIRTUAL_SERVICE, gateway, message, needs)
                yield cannot_tell(HOST_NOT_IN_GATEWAY, gateway, message, needs)
            else:
                yield from _routes(mesh, gateway)
        for item in mesh.catalog.of(VIRTUAL_SERVICE) if not needs else ():
            yield from _hosts(mesh, item)


ANALYZER = GatewayRoutes()
