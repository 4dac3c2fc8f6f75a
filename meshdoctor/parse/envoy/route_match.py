"""What a route asks of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.envoy.route import HeaderMatch, PathKind, RouteMatch
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.fields import text
from meshdoctor.parse.envoy.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: tuple[PathKind, ...] = ("prefix", "path_separated_prefix", "path")
_STRING_KINDS = ("exact", "prefix", "suffix", "contains")


def _string_matcher(value: Mapping[str, object]) -> tuple[str, str]:
    for kind in _STRING_KINDS:
        if kind in value:
            return kind, text(value[kind])
    if "safe_regex" in value:
        return "safe_regex", text(as_mapping(value["safe_regex"]).get("regex"))
    return "other", ""


def _matcher(value: object) -> HeaderMatch:
    match = as_mapping(value)
    kind, wanted = "present", ""
    if isinstance(match.get("string_match"), dict):
        kind, wanted = _string_matcher(match["string_match"])
    else:
        # Deprecated spellings, which older istiod still sends.
        for old in (*_STRING_KINDS, "safe_regex"):
            found = match.get(f"{old}_match")
            if isinstance(found, str):
                kind, wanted = old, text(found)
            elif isinstance(found, dict):
                kind, wanted = old, text(found.get("regex"))
    if kind == "present" and not match.keys().isdisjoint(("range_match", "treat_missing_header")):
        kind = "other"
    inverted = match.get("invert_match") is True or match.get("present_match") is False
    return HeaderMatch(text(match.get("name")), kind, wanted, inverted)


def _matchers(value: object) -> tuple[HeaderMatch, ...]:
    return tuple(_matcher(item) for item in as_list(value)) if value else ()


def read_route_match(value: object) -> RouteMatch:
    """Read a ``RouteMatch``; a kind of path match we do not know is ``other``."""
    match = as_mapping(value)
    kind: PathKind = "other"
    wanted = ""
    for known in _KINDS:
        if known in match:
            kind, wanted = known, text(match[known])
            break
    else:
        if "safe_regex" in match:
            kind, wanted = "safe_regex", text(as_mapping(match["safe_regex"]).get("regex"))
    return shared(
        RouteMatch(
            kind=kind,
            value=wanted,
            headers=_matchers(match.get("headers")),
            query=_matchers(match.get("query_parameters")),
            case_sensitive=match.get("case_sensitive") is not False,
        )
    )
