"""What is missing on a way through an egress gateway: the first gap, in the order of the hops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.egress_second_hop import misnamed
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.visibility_remedies import export_words, widen_export
from meshdoctor.intent.backends import target_port
from meshdoctor.intent.destination_rules import rule_host, rules_for, subset_named
from meshdoctor.intent.export_to import export_path
from meshdoctor.intent.gateway_servers import hosts_meet, servers
from meshdoctor.intent.route_bindings import MESH
from meshdoctor.intent.visibility import Hider, Sight, sees
from meshdoctor.model.kinds import DESTINATION_RULE, SERVICE_ENTRY
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.destinations import Destination
    from meshdoctor.intent.egress_gateways import EgressWay, Leg
    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing, and in which object."""

    object: Resource
    others: tuple[Resource, ...]
    text: str
    outcome: str
    """What becomes of the requests."""
    evidence: tuple[Evidence, ...]
    command: str
    undo: str
    bypass: bool = False
    """Whether requests still get out, past the gateway."""


def _edit(item: Resource) -> str:
    return f"kubectl edit {item.kind.plural}.{item.kind.group} {item.name} -n {item.namespace}"


def _not_in_mesh(way: EgressWay) -> Gap | None:
    """The route to the gateway is not bound to ``mesh``, so that no sidecar has it."""
    rule = way.first.rule
    if way.first.in_mesh:
        return None
    path = ("spec", "gateways")
    names = [str(name) for name in as_list(rule.get(*path))]
    forth, back = replace_value(rule, path, [*names, MESH])
    text = f"{rule} routes {way.host} to {way.service.host} and does not name mesh in its gateways"
    outcome = (
        "no sidecar has that route, so requests leave the mesh past the gateway, or not at all"
    )
    return Gap(rule, (), text, outcome, (rule.evidence(*path),), forth, back, bypass=True)


def _subset_gap(mesh: Snapshot, leg: Leg, namespace: str, who: str) -> Gap | None:
    """A leg names a subset that no DestinationRule its clients see defines."""
    name, host = leg.destination.subset, leg.destination.host
    if not name or subset_named(rules_for(mesh, host, namespace), name) is not None:
        return None
    rules = [r for r in mesh.catalog.of(DESTINATION_RULE) if rule_host(r, mesh) == host]
    shown = [leg.rule.evidence(*leg.route.path, "subset")]
    text = f"{leg.rule} sends {leg.host} to subset {name} of {host}, which no DestinationRule that "
    text += f"namespace {namespace} sees defines"
    outcome = f"{who} have no such cluster and answer 503 with flag NC"
    if not rules:
        forth, back = replace_value(leg.rule, (*leg.route.path, "subset"), None)
        return Gap(leg.rule, (), text, outcome, tuple(shown), forth, back)
    path = ("spec", "subsets")
    wanted = [*as_list(rules[0].get(*path)), {"name": name}]
    forth, back = replace_value(rules[0], path, wanted)
    shown.append(rules[0].evidence(*path))
    return Gap(rules[0], (leg.rule,), text, outcome, tuple(shown), forth, back)


def _listens(way: EgressWay, server: Server) -> bool:
    """Whether a server takes what is sent to the port of the gateway's Service."""
    number = way.first.destination.port
    port = way.service.port(number) if number is not None else None
    targets = {target_port(port, pod) for pod in way.pods} if port else set()
    return server.port == number or server.port in targets


def _takes(way: EgressWay, server: Server) -> bool:
    return any(
        hosts_meet(way.host, offered) for offered in server.hosts_for(way.first.rule.namespace)
    )


def _server_gap(way: EgressWay) -> Gap | None:
    """No server of the gateway has both the port and the host."""
    every = [server for gateway in way.gateways for server in servers(gateway)]
    if not every or any(_listens(way, item) and _takes(way, item) for item in every):
        return None
    port = way.first.destination.port
    named = [item for item in every if any(leg.is_at(item.gateway) for leg in way.seconds)]
    listening = [item for item in named or every if _listens(way, item)]
    chosen = (listening or named or every)[0]
    gateway = chosen.gateway
    outcome = "the gateway has no route or no listener for them: 404 with flag NR, or a refusal"
    if listening:
        path = chosen.path("hosts")
        forth, back = replace_value(gateway, path, [*chosen.hosts, way.host])
        text = f"{gateway} has no host {way.host} on port {port}"
        shown = gateway.evidence(*path)
    else:
        forth = back = _edit(gateway)
        text = f"{gateway} has no server on port {port}, to which {way.first.rule} sends {way.host}"
        shown = gateway.evidence(*chosen.path("port"))
    sent = way.first.rule.evidence(*way.first.route.path)
    return Gap(gateway, (way.first.rule,), text, outcome, (shown, sent), forth, back)


