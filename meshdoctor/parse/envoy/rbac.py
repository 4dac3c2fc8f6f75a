"""RBAC filters: what istiod makes of AuthorizationPolicies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.security import RbacFilter, RbacPolicy
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.fields import string_match, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING = ({"not_id": {"any": True}}, {"not_rule": {"any": True}})


def _principals(value: object) -> tuple[str, ...]:
    """Every ``principal_name`` in a tree of and, or and plain ids (not below a ``not_id``)."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            name = as_mapping(item.get("authenticated")).get("principal_name")
            if isinstance(name, dict):
                found.add(string_match(name))
            waiting += [part for key, part in item.items() if key != "not_id"]
    return tuple(sorted(found - {""}))


def _is_nothing(policy: Mapping[str, Any]) -> bool:
    sides = (as_list(policy.get(key)) for key in ("permissions", "principals"))
    return any(side and all(item in _NOTHING for item in side) for side in sides)


def _rules(value: object, pointer: str) -> tuple[str, tuple[RbacPolicy, ...]]:
    if not isinstance(value, dict):
        return "", ()
    policies = as_mapping(value.get("policies"))
    return text(value.get("action")) or "ALLOW", tuple(
        RbacPolicy(
            name=text(name),
            principals=_principals(as_mapping(policy).get("principals")),
            matches_nothing=_is_nothing(as_mapping(policy)),
            pointer=join_pointer(pointer, ("policies", name)),
        )
        for name, policy in policies.items()
    )


def read_rbac(entry: Mapping[str, Any], pointer: str) -> RbacFilter | None:
    """Read an RBAC filter, HTTP or network; None when the filter is another."""
    config = as_mapping(entry.get("typed_config"))
    name = text(entry.get("name"))
    if not text(config.get("@type")).endswith(".RBAC"):
        return None
    at = f"{pointer}/typed_config"
    action, policies = _rules(config.get("rules"), f"{at}/rules")
    shadow_action, shadow = _rules(config.get("shadow_rules"), f"{at}/shadow_rules")
    return RbacFilter(name, action, policies, shadow_action, shadow, pointer)
