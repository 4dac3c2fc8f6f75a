"""Two VirtualServices for one host of a Gateway, of which one takes the other's requests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, holds, silent, unread
from meshdoctor.analyze.gateway_findings import (
    cannot_tell,
    passes,
    problem,
    router_command,
    router_proxies,
)
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.analyze.proxy_evidence import route_evidence
from meshdoctor.intent.gateway_servers import meeting_hosts, served_by, servers
from meshdoctor.intent.route_matches import covers_match, http_matches
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.intent.route_matches import HttpMatch
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CONFLICT = "MD0622"
_ROUTES_IN_ORDER = "gateway-holds-both-routes"
_MOST_SHOWN = 6
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A match that is never reached, and the other VirtualService's match before it."""

    host: str
    server: Server
    first: HttpMatch
    lost: HttpMatch


def age(item: Resource) -> tuple[datetime, str]:
    """The order in which istiod takes objects: the older first, then by name."""
    return item.created or _LONG_AGO, f"{item.name}.{item.namespace}"


def _by_host(mesh: Snapshot, server: Server) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for item in sorted(served_by(mesh, server), key=age):
        for host in meeting_hosts(server, item):
            found[host].append(item)
    return {host: items for host, items in found.items() if len(items) > 1}


def _shadows(mesh: Snapshot, server: Server) -> Iterator[Shadow]:
    for host, items in _by_host(mesh, server).items():
        every = [match for item in items for match in http_matches(item, server.gateway)]
        ordered = sorted(every, key=lambda match: match.is_catch_all)
        for place, lost in enumerate(ordered):
            for first in ordered[:place]:
                if first.resource == lost.resource or first.leads_to == lost.leads_to:
                    continue
                if covers_match(first, lost):
                    yield Shadow(host, server, first, lost)
                    break


def _held(proxies: tuple[Proxy, ...], shadow: Shadow) -> Fact:
    """The fact that the gateway's proxies hold both routes, the lost one later."""
    wanted = [
        f"/namespaces/{item.namespace}/virtual-service/{item.name}"
        for item in (shadow.first.resource, shadow.lost.resource)
    ]
    read = [proxy for proxy in proxies if proxy.config is not None]
    if not read:
        return unread(_ROUTES_IN_ORDER, "No gateway pod's routes could be read")
    for proxy in read:
        for config in proxy.config.routes if proxy.config else ():
            for virtual_host in config.virtual_hosts if config.state == "dynamic" else ():
                if shadow.host not in virtual_host.domains:
                    continue
                places: list[tuple[int, Evidence]] = []
                for ending in wanted:
                    for place, route in enumerate(virtual_host.routes):
                        if route.config and route.config.raw.endswith(ending):
                            evidence = route_evidence(proxy, config, virtual_host, route)
                            places.append((place, evidence))
                            break
                if len(places) == len(wanted):
                    text = f"{proxy.id} holds the routes of both for {shadow.host}"
                    return holds(
                        _ROUTES_IN_ORDER,
                        text,
                        *(item for _, item in sorted(places, key=lambda pair: pair[0])),
                    )
    return silent(_ROUTES_IN_ORDER, "The gateway's proxies do not hold the routes of both")


def _finding(mesh: Snapshot, gateway: Resource, shadow: Shadow) -> Finding:
    first, lost = shadow.first, shadow.lost
    message = (
        f"{lost.resource} and {first.resource} are both for {shadow.host} at {gateway}, and what "
        f"{lost.resource} would take ({lost}) is taken by {first.resource} ({first}) before it"
    )
    narrow = json_patch(
        lost.resource,
        [
            {
                "op": "add",
                "path": f"/spec/http/{lost.index}/match",
                "value": [{"uri": {"prefix": "/PATH"}}],
            }
        ],
    )
    match = lost.rule.get("match")
    widen = json_patch(
        lost.resource,
        [
            {"op": "replace", "path": f"/spec/http/{lost.index}/match", "value": match}
            if match
            else {"op": "remove", "path": f"/spec/http/{lost.index}/match"}
        ],
    )
    return problem(
        mesh,
        CONFLICT,
        gateway,
        message,
        objects=(str(lost.resource), str(first.resource), str(gateway)),
        facts=(
            holds(
                "same-host-twice",
                message,
                lost.resource.evidence("spec", "hosts"),
                first.resource.evidence("spec", "hosts"),
                first.resource.evidence("metadata", "creationTimestamp"),
                lost.resource.evidence("metadata", "creationTimestamp"),
            ),
            _held(router_proxies(mesh, gateway), shadow),
        ),
        servers=(),
        fills={
            "host": shadow.host,
            "first": str(first.resource),
            "how": (
                f"{message}. istiod puts the routes of both one after another, the older object's "
                "first and catch-all routes last, and the first match wins"
            ),
            "do": (
                f"Give {lost.resource} paths of its own (/PATH stands for them), or merge both "
                "into one object"
            ),
            "changes": f"Which requests one route of {lost.resource} is for.",
            "verify": f"istioctl proxy-config route {router_command(mesh, gateway)}",
            "command": narrow,
            "undo": widen,
        },
    )


def _bound(mesh: Snapshot, gateway: Resource) -> tuple[Resource, ...]:
    """The VirtualServices that some server of a Gateway serves."""
    found = (item for server in servers(gateway) for item in served_by(mesh, server))
    return tuple(dict.fromkeys(found))


def _in_order(gateway: Resource, bound: tuple[Resource, ...]) -> Finding:
    """A PASS: what is bound to a Gateway shares its hosts out."""
    if len(bound) == 1:
        message = f"{bound[0]} alone is bound to {gateway}: no other takes its requests"
    else:
        message = f"No two VirtualServices take the same requests at {gateway}"
    evidence = [item.evidence("spec", "hosts") for item in bound[:_MOST_SHOWN]]
    return passes(CONFLICT, gateway, message, "no-conflict", *evidence)


@dataclass(frozen=True, slots=True)
class GatewayConflicts:
    """No VirtualService takes another's requests at a gateway."""

    name: str = "gateway-conflicts"
    description: str = "VirtualServices that share a host of a Gateway share out its paths."
    inputs: tuple[str, ...] = (GATEWAY.input, VIRTUAL_SERVICE.input, PROXY_CONFIG)
    codes: tuple[str, ...] = (CONFLICT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the hosts of each server that several VirtualServices are for."""
        needs = mesh.catalog.unread(VIRTUAL_SERVICE)
        for gateway in mesh.catalog.of(GATEWAY):
            if needs:
                message = f"It cannot be told which VirtualServices share hosts of {gateway}"
                yield cannot_tell(CONFLICT, gateway, message, needs)
                continue
            seen: set[tuple[str, str, str]] = set()
            for server in servers(gateway):
                for shadow in _shadows(mesh, server):
                    pair = (str(shadow.lost.resource), str(shadow.first.resource), shadow.host)
                    if pair not in seen:
                        seen.add(pair)
                        yield _finding(mesh, gateway, shadow)
            if not seen and (bound := _bound(mesh, gateway)):
                yield _in_order(gateway, bound)


ANALYZER = GatewayConflicts()
