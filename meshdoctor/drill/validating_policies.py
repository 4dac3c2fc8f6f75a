"""What istiod's validation refuses of security policies (pkg/config/validation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LAST_PORT = 65535
_MEANINGLESS = (
    "{} action without `rules` is meaningless as it will never be triggered, "
    "add an empty rule `{{}}` if you want it be triggered for every request"
)


def of_peer_authentication(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a PeerAuthentication, an error each.

    Args:
        spec: of the object.
    """
    ports = as_mapping(spec.get("portLevelMtls"))
    if ports and not as_mapping(as_mapping(spec.get("selector")).get("matchLabels")):
        yield "mesh/namespace peer authentication cannot have port level mTLS"
    if spec.get("portLevelMtls") == {}:
        yield "port level mTLS, if defined, must have at least one element"
    if any(str(port).isdecimal() and not 0 < int(port) <= _LAST_PORT for port in ports):
        yield "port must be in range 1..65535"


def of_request_authentication(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a RequestAuthentication, an error each.

    Args:
        spec: of the object.
    """
    for rule in map(as_mapping, as_list(spec.get("jwtRules"))):
        if not rule.get("issuer"):
            yield "issuer must be set"
        if "" in as_list(rule.get("audiences")):
            yield "audience must be non-empty string"


def of_authorization_policy(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an AuthorizationPolicy, an error each.

    Args:
        spec: of the object.
    """
    action = spec.get("action", "ALLOW")
    if spec.get("selector") is not None and spec.get("targetRefs"):
        yield "only one of targetRefs or workloadSelector can be set"
    if action in ("CUSTOM", "DENY") and spec.get("rules") is None:
        yield _MEANINGLESS.format(action)
    elif action == "CUSTOM" and not as_mapping(spec.get("provider")).get("name"):
        yield "`provider.name` must not be empty"
    if action != "CUSTOM" and spec.get("provider") is not None:
        yield f"`provider` must not be with non CUSTOM action, found {action}"
    for index, rule in enumerate(as_list(spec.get("rules"))):
        for field, part in (("from", "source"), ("to", "operation")):
            for error in _entries(as_mapping(rule), field, part):
                yield f"{error}, found at rule {index}"
        yield from _conditions(as_mapping(rule))


def _entries(rule: Mapping[str, Any], field: str, part: str) -> Iterator[str]:
    if rule.get(field) == []:
        yield f"`{field}` must not be empty"
    for one in map(as_mapping, as_list(rule.get(field))):
        if one.get(part) is None:
            yield f"`{field}.{part}` must not be nil"
        elif not any(as_mapping(one[part]).values()):
            yield f"`{field}.{part}` must not be empty"


def _conditions(rule: Mapping[str, Any]) -> Iterator[str]:
    for condition in map(as_mapping, as_list(rule.get("when"))):
        key = condition.get("key")
        if not key:
            yield "`key` must not be empty"
        elif not (condition.get("values") or condition.get("notValues")):
            yield f"at least one of `values` or `notValues` must be set for key {key}"
