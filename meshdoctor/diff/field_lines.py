"""One changed field as lines: what went, what came, and what stands around it."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from meshdoctor.diff.text import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.diff.fields import FieldChange

_AROUND = 2
"""Lines that stay the same, before and after those that do not."""


class Sign(StrEnum):
    """What became of a line; it is printed, so that nothing hangs on a colour."""

    PATH = "@"
    REMOVED = "-"
    ADDED = "+"
    SAME = " "
    LEFT_OUT = "…"


def _written(value: Any) -> list[str]:
    """A value as lines; None, which is one that is not there, as none."""
    if value is None:
        return []
    if isinstance(value, str):
        if "\n" in value and not value_text(value).startswith("PEM "):
            return value.splitlines()
        return [value_text(value, most=None)]
    return json.dumps(value, indent=2, ensure_ascii=False, default=str).splitlines()


def field_lines(fields: Iterable[FieldChange]) -> Iterator[tuple[Sign, str]]:
    """The fields that differ, line by line, each beneath its path.

    Args:
        fields: what differs in one object.
    """
    for field in fields:
        yield Sign.PATH, field.path
        yield from _differing(_written(field.old), _written(field.new))


def _differing(old: list[str], new: list[str]) -> Iterator[tuple[Sign, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(_AROUND)):
        if number:
            yield Sign.LEFT_OUT, ""
        for _, start, end, first, last in group:
            if old[start:end] == new[first:last]:
                yield from ((Sign.SAME, line) for line in old[start:end])
                continue
            yield from ((Sign.REMOVED, line) for line in old[start:end])
            yield from ((Sign.ADDED, line) for line in new[first:last])