def _serving(way: EgressWay) -> list[Resource]:
    """The Gateways that take the host at the port."""
    return [
        gateway
        for gateway in way.gateways
        if any(_listens(way, item) and _takes(way, item) for item in servers(gateway))
    ]


def _second_gap(way: EgressWay) -> Gap | None:
    """No route sends on what has come to the gateway."""
    gateways = _serving(way)
    if not gateways or any(leg.is_at(item) for leg in way.seconds for item in gateways):
        return None
    gateway = gateways[0]
    outcome = "the gateway has no route for them and answers 404 with flag NR"
    wrong = misnamed(way, gateway)
    if wrong is not None:
        return Gap(
            wrong.rule, (gateway,), wrong.text, outcome, wrong.evidence, wrong.command, wrong.undo
        )
    wanted = {(item.namespace, item.name) for item in gateways}
    meant = [leg for leg in way.seconds if wanted.intersection(leg.wanted_gateways)]
    rule = (meant or [way.first])[0].rule
    text = (
        f"No VirtualService for {way.host} is bound to {gateway}, so it is not sent on from there"
    )
    path = ("spec", "gateways")
    shown = (rule.evidence(*path), gateway.evidence("metadata", "name"))
    if rule.get(*path) is None and not meant:
        return Gap(rule, (gateway,), text, outcome, shown, _edit(rule), _edit(rule))
    names = [str(name) for name in as_list(rule.get(*path))] or [MESH]
    same = gateway.namespace == rule.namespace
    name = gateway.name if same else f"{gateway.namespace}/{gateway.name}"
    forth, back = replace_value(rule, path, [*names, name])
    return Gap(rule, (gateway,), text, outcome, shown, forth, back)


def _entry_gap(mesh: Snapshot, way: EgressWay, leg: Leg) -> Gap | None:
    """The gateway does not know the host that it is to send requests to."""
    target: Destination = leg.destination
    view = sees(mesh, way.pods[0], target.host, target.port)
    sent = leg.rule.evidence(*leg.route.path, "host")
    outcome = "the gateway has no such cluster and answers 503 with flag NC"
    if view.sight is Sight.HIDDEN and view.service is not None:
        entry = view.service.resource
        space = way.pods[0].namespace
        if view.hider is not Hider.EXPORT_TO:
            return None
        forth, back = widen_export(entry, mesh, [space])
        text = f"{entry} is not visible in namespace {space} of the gateway "
        text += f"({export_words(entry, mesh)})"
        shown = entry.evidence(*export_path(entry))
        return Gap(entry, (leg.rule,), text, outcome, (shown, sent), forth, back)
    if view.sight is not Sight.ABSENT:
        return None
    found = [
        item for item in mesh.registry.find(target.host) if item.resource.kind is SERVICE_ENTRY
    ]
    if not found:
        text = f"{leg.rule} sends {way.host} on to {target}, which no ServiceEntry has"
        return Gap(leg.rule, (), text, outcome, (sent,), _edit(leg.rule), _edit(leg.rule))
    entry, path = found[0].resource, ("spec", "ports")
    port = {"number": target.port, "name": f"tcp-{target.port}", "protocol": "TCP"}
    forth, back = replace_value(entry, path, [*as_list(entry.get(*path)), port])
    text = f"{entry} has no port {target.port}, to which {leg.rule} sends {way.host} on"
    return Gap(entry, (leg.rule,), text, outcome, (entry.evidence(*path), sent), forth, back)


def _gaps(mesh: Snapshot, way: EgressWay) -> Iterator[Gap | None]:
    yield _not_in_mesh(way)
    yield _subset_gap(mesh, way.first, way.first.rule.namespace, "the callers' proxies")
    yield _server_gap(way)
    yield _second_gap(way)
    for leg in way.seconds:
        if any(leg.is_at(item) for item in _serving(way)):
            yield _entry_gap(mesh, way, leg)
            yield _subset_gap(mesh, leg, way.pods[0].namespace, "the gateway's proxies")


def first_gap(mesh: Snapshot, way: EgressWay) -> Gap | None:
    """The first thing that is missing on a way out; None when it is whole."""
    return next((gap for gap in _gaps(mesh, way) if gap is not None), None)
