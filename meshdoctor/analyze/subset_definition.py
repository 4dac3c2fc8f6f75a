"""Whether every subset that a route names is defined by a DestinationRule its clients see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import (
    affected_by,
    failed_calls_to,
    requests_fail,
)
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import destinations_in_use, is_missing
from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.analyze.missing_clusters import cluster_missing
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.analyze.prepared_rules import PREPARED, is_prepared
from meshdoctor.intent.clients import governed_alike
from meshdoctor.intent.destination_rules import rule_host, rules_for, subset_named, subsets_of
from meshdoctor.model.kinds import DESTINATION_RULE, POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SUBSET_NOT_DEFINED = "MD0112"


def _client_namespaces(mesh: Snapshot, use: Use) -> tuple[str, ...]:
    """Where its clients run: those that called it or were refused, else all that hold a route."""
    seen = {call.proxy.namespace for call in failed_calls_to(mesh, use, "NC")}
    seen |= {call.proxy.namespace for call in use.calls}
    if seen:
        return governed_alike(mesh, use.destination.host, sorted(seen))
    return use.client_namespaces


def _rules_of_host(mesh: Snapshot, host: str) -> tuple[Resource, ...]:
    """Every DestinationRule for a host, wherever it stands."""
    return tuple(
        rule for rule in mesh.catalog.of(DESTINATION_RULE) if rule_host(rule, mesh) == host
    )


def _fills(mesh: Snapshot, use: Use, rules: tuple[Resource, ...]) -> dict[str, str]:
    route = use.routes[0]
    source = route.binding.virtual_service
    defined = [subset.name for subset in subsets_of(rules)]
    name = use.destination.subset
    other = nearest_word(name, defined) or (defined[0] if defined else None)
    forth, back = replace_value(source, (*route.path, "subset"), other)
    told = f"{', '.join(defined)} are defined" if defined else "no subset of it is defined"
    return {
        "subset": name,
        "defined": told,
        "virtualservice": f"{source.namespace}/{source.name}",
        "do": f"Send the route to subset {other}" if other else "Take the subset out of the route",
        "command": forth,
        "undo": back,
        **_definition(use, rules),
    }


def _definition(use: Use, rules: tuple[Resource, ...]) -> dict[str, str]:
    """The command that defines the subset, in the host's rule or in a new one."""
    name, host = use.destination.subset, use.destination.host
    subset: dict[str, object] = {"name": name, "labels": {"version": name}}
    if rules:
        rule = rules[0]
        subsets = as_list(rule.spec.get("subsets"))
        new_place = "/spec/subsets/-" if subsets else "/spec/subsets"
        step = {"op": "add", "path": new_place, "value": subset if subsets else [subset]}
        where = f"/spec/subsets/{len(subsets)}" if subsets else "/spec/subsets"
        return {
            "rule": f"{rule.namespace}/{rule.name}",
            "define": json_patch(rule, [step]),
            "undefine": json_patch(rule, [{"op": "remove", "path": where}]),
        }
    space = use.service.namespace if use.service else use.virtual_services[0].namespace
    return new_rule(host, space, subset)


def new_rule(host: str, namespace: str, subset: dict[str, object]) -> dict[str, str]:
    """The command that defines a subset in a DestinationRule of its own.

    Args:
        host: fully qualified.
        namespace: where the rule is to stand.
        subset: its name and labels.
    """
    name = host.partition(".")[0]
    new = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": host, "subsets": [subset]},
    }
    return {
        "rule": "a new DestinationRule",
        "define": f"echo '{json.dumps(new)}' | kubectl apply -f -",
        "undefine": f"kubectl delete destinationrule {name} -n {namespace}",
    }


def _undefined(mesh: Snapshot, use: Use, rules: tuple[Resource, ...]) -> Finding:
    fills = _fills(mesh, use, rules)
    name, host = use.destination.subset, use.destination.host
    message = (
        f"VirtualService {fills['virtualservice']} sends requests to subset {name} of {host}, "
        f"which no DestinationRule its clients see defines ({fills['defined']})"
    )
    evidence = [
        route.binding.virtual_service.evidence(*route.path, "subset") for route in use.routes[:3]
    ]
    evidence += [rule.evidence("spec", "subsets") for rule in rules[:1]]
    missing, held = cluster_missing(mesh, use)
    prepared = is_prepared(mesh, use)
    return problem(
        SUBSET_NOT_DEFINED,
        use,
        message + PREPARED if prepared else message,
        objects=(*map(str, use.virtual_services), *map(str, rules)),
        facts=(
            holds("subset-undefined", message, *evidence),
            missing,
            requests_fail(mesh, use, "NC"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "NC")),
        fills=fills,
        root=not held,
        note=prepared,
    )


def _needs(mesh: Snapshot, use: Use) -> tuple[str, ...]:
    """What must be read before a subset can be called undefined."""
    kinds = [VIRTUAL_SERVICE, DESTINATION_RULE, SERVICE]
    if use.service is None:
        kinds.append(SERVICE_ENTRY)
    return mesh.catalog.unread(*kinds)


def _judge(mesh: Snapshot, use: Use) -> Finding | None:
    host, name = use.destination.host, use.destination.subset
    if is_missing(mesh, use):
        return None
    found = [rules_for(mesh, host, space) for space in _client_namespaces(mesh, use)]
    defined = [subset for rules in found if (subset := subset_named(rules, name)) is not None]
    if defined and len(defined) == len(found):
        where = defined[0]
        message = f"Subset {name} is defined by {where.rule}"
        evidence = where.rule.evidence(*where.path, "name")
        return passes(SUBSET_NOT_DEFINED, use, message, "subset-defined", [evidence])
    if needs := _needs(mesh, use):
        message = f"It cannot be told whether subset {name} of {host} is defined"
        return cannot_tell(SUBSET_NOT_DEFINED, use, message, needs)
    seen = tuple(dict.fromkeys(rule for rules in found for rule in rules))
    return _undefined(mesh, use, seen or _rules_of_host(mesh, host))


@dataclass(frozen=True, slots=True)
class SubsetDefinition:
    """Every subset that a route names is defined."""

    name: str = "subset-definition"
    description: str = "Every subset that a VirtualService routes to is defined for its clients."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        DESTINATION_RULE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (SUBSET_NOT_DEFINED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each subset that some VirtualService sends requests to."""
        for use in destinations_in_use(mesh):
            if use.destination.subset and use.routes and (found := _judge(mesh, use)) is not None:
                yield found


ANALYZER = SubsetDefinition()
