"""Rules for the second hop of a way out whose Gateway is named wrong, and how to name it right.

A rule counts at a gateway where both ``spec.gateways`` of its VirtualService and ``gateways`` of
its match name it; a name without a namespace means the VirtualService's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.intent.gateway_servers import resolve_gateway_name
from meshdoctor.intent.route_bindings import MESH
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.intent.egress_gateways import EgressWay, Leg
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A rule that leads on from a gateway, and does not count there."""

    rule: Resource
    text: str
    evidence: tuple[Evidence, ...]
    command: str
    undo: str


def _name_for(gateway: Resource, namespace: str) -> str:
    same = gateway.namespace == namespace
    return gateway.name if same else f"{gateway.namespace}/{gateway.name}"


def _is_meant(name: str, gateway: Resource, namespace: str) -> bool:
    """Whether a name means this Gateway, or one of the same name elsewhere."""
    return name != MESH and resolve_gateway_name(name, namespace)[1] == gateway.name


def _named_right(names: Sequence[str], gateway: Resource, namespace: str) -> list[str]:
    """The same names, with the Gateway's in the place of what was meant for it, else added."""
    right = _name_for(gateway, namespace)
    found = [right if _is_meant(name, gateway, namespace) else name for name in names]
    return list(dict.fromkeys((*found, right)))


def _lists(leg: Leg) -> list[Path]:
    """Where a leg's rule names its gateways: at the VirtualService, and in each match."""
    matches = as_list(leg.rule.get(*leg.route.path[:3], "match"))
    found: list[Path] = [("spec", "gateways")]
    for index, value in enumerate(matches):
        if as_list(as_mapping(value).get("gateways")):
            found.append((*leg.route.path[:3], "match", index, "gateways"))
    return found


def _meant_for(leg: Leg, gateway: Resource) -> bool:
    """Whether a leg is written for a Gateway of this name, or bound to it without its match."""
    if any(name == gateway.name for _, name in leg.wanted_gateways):
        return True
    bound = as_list(leg.rule.get("spec", "gateways"))
    right = (gateway.namespace, gateway.name)
    names = [resolve_gateway_name(str(n), leg.rule.namespace) for n in bound if n != MESH]
    return bool(leg.wanted_gateways) and right in names


def misnamed(way: EgressWay, gateway: Resource) -> Misnamed | None:
    """The rule that was to lead on from a Gateway, and names it wrong; None where there is none.

    Args:
        way: of which nothing counts at the Gateway.
        gateway: that takes the host.
    """
    leg = next((item for item in way.seconds if _meant_for(item, gateway)), None)
    if leg is None:
        return None
    rule = leg.rule
    forth: list[dict[str, Any]] = []
    back: list[dict[str, Any]] = []
    shown: list[Evidence] = []
    for path in _lists(leg):
        before = [str(name) for name in as_list(rule.get(*path))]
        after = _named_right(before, gateway, rule.namespace)
        if after != before and before:
            pointer = join_pointer("", list(path))
            forth.append({"op": "replace", "path": pointer, "value": after})
            back.append({"op": "replace", "path": pointer, "value": before})
            shown.append(rule.evidence(*path))
    if not forth:
        return None
    right = _name_for(gateway, rule.namespace)
    text = f"{rule} has a rule that leads {way.host} on from {gateway}, and does not call it "
    text += f"{right} where it has to"
    shown.append(gateway.evidence("metadata", "name"))
    return Misnamed(rule, text, tuple(shown), json_patch(rule, forth), json_patch(rule, back))
