"""Change every text of a report at once, wherever it stands in its tree of dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_STANDS_FOR_CONTROL = "·"


def with_texts(value: T, change: Callable[[str, str], str], field: str = "") -> T:
    """A copy with other texts; enumerations, numbers and times stay what they are.

    Args:
        value: a dataclass, a tuple, a mapping or a text.
        change: given the name of the dataclass's field that holds a text, and the text.
        field: the field that holds the value itself.
    """
    made: Any = value
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        made = change(field, value)
    elif isinstance(value, tuple):
        made = tuple(with_texts(item, change, field) for item in value)
    elif isinstance(value, Mapping):
        made = MappingProxyType(
            {key: with_texts(item, change, field) for key, item in value.items()}
        )
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {
            item.name: with_texts(getattr(value, item.name), change, item.name)
            for item in fields(value)
        }
        made = replace(cast("Any", value), **changed)
    return cast("T", made)


def printable(text: str) -> str:
    """A text without terminal controls and direction marks, whatever a recording smuggles in."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else _STANDS_FOR_CONTROL
        for letter in text
    )
