"""Whether every port that a route leads to is one of its host's.

A route that names no port leads to the only port of its host; of a host with several it leads to
the port that the request came in by (pilot/pkg/networking/core/route, ``GetDestinationCluster``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.addressed_hosts import callers_of_missing
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import requests_fail
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.analyze.missing_clusters import cluster_missing
from meshdoctor.analyze.prepared_rules import PREPARED, is_prepared
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

_MOST_ROUTES = 3
PORT_NOT_FOUND = "MD0111"
_UDP = "UDP"
"""No cluster is made of a UDP port."""


def _ported(mesh: Snapshot, host: str) -> tuple[ServiceHost, ...]:
    """What gives a host its ports; a Kubernetes Service goes before a ServiceEntry.

    A ServiceEntry without ports, or an alias, takes its ports from elsewhere.
    """
    found = [h for h in mesh.registry.find(host) if h.ports and not h.is_external_name]
    kubernetes = [item for item in found if item.is_kubernetes]
    return tuple(kubernetes or found)


def _numbers(hosts: Iterable[ServiceHost]) -> list[int]:
    return sorted({p.number for host in hosts for p in host.ports if p.protocol.upper() != _UDP})


def _meant(mesh: Snapshot, use: Use, known: list[int]) -> int | None:
    """The port that was probably meant: the only one, else one that the route's host has too."""
    if len(known) == 1:
        return known[0]
    spoken = {host for route in use.routes for host in route.binding.hosts}
    shared = {n for host in spoken for n in _numbers(mesh.registry.find(host))} & set(known)
    wrong = str(use.destination.port)
    alike = [number for number in known if wrong.startswith(str(number)[:2])]
    return next(iter(sorted(shared) or alike or known), None)


def _new_port(use: Use, host: ServiceHost) -> tuple[str, str]:
    """The command that adds the port to the host's object, and its undo."""
    count = len(host.ports)
    number = use.destination.port
    port: dict[str, object] = {"name": f"http-{number}"}
    if host.is_kubernetes:
        port |= {"port": number, "targetPort": host.ports[0].target}
    else:
        port |= {"number": number, "protocol": host.ports[0].protocol}
    return (
        json_patch(host.resource, [{"op": "add", "path": "/spec/ports/-", "value": port}]),
        json_patch(host.resource, [{"op": "remove", "path": f"/spec/ports/{count}"}]),
    )


def _message(use: Use, known: list[int]) -> str:
    route = use.routes[0]
    source = route.binding.virtual_service
    number, host = use.destination.port, use.destination.host
    has = f"it has {', '.join(map(str, known))}" if known else "it has none but UDP ports"
    if source.get(*route.path, "port", "number") is not None:
        return f"{source} sends requests to port {number} of {host}, which has no such port ({has})"
    return (
        f"{source} names no port of {host}, which has several, so that requests that come in by "
        f"port {number} are sent to port {number} of it, which it lacks ({has})"
    )


def _not_found(mesh: Snapshot, use: Use, found: tuple[ServiceHost, ...]) -> Finding:
    route = use.routes[0]
    source = route.binding.virtual_service
    known = _numbers(found)
    message = _message(use, known)
    missing, held = cluster_missing(mesh, use)
    prepared = is_prepared(mesh, use)
    if missing.state is not FactState.HOLDS and (
        needs := mesh.catalog.unread(SERVICE, SERVICE_ENTRY)
    ):
        text = f"It cannot be told whether {use.destination.host} has port {use.destination.port}"
        return cannot_tell(PORT_NOT_FOUND, use, text, needs)
    named = source.get(*route.path, "port", "number") is not None
    path = (*route.path, "port", "number") if named else (*route.path, "port")
    meant = _meant(mesh, use, known)
    forth, back = replace_value(source, path, meant if named else {"number": meant})
    add, take = _new_port(use, found[0])
    evidence = [
        source.evidence(*route.path, *(("port", "number") if named else ("host",))),
        found[0].resource.evidence("spec", "ports"),
    ]
    return problem(
        PORT_NOT_FOUND,
        use,
        message + PREPARED if prepared else message,
        objects=(*map(str, use.virtual_services), str(found[0].resource)),
        facts=(
            holds("port-not-on-service", message, *evidence),
            missing,
            requests_fail(mesh, use, "NC"),
        ),
        affected=callers_of_missing(mesh, use),
        fills={
            "message": message,
            "port": str(use.destination.port),
            "known": ", ".join(map(str, known)) or "none",
            "service": str(found[0].resource),
            "meant": str(meant),
            "command": forth,
            "undo": back,
            "add": add,
            "take": take,
        },
        root=not held,
        note=prepared,
    )


def _judge(mesh: Snapshot, use: Use) -> Iterator[Finding]:
    found = _ported(mesh, use.destination.host)
    number = use.destination.port
    if not found or number is None:
        return
    if number not in _numbers(found):
        yield _not_found(mesh, use, found)
        return
    owner = next(host for host in found if host.port(number))
    port = owner.port(number)
    # A ServiceEntry's field is called number.
    field = "port" if owner.is_kubernetes else "number"
    shown = [owner.resource.evidence("spec", "ports", port.index, field)] if port else []
    shown += [
        route.binding.virtual_service.evidence(*route.path) for route in use.routes[:_MOST_ROUTES]
    ]
    said = f"{use.destination.host} has port {number}"
    yield passes(PORT_NOT_FOUND, use, said, "port-on-service", shown)


@dataclass(frozen=True, slots=True)
class DestinationPort:
    """Every port that a route leads to exists."""

    name: str = "destination-port"
    description: str = "Every port that a VirtualService routes to is one of its host's."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (PORT_NOT_FOUND,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that some VirtualService sends requests to."""
        for use in destinations_in_use(mesh):
            if use.routes:
                yield from _judge(mesh, use)


ANALYZER = DestinationPort()
