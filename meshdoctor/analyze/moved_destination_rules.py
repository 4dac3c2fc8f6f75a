"""The commands that put a DestinationRule where it counts: moved, or merged into the rule there.

Of several rules for one host in one namespace the first with a trafficPolicy gives it whole, so
a second rule beside it would have no effect either.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.intent.destination_rules import rule_host
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_KIND = f"{DESTINATION_RULE.plural}.{DESTINATION_RULE.group}"


def _apply(rule: Resource, namespace: str, name: str, host: str) -> str:
    whole = {
        "apiVersion": "networking.istio.io/v1",
        "kind": rule.kind.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**rule.spec, "host": host},
    }
    text = json.dumps(whole, ensure_ascii=False).replace("'", "'\\''")
    return f"echo '{text}' | kubectl apply -f -"


def _merge(rule: Resource, into: Resource) -> tuple[str, str]:
    """The command that writes one rule's settings into another, and its undo."""
    forth: list[dict[str, Any]] = []
    back: list[dict[str, Any]] = []

    def add(path: tuple[str | int, ...], value: object) -> None:
        pointer, old = join_pointer("", list(path)), into.get(*path)
        forth.append({"op": "add", "path": pointer, "value": value})
        undone = {"op": "remove"} if old is None else {"op": "replace", "value": old}
        back.insert(0, {**undone, "path": pointer})

    policy = as_mapping(rule.spec.get("trafficPolicy"))
    if policy and not as_mapping(into.spec.get("trafficPolicy")):
        add(("spec", "trafficPolicy"), policy)
    else:
        for key, value in policy.items():
            add(("spec", "trafficPolicy", key), value)
    if subsets := as_list(rule.spec.get("subsets")):
        known = as_list(into.spec.get("subsets"))
        names = {as_mapping(item).get("name") for item in known}
        new = [item for item in subsets if as_mapping(item).get("name") not in names]
        add(("spec", "subsets"), [*known, *new])
    return json_patch(into, forth), json_patch(into, back)


def how_to_move(mesh: Snapshot, rule: Resource, hosts: tuple[ServiceHost, ...]) -> dict[str, str]:
    """Words for a cause's fix: ``do``, ``command``, ``undo`` and where the rule goes, ``target``.

    Args:
        mesh: the snapshot.
        rule: the rule that stands where nobody looks.
        hosts: what it speaks of; where those are of several namespaces it belongs to the root's.
    """
    host = rule_host(rule, mesh)
    spaces = {item.namespace for item in hosts}
    target = next(iter(spaces)) if len(spaces) == 1 else mesh.root_namespace
    there = mesh.catalog.within(DESTINATION_RULE, target)
    other = next((item for item in there if rule_host(item, mesh) == host), None)
    delete = f"kubectl delete {_KIND} {rule.name} -n {rule.namespace}"
    again = _apply(rule, rule.namespace, rule.name, str(rule.spec.get("host")))
    if other is not None:
        forth, back = _merge(rule, other)
        return {
            "target": target,
            "do": f"Write what {rule} says into {other}, which counts for that host",
            "command": f"{forth} && {delete}",
            "undo": f"{back} && {again}",
        }
    taken = {item.name for item in there}
    name = f"{rule.name}-{rule.namespace}" if rule.name in taken else rule.name
    return {
        "target": target,
        "do": f"Move {rule} to namespace {target}",
        "command": f"{_apply(rule, target, name, host)} && {delete}",
        "undo": f"kubectl delete {_KIND} {name} -n {target} && {again}",
    }
