"""Does Envoy's reason for a rejection name something that a patch of an EnvoyFilter brought in?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_OWN_NAMES = re.compile(
    r"envoy\.filters\.(network\.(http_connection_manager|tcp_proxy|rbac)"
    r"|http\.(router|cors|fault|rbac|jwt_authn|grpc_stats))$"
    r"|envoy\.transport_sockets\.|istio\.|virtual(Inbound|Outbound)$|default$"
)
"""Names that istiod's own configuration is full of: an error with one says nothing of a patch."""
_SHORTEST_NAME = 4
_SHORTEST_TEXT = 12
"""Shorter pieces of text turn up in an error by accident."""
_QUOTED = 20
"""Envoy quotes about this much of a script's first line."""
_LUA_ERRORS = ("script load error", "lua")


@dataclass(frozen=True, slots=True)
class Named:
    """A word that stands both in the error and in a patch."""

    word: str
    path: Path
    """Where in the EnvoyFilter the patch brings it in."""


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _message(type_url: str) -> str:
    return type_url.rpartition("/")[2].rpartition(".")[2]


def _camel(field: str) -> str:
    """A field's name as the generated validators spell it: ``max_request_bytes`` and the like."""
    return "".join(part[:1].upper() + part[1:] for part in field.split("_"))


def _has_word(word: str, error: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", error) is not None


def _type_is_named(type_url: str, error: str) -> bool:
    """Whether the error names a message by its full type or by its generated validator."""
    full = type_url.rpartition("/")[2]
    validator = rf"\b{re.escape(_message(type_url))}(Multi)?(ValidationError|Error)\b"
    return _has_word(full, error) or re.search(validator, error) is not None


def _text_is_quoted(value: str, error: str) -> bool:
    first = value.strip().split("\n")[0][:_QUOTED]
    return len(first) >= _SHORTEST_TEXT and first in error


def _leaf_is_named(path: Path, value: object, error: str) -> str | None:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if isinstance(value, str):
        if key in ("@type", "type_url", "typeUrl"):
            if "lua" in value.lower() and any(word in error for word in _LUA_ERRORS):
                return _message(value)
            return _message(value) if _type_is_named(value, error) else None
        own = _OWN_NAMES.match(value) is not None
        if key == "name" and not own and len(value) >= _SHORTEST_NAME and _has_word(value, error):
            return value
        if not own and _text_is_quoted(value, error):
            return value.strip().split("\n")[0][:_QUOTED]
    field = _camel(key)
    if key and re.search(rf"ValidationError\.{re.escape(field)}\b", error):
        return key
    return None


def named(index: int, patch: Mapping[str, object], error: str) -> Named | None:
    """The first thing a patch brings in that the error names; None when there is none.

    Names of filters and clusters, message types (also as ``<Message>ValidationError``), fields
    that a validator complains of, and the beginning of a script count.

    Args:
        index: the patch's place in ``configPatches``.
        patch: the patch.
        error: the proxy's reason, whole.
    """
    root: Path = ("spec", "configPatches", index, "patch", "value")
    value = patch.get("patch")
    body = value.get("value") if isinstance(value, dict) else None
    for path, leaf in _leaves(body, root):
        word = _leaf_is_named(path, leaf, error)
        if word is not None:
            return Named(word, path)
    return None
