"""Where an AuthorizationPolicy is enforced in ambient mode: by ztunnel, by a waypoint, or nowhere.

With a selector, or for a whole namespace, ztunnel enforces it, which knows connections and no HTTP:
in an ALLOW policy it leaves out every rule that names an HTTP attribute. With ``targetRefs`` only a
waypoint does, if one serves the target (pilot/pkg/serviceregistry/ambient, ``authorization.go``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource

_SOURCE = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")
_OPERATION = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
_CONNECTION_KEYS = frozenset(
    {
        "source.ip",
        "source.namespace",
        "source.principal",
        "source.serviceAccount",
        "destination.ip",
        "destination.port",
    }
)
"""Keys of ``when`` that ztunnel understands."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class HttpField:
    """A part of a rule that only an HTTP proxy can judge."""

    rule: int
    word: str
    """``methods``, ``paths``, ``request.headers[x]`` …"""
    path: Path


def _in_part(
    rule: object, index: int, key: str, inner: str, words: tuple[str, ...]
) -> Iterator[HttpField]:
    for number, item in enumerate(as_list(as_mapping(rule).get(key))):
        part = as_mapping(as_mapping(item).get(inner))
        for word in words:
            if part.get(word):
                yield HttpField(index, word, ("spec", "rules", index, key, number, inner, word))


def http_fields(policy: Resource) -> tuple[HttpField, ...]:
    """Every HTTP attribute that a policy's rules name, in order."""
    found: list[HttpField] = []
    for index, rule in enumerate(as_list(policy.spec.get("rules"))):
        found += _in_part(rule, index, "from", "source", _SOURCE)
        found += _in_part(rule, index, "to", "operation", _OPERATION)
        for number, item in enumerate(as_list(as_mapping(rule).get("when"))):
            word = as_mapping(item).get("key")
            if isinstance(word, str) and word not in _CONNECTION_KEYS:
                found.append(
                    HttpField(index, word, ("spec", "rules", index, "when", number, "key"))
                )
    return tuple(found)
