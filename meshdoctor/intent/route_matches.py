"""Which HTTP matches of VirtualServices take every request that another one would take.

Envoy takes the first route that matches; istiod puts the routes of all VirtualServices for one
host of a gateway one after another, the older object's first, and moves catch-all routes to the
end (pilot/pkg/networking/core/route, ``SortVHostRoutes``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource

_NOT_OF_THE_REQUEST = frozenset({"uri", "gateways", "name", "statPrefix", "ignoreUriCase"})


@dataclass(frozen=True, slots=True)
class HttpMatch:
    """One way into one HTTP route of a VirtualService."""

    resource: Resource
    index: int
    """Place of the route in ``spec.http``."""
    item: Mapping[str, Any]
    """The match; empty takes everything."""
    rule: Mapping[str, Any]

    @property
    def uri(self) -> tuple[str, str]:
        """Kind (``prefix``, ``exact``, ``regex``) and value of the path; all paths are ``/``."""
        uri = as_mapping(self.item.get("uri"))
        for kind in ("prefix", "exact", "regex"):
            if isinstance(uri.get(kind), str):
                return kind, uri[kind]
        return "prefix", "/"

    @property
    def conditions(self) -> dict[str, Any]:
        """What it asks beside the path."""
        return {
            key: value
            for key, value in self.item.items()
            if key not in _NOT_OF_THE_REQUEST and value not in (None, {}, [])
        }

    @property
    def ignores_case(self) -> bool:
        """Whether the path's case does not count."""
        return self.item.get("ignoreUriCase") is True

    @property
    def is_catch_all(self) -> bool:
        """Whether it takes everything, so that istiod puts it last."""
        kind, value = self.uri
        whole = (kind, value) in (("prefix", "/"), ("regex", "*"), ("regex", ".*"))
        return whole and not self.conditions

    @property
    def leads_to(self) -> object:
        """What is done with the request, to tell whether it matters which rule comes first."""
        return {key: value for key, value in self.rule.items() if key not in ("match", "name")}

    def __str__(self) -> str:
        """The path as a person writes it."""
        kind, value = self.uri
        path = {"prefix": f"{value}*", "exact": value, "regex": f"regex {value}"}[kind]
        return path + (f" with {', '.join(sorted(self.conditions))}" if self.conditions else "")

    def path(self, *more: str | int) -> tuple[str | int, ...]:
        """Path of the route within its VirtualService."""
        return ("spec", "http", self.index, *more)


def http_matches(resource: Resource, gateway: Resource) -> Iterator[HttpMatch]:
    """The matches of a VirtualService that count at a Gateway, in its own order."""
    names = {gateway.name, f"{gateway.namespace}/{gateway.name}", f"./{gateway.name}"}
    for index, value in enumerate(as_list(resource.spec.get("http"))):
        rule = as_mapping(value)
        for item in map(as_mapping, as_list(rule.get("match")) or [{}]):
            only = as_list(item.get("gateways"))
            if not only or not names.isdisjoint(name for name in only if isinstance(name, str)):
                yield HttpMatch(resource, index, item, rule)


def _covers_path(one: HttpMatch, other: HttpMatch) -> bool:
    kind, value = one.uri
    other_kind, other_value = other.uri
    if one.ignores_case and other.ignores_case:
        value, other_value = value.lower(), other_value.lower()
    elif other.ignores_case and (kind, value) != ("prefix", "/"):
        return False
    if kind == "prefix" and other_kind in ("prefix", "exact"):
        return other_value.startswith(value)
    if kind == "prefix" and value == "/":
        return True
    return (kind, value) == (other_kind, other_value)


def covers_match(one: HttpMatch, other: HttpMatch) -> bool:
    """Whether every request that the other takes is taken by the one."""
    asked, others = one.conditions, other.conditions
    if any(others.get(key) != value for key, value in asked.items()):
        return False
    return _covers_path(one, other)
