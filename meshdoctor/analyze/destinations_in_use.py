"""Which destinations anybody uses: those that a route names, or that a proxy's log shows.

A Service that nobody calls breaks nothing, so what is wrong with it names no root cause; but where
access logs are off or unread nobody can tell, and every Service counts as used.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Calls, access_logs, recent
from meshdoctor.analyze.base import destination_subject
from meshdoctor.analyze.ejected_hosts import Ejection, ejections
from meshdoctor.intent.backends import serves_mesh_itself
from meshdoctor.intent.clients import governed_alike
from meshdoctor.intent.destinations import Destination, DestinationRoute, destination_routes
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import NAMESPACE, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Use:
    """A destination, the routes that lead to it and the calls that were seen to go there."""

    destination: Destination
    service: ServiceHost | None
    """The Kubernetes Service behind it; None for other hosts and unknown ones."""
    routes: tuple[DestinationRoute, ...]
    """Of VirtualServices that some proxy holds."""
    calls: Calls
    """Within the last hour, oldest first."""
    ejections: tuple[Ejection, ...]
    """Of its hosts that outlier detection has taken out: it counts requests, so somebody calls."""
    client_namespaces: tuple[str, ...]
    """Of proxies that call it or hold a route to it, else the rules' own; of those that the same
    DestinationRules govern one stands for all."""
    watched: bool
    """Whether the access logs would have shown any call."""

    @property
    def subject(self) -> str:
        """Subject of findings about it."""
        return destination_subject(
            self.destination.host, self.destination.port, self.destination.subset
        )

    @property
    def is_seen(self) -> bool:
        """Whether a route, a call or an ejected host shows that it is used."""
        return bool(self.routes or self.calls or self.ejections)

    @property
    def is_wanted(self) -> bool:
        """Whether it must be taken as used."""
        return self.is_seen or not self.watched

    @property
    def virtual_services(self) -> tuple[Resource, ...]:
        """The VirtualServices whose routes lead here, once each."""
        return tuple(dict.fromkeys(route.binding.virtual_service for route in self.routes))


def _client_namespaces(
    routes: Iterable[DestinationRoute], calls: Calls, ejections: Iterable[Ejection]
) -> Iterator[str]:
    """Where clients run, with repetitions."""
    seen = [*(call.proxy for call in calls), *(item.proxy for item in ejections)]
    yield from (proxy.namespace for proxy in seen)
    found = bool(seen)
    for route in routes:
        found = found or bool(route.binding.holders.namespaces)
        yield from route.binding.holders.namespaces
    if not found:
        yield from (route.binding.virtual_service.namespace for route in routes)


def _routes(mesh: Snapshot) -> dict[Destination, list[DestinationRoute]]:
    found: dict[Destination, list[DestinationRoute]] = defaultdict(list)
    for route in destination_routes(mesh):
        if route.binding.holders.pods or not mesh.proxy_pods:
            found[route.destination].append(route)
    return found


def _called(mesh: Snapshot) -> dict[Destination, Calls]:
    found: dict[Destination, Calls] = {}
    for cluster, calls in access_logs(mesh).outbound.items():
        name = parse_cluster_name(cluster)
        if name is not None and name.direction == "outbound" and name.host:
            found[Destination(name.host, name.port, name.subset)] = calls
    return found


def _ejected(mesh: Snapshot) -> dict[Destination, tuple[Ejection, ...]]:
    found: dict[Destination, tuple[Ejection, ...]] = {}
    for cluster, items in ejections(mesh).items():
        name = parse_cluster_name(cluster)
        if name is not None and name.direction == "outbound" and name.host:
            found[Destination(name.host, name.port, name.subset)] = items
    return found


def _services(mesh: Snapshot) -> Iterator[tuple[Destination, ServiceHost]]:
    """Every port of every application's Service that selects pods."""
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name or not service.selector:
            continue
        if serves_mesh_itself(mesh, service):
            continue
        for port in service.ports:
            if port.protocol.upper() == "TCP":
                yield Destination(service.host, port.number), service


def _belongs_to_mesh(mesh: Snapshot, service: ServiceHost, calls: Calls) -> bool:
    """Whether a system Service may be passed over: nobody's call to it failed of late."""
    if not serves_mesh_itself(mesh, service):
        return False
    return not any(call.failed for call in recent(mesh, calls))


def is_missing(mesh: Snapshot, use: Use) -> bool:
    """Whether no registry has the host: then there is nothing to say of its hosts and limits."""
    known = mesh.catalog.known(SERVICE, SERVICE_ENTRY)
    return known and not mesh.registry.find(use.destination.host)


def _in_ambient(mesh: Snapshot, service: ServiceHost | None) -> bool:
    """Whether callers may reach a service through ztunnel, whose log is not read here."""
    space = mesh.catalog.find(NAMESPACE, "", service.namespace) if service else None
    return space is not None and space.labels.get("istio.io/dataplane-mode") == "ambient"


@lru_cache(maxsize=2)
def destinations_in_use(mesh: Snapshot) -> tuple[Use, ...]:
    """Every destination worth a look: routed to, called, or an application's Service.

    A Service of which every port is reached by routes alone is looked at through those routes.
    """
    logs = access_logs(mesh)
    routes, called, ejected = _routes(mesh), _called(mesh), _ejected(mesh)
    services = dict(_services(mesh))
    routed_hosts = {(item.host, item.port) for item in routes}
    # A subset that was called and that no route names any more is news of the past; but without
    # rules, or without Services and their ports, nobody can tell.
    unrouted = not mesh.catalog.known(VIRTUAL_SERVICE, SERVICE)
    wanted = {
        *routes,
        *(item for item in (*called, *ejected) if item in routes or not item.subset or unrouted),
        *(item for item in services if (item.host, item.port) not in routed_hosts),
    }
    found = []
    for item in sorted(wanted, key=lambda d: (d.host, d.port or 0, d.subset)):
        service = mesh.registry.service(item.host)
        calls = called.get(item, ())
        if service is not None and _belongs_to_mesh(mesh, service, calls):
            continue
        held, out = tuple(routes.get(item, ())), ejected.get(item, ())
        spaces = governed_alike(mesh, item.host, _client_namespaces(held, calls, out))
        watched = logs.complete and not _in_ambient(mesh, service)
        found.append(Use(item, service, held, calls, out, spaces, watched))
    return tuple(found)


@lru_cache(maxsize=2)
def _uses_by_place(mesh: Snapshot) -> dict[tuple[str, int | None], tuple[Use, ...]]:
    found: dict[tuple[str, int | None], list[Use]] = defaultdict(list)
    for use in destinations_in_use(mesh):
        found[use.destination.host, use.destination.port].append(use)
    return {place: tuple(uses) for place, uses in found.items()}


def uses_of(mesh: Snapshot, host: str, port: int) -> tuple[Use, ...]:
    """How a host's port is used, each subset for itself; where nobody is seen to use it, that."""
    found = _uses_by_place(mesh).get((host, port))
    if found:
        return found
    service = mesh.registry.service(host)
    watched = access_logs(mesh).complete and not _in_ambient(mesh, service)
    return (Use(Destination(host, port), service, (), (), (), (), watched),)
