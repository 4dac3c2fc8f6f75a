"""The ways out of the mesh by an egress gateway: sidecar, gateway, host outside.

Two routes make such a way: one for ``mesh`` that sends a host's requests to the Service of a
gateway, and one for the Gateway there that sends them on. A rule counts for the gateways of its
``match``, else for those of its VirtualService, and only for what the VirtualService itself names
(networking.istio.io HTTPMatchRequest.gateways).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind
from meshdoctor.intent.destinations import Destination, DestinationRoute, destination_routes
from meshdoctor.intent.gateway_servers import (
    GatewayName,
    is_in_mesh,
    named_gateways,
    resolve_gateway_name,
)
from meshdoctor.intent.gateway_workloads import is_router, router_pods
from meshdoctor.intent.route_bindings import MESH
from meshdoctor.model.kinds import GATEWAY
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Leg:
    """One route of a VirtualService for a host, and whom it counts for."""

    host: str
    """What requests are for."""
    route: DestinationRoute
    wanted_mesh: bool
    """Whether it is written for sidecars, by its match or, without one, by its VirtualService."""
    wanted_gateways: tuple[GatewayName, ...]
    """The Gateways that it is written for."""

    @property
    def rule(self) -> Resource:
        """The VirtualService."""
        return self.route.binding.virtual_service

    @property
    def destination(self) -> Destination:
        """Where it leads."""
        return self.route.destination

    @property
    def in_mesh(self) -> bool:
        """Whether sidecars have it."""
        return self.wanted_mesh and is_in_mesh(self.rule)

    def is_at(self, gateway: Resource) -> bool:
        """Whether a Gateway's proxies have it."""
        name = (gateway.namespace, gateway.name)
        return name in self.wanted_gateways and name in named_gateways(self.rule)


@dataclass(frozen=True, slots=True)
class EgressWay:
    """A host whose requests some rule sends to an egress gateway."""

    host: str
    first: Leg
    """The leg to the gateway's Service."""
    service: ServiceHost
    """The gateway's Service."""
    pods: tuple[Resource, ...]
    """The gateway's pods."""
    gateways: tuple[Resource, ...]
    """The Gateways that these pods serve."""
    seconds: tuple[Leg, ...]
    """Routes for the host that lead anywhere but to that Service."""


def _written_for(route: DestinationRoute) -> tuple[bool, tuple[GatewayName, ...]]:
    """Whom a rule is written for: its match's gateways, else its VirtualService's."""
    item = route.binding.virtual_service
    matches = as_list(item.get(*route.path[:3], "match"))
    names = [str(n) for value in matches for n in as_list(as_mapping(value).get("gateways"))]
    if not names:
        return is_in_mesh(item), named_gateways(item)
    found = (resolve_gateway_name(name, item.namespace) for name in names if name != MESH)
    return MESH in names, tuple(dict.fromkeys(found))


@lru_cache(maxsize=2)
def _legs(mesh: Snapshot) -> dict[str, tuple[Leg, ...]]:
    found: dict[str, list[Leg]] = {}
    for route in destination_routes(mesh):
        for host in route.binding.hosts:
            found.setdefault(host, []).append(Leg(host, route, *_written_for(route)))
    return {host: tuple(legs) for host, legs in found.items()}


def _gateway_pods(mesh: Snapshot, service: ServiceHost | None) -> tuple[Resource, ...]:
    """The pods behind a Service when they are gateways; none otherwise."""
    pods = pods_behind(mesh, service) if service else ()
    return pods if pods and all(is_router(pod) for pod in pods) else ()


def _serving(mesh: Snapshot, pods: tuple[Resource, ...]) -> tuple[Resource, ...]:
    wanted = set(pods)
    return tuple(
        item for item in mesh.catalog.of(GATEWAY) if not wanted.isdisjoint(router_pods(mesh, item))
    )


@lru_cache(maxsize=2)
def egress_ways(mesh: Snapshot) -> tuple[EgressWay, ...]:
    """Every host outside of the cluster whose requests a rule sends to a gateway's Service."""
    ways = []
    for host in sorted(_legs(mesh)):
        if mesh.registry.service(host) is not None:
            continue
        seen: set[str] = set()
        for leg in _legs(mesh)[host]:
            service = mesh.registry.service(leg.destination.host)
            pods = _gateway_pods(mesh, service)
            if service is None or not pods or str(leg.destination) in seen:
                continue
            seen.add(str(leg.destination))
            others = tuple(
                item for item in _legs(mesh)[host] if item.destination.host != service.host
            )
            ways.append(EgressWay(host, leg, service, pods, _serving(mesh, pods), others))
    return tuple(ways)
