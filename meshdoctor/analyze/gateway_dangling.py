"""VirtualServices that name a Gateway which does not exist, for hosts that no Gateway has.

Where a Gateway does have the host, ``gateway_routes`` speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_LOG, holds
from meshdoctor.analyze.gateway_findings import (
    holds_no_route,
    not_routed,
    problem,
    router_proxies,
    unrouted_calls,
)
from meshdoctor.analyze.gateway_route_fixes import bind_fills
from meshdoctor.analyze.gateway_routes import NO_VIRTUAL_SERVICE
from meshdoctor.intent.gateway_bindings import stray_virtual_services
from meshdoctor.intent.gateway_servers import (
    meeting_hosts,
    named_gateways,
    servers,
    virtual_service_hosts,
)
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _is_dangling(mesh: Snapshot, item: Resource) -> bool:
    """Whether every Gateway that a VirtualService names is missing."""
    names = named_gateways(item)
    return bool(names) and all(mesh.catalog.find(GATEWAY, *name) is None for name in names)


def _meant(mesh: Snapshot, item: Resource) -> Resource | None:
    """The Gateway that was meant: of that name elsewhere, or where its requests come in."""
    wanted = {name for _, name in named_gateways(item)}
    every = mesh.catalog.of(GATEWAY)
    hosts = virtual_service_hosts(item)
    for gateway in every:
        served = any(meeting_hosts(server, item) for server in servers(gateway))
        # A host that another VirtualService is bound for is served: this one is a left-over.
        if gateway.name in wanted and not served:
            return gateway
    for gateway in every:
        if unrouted_calls(mesh, router_proxies(mesh, gateway), hosts, item):
            return gateway
    return None


def _finding(mesh: Snapshot, item: Resource, gateway: Resource) -> Finding:
    named = ", ".join(f"{namespace}/{name}" for namespace, name in named_gateways(item))
    hosts, proxies = virtual_service_hosts(item), router_proxies(mesh, gateway)
    message = (
        f"{item} names Gateway {named}, which does not exist, so no gateway has its route for "
        f"{', '.join(hosts)}; there is {gateway}"
    )
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
                gateway.evidence("metadata", "name"),
            ),
            holds_no_route(proxies, hosts),
            not_routed(mesh, proxies, hosts, item),
        ),
        fills=bind_fills(item, gateway, message),
    )


@dataclass(frozen=True, slots=True)
class GatewayDangling:
    """Every VirtualService names a Gateway that exists."""

    name: str = "gateway-dangling"
    description: str = "A VirtualService that is for a gateway names a Gateway that exists."
    inputs: tuple[str, ...] = (GATEWAY.input, VIRTUAL_SERVICE.input, PROXY_LOG)
    codes: tuple[str, ...] = (NO_VIRTUAL_SERVICE,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each VirtualService whose Gateways are all missing."""
        if not mesh.catalog.known(GATEWAY):
            return
        told = {
            str(item)
            for gateway in mesh.catalog.of(GATEWAY)
            for item in stray_virtual_services(mesh, gateway)
        }
        for item in mesh.catalog.of(VIRTUAL_SERVICE):
            if str(item) not in told and virtual_service_hosts(item) and _is_dangling(mesh, item):
                gateway = _meant(mesh, item)
                if gateway is not None:
                    yield _finding(mesh, item, gateway)


ANALYZER = GatewayDangling()
