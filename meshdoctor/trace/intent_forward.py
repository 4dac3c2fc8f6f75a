"""The routing of a proxy that was not read: the rules' routes, faults and weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.intent.gateway_servers import hosts_meet
from meshdoctor.model.envoy import VirtualHost
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.trace import Verdict
from meshdoctor.trace.forward import BLOCKED, answered_here, inject, split
from meshdoctor.trace.intent_routes import choose_asked, default_route, targets
from meshdoctor.trace.intent_upstream import send_asked
from meshdoctor.trace.replies import Sender
from meshdoctor.trace.route_matching import rewritten

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Route
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Outcome
    from meshdoctor.trace.intent_routes import Listening
    from meshdoctor.trace.intent_stage import IntentStage
    from meshdoctor.trace.trail import Branch

_NOT_FOUND, _BAD_GATEWAY = 404, 502
_ANY = VirtualHost("asked", ("*",), (), require_tls=False, pointer="")
_BLOCK_ALL = VirtualHost(BLOCKED, ("*",), (), require_tls=False, pointer="")


def no_route(
    stage: IntentStage,
    branch: Branch,
    text: str,
    objects: tuple[str, ...],
    evidence: tuple[Evidence, ...] = (),
) -> list[Outcome]:
    """A request that no route takes: 404 NR.

    Args:
        stage: the proxy.
        branch: where it stands.
        text: why.
        objects: what lacks the route.
        evidence: where that can be seen.
    """
    stage.hop(branch, "route", "none", Verdict.FAILS, text, objects, evidence)
    return [stage.end(branch, _NOT_FOUND, ("NR",), "route_not_found", text, objects)]


def blocked_host(stage: IntentStage, branch: Branch, place: Listening) -> list[Outcome]:
    """A request for a host that the proxy does not know, under REGISTRY_ONLY: 502."""
    route = replace(default_route("", place), clusters=(), direct_response=_BAD_GATEWAY)
    return answered_here(stage, branch, _BLOCK_ALL, route, ()) or []


def take_route(
    stage: IntentStage,
    branch: Branch,
    route: Route,
    objects: tuple[str, ...],
    evidence: tuple[Evidence, ...],
) -> list[Outcome]:
    """What becomes of a request that a route takes.

    Args:
        stage: the proxy.
        branch: where it stands.
        route: as istiod would make it.
        objects: the VirtualService behind it, or the Service whose default route it is.
        evidence: where the rule stands.
    """
    request = stage.trail.request
    names = ", ".join(f"{c.name} ({c.weight})" for c in route.clusters) or "an answer of its own"
    limit = f", within {route.timeout}" if route.timeout not in ("", "0s") else ""
    stage.hop(
        branch,
        "route",
        route.name or str(route.match),
        Verdict.PASSES,
        f"{request.method} {request.authority}{request.path} leads to {names}{limit}",
        objects,
        evidence,
    )
    here = answered_here(stage, branch, _ANY, route, objects)
    if here is not None:
        return here
    found: list[Outcome] = []
    ways: list[tuple[Branch, tuple[str, ...]]] = [(branch, ())]
    if route.fault is not None:
        found, ways = inject(stage, branch, route.fault, objects)
    with stage.trail.asking(rewritten(route, request)):
        for way, flags in ways:
            for fork, cluster in split(stage, way, route.clusters):
                sender = Sender(True, route.retry_policy, flags=flags)
                found += send_asked(stage, fork, cluster, sender, route)
    return found


def follow_rules(
    stage: IntentStage, branch: Branch, items: tuple[Resource, ...], place: Listening
) -> list[Outcome]:
    """What VirtualServices for the host make of a request.

    Args:
        stage: the proxy.
        branch: where it stands.
        items: the VirtualServices, the oldest first.
        place: where their rules are read.
    """
    request = stage.trail.request
    chosen = choose_asked(place, items, request)
    if chosen is None:
        objects = tuple(str(item) for item in items)
        text = f"no rule of {', '.join(objects)} takes {request.method} {request.path}"
        shown = tuple(item.evidence("spec", "http") for item in items[:2])
        return no_route(stage, branch, text, objects, shown)
    shown = (chosen.rule.evidence(*chosen.path),)
    return take_route(stage, branch, chosen.route, (str(chosen.rule),), shown)


def follow_bytes(
    stage: IntentStage, branch: Branch, item: Resource, place: Listening, sni: str
) -> list[Outcome] | None:
    """What a VirtualService's ``tls`` or ``tcp`` rules make of a connection.

    Args:
        stage: the proxy.
        branch: where it stands.
        item: the VirtualService.
        place: where its rules are read.
        sni: the server name of the caller's own TLS; empty for none.

    Returns:
        None where no rule takes it.
    """
    for section in ("tls", "tcp") if sni else ("tcp",):
        for index, value in enumerate(as_list(item.spec.get(section))):
            rule = as_mapping(value)
            ways = [as_mapping(way) for way in as_list(rule.get("match")) or [{}]]
            if not any(_takes(way, place, sni) for way in ways):
                continue
            shown = (item.evidence("spec", section, index),)
            text = f"{section} rule {index} of {item} leads on"
            stage.hop(branch, "route", section, Verdict.PASSES, text, (str(item),), shown)
            found: list[Outcome] = []
            clusters = targets(place, rule, item.namespace)
            for fork, name in split(stage, branch, clusters):
                found += send_asked(stage, fork, name, Sender(False, None), None)
            return found
    return None


def _takes(way: object, place: Listening, sni: str) -> bool:
    match = as_mapping(way)
    port = match.get("port")
    if isinstance(port, int) and port not in (0, place.port):
        return False
    names = [name for name in as_list(match.get("sniHosts")) if isinstance(name, str)]
    return not names or any(hosts_meet(name, sni) for name in names)
