"""Reading fields that may be absent, misspelt in type, or hostile: never an exception."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_NOTES = 50
_LONGEST_NUMBER = 20
"""Digits of the longest 64-bit number with its sign."""


class Notes:
    """What could not be read of one file, in the order it was met."""

    def __init__(self) -> None:
        """Start with nothing noted."""
        self._notes: list[str] = []
        self.count = 0

    def add(self, pointer: str, reason: str) -> None:
        """Note a part that was skipped."""
        self.count += 1
        if len(self._notes) < _MOST_NOTES:
            self._notes.append(f"{pointer}: {reason}")

    def all(self) -> tuple[str, ...]:
        """Everything noted, the first fifty."""
        return tuple(self._notes)


def text(value: object) -> str:
    """The string, shared with equal ones of other proxies; empty when it is not a string."""
    return intern(value) if isinstance(value, str) else ""


def integer(value: object) -> int | None:
    """A whole number, also one written as a string (64-bit numbers in protobuf JSON)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            return int(value)
        except ValueError:
            return None
    return None


def wrapped_integer(value: object) -> int | None:
    """A number that may be wrapped, ``{"value": 3}``, as older dumps print UInt32Value."""
    return integer(value.get("value") if isinstance(value, dict) else value)


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list; other items are dropped."""
    return shared(tuple(intern(item) for item in as_list(value) if isinstance(item, str)))


def mappings(value: object, pointer: str, notes: Notes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list with their pointers; what is not an object is noted and skipped."""
    if value is None:
        return
    if not isinstance(value, list):
        notes.add(pointer, "not a list")
        return
    for index, item in enumerate(value):
        if isinstance(item, dict):
            yield intern(f"{pointer}/{index}"), item
        else:
            notes.add(f"{pointer}/{index}", "not an object")


def istio_metadata(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """``metadata.filter_metadata.istio`` of a part of the configuration."""
    metadata = as_mapping(config.get("metadata"))
    return as_mapping(as_mapping(metadata.get("filter_metadata")).get("istio"))


def percent(value: object) -> float | None:
    """An Envoy FractionalPercent as 0 to 100; None when absent."""
    fraction = as_mapping(value)
    if not fraction:
        return None
    share = {"TEN_THOUSAND": 100.0, "MILLION": 10_000.0}.get(text(fraction.get("denominator")), 1.0)
    return (integer(fraction.get("numerator")) or 0) / share


def string_match(value: object) -> str:
    """An Envoy StringMatcher as one text: a prefix ends in ``*``, a suffix begins with it."""
    matcher = as_mapping(value)
    for kind, form in (("exact", "{}"), ("prefix", "{}*"), ("suffix", "*{}"), ("contains", "*{}*")):
        found = matcher.get(kind)
        if isinstance(found, str):
            return intern(form.format(found))
    return text(as_mapping(matcher.get("safe_regex")).get("regex"))
