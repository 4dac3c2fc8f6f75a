"""Dumps with camelCase keys: istiod's own ``/debug/config_dump`` and istioctl's JSON output.

Everything else reads snake_case, as Envoy prints it, so such a section is respelt before it is
read and its pointers are respelt back afterwards: they must lead into the file as it is.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]*)+")
_UPPER = re.compile(r"[A-Z]")
_SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_DATA = frozenset({"filterMetadata", "filter_metadata"})
"""Keys under these are data, not fields."""
_KEPT = frozenset({"tlsMode"})
"""A key Istio chose, in ``match`` of a transport socket match."""
_ODD = {"consecutive5xx": "consecutive_5xx"}


def is_camel_case(section: Mapping[str, Any]) -> bool:
    """Whether a section's fields are spelt in camelCase."""
    return any(_CAMEL.fullmatch(key) for key in section)


def to_snake_key(key: str) -> str:
    """Respell one field name."""
    if key in _KEPT or not _CAMEL.fullmatch(key):
        return _ODD.get(key, key)
    return _UPPER.sub(lambda found: f"_{found[0].lower()}", key)


def to_snake_case(section: Mapping[str, Any]) -> dict[str, Any]:
    """Respell the field names of a section, at every depth."""
    return {
        to_snake_key(key): value if key in _DATA else _respelt(value)
        for key, value in section.items()
    }


def _respelt(value: object) -> object:
    if isinstance(value, list):
        return [_respelt(item) for item in value]
    return to_snake_case(value) if isinstance(value, dict) else value


def _camel_token(token: str) -> str:
    if not _SNAKE.fullmatch(token):
        return token
    first, *others = token.split("_")
    return first + "".join(word.capitalize() for word in others)


def camel_pointers(part: T) -> T:
    """Respell every ``pointer`` of a part of the model, at every depth."""
    if isinstance(part, tuple) and not hasattr(part, "_fields"):
        return type(part)(camel_pointers(item) for item in part)
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name == "pointer":
            changed[field.name] = "/".join(map(_camel_token, value.split("/")))
        elif isinstance(value, tuple) or dataclasses.is_dataclass(value):
            changed[field.name] = camel_pointers(value)
    return dataclasses.replace(part, **changed)
