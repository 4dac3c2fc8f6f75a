"""Which item of a list became which: by what they share, where they have no name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Pair = tuple[int | None, int | None]
    """Index before and after; None where it is new or gone."""

_ALIKE = 0.2
"""So much of the larger one two items share, if the one became the other."""
_MOST = 60
"""Longer stretches are paired by their order: every pair of items would be compared."""


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, f"{path}[]")
    else:
        yield f"{path}={value}"


def texts(items: Sequence[Any]) -> list[str]:
    """Items as texts that are equal where the items are."""
    return [json.dumps(item, sort_keys=True, default=str) for item in items]


def aligned(old: Sequence[Any], new: Sequence[Any]) -> Iterator[Pair]:
    """Pair the items of two stretches, in order, so that those paired share most.

    Args:
        old: the items before.
        new: the items after.
    """
    if len(old) == len(new) == 1 or max(len(old), len(new), 1) > _MOST:
        for index in range(max(len(old), len(new))):
            yield index if index < len(old) else None, index if index < len(new) else None
        return
    before, after = ([set(_leaves(item)) for item in side] for side in (old, new))
    best, paired = _best(before, after)
    row = column = 0
    while row < len(old) or column < len(new):
        if (row, column) in paired:
            yield row, column
            row, column = row + 1, column + 1
        elif row < len(old) and best[row][column] == best[row + 1][column]:
            yield row, None
            row += 1
        else:
            yield None, column
            column += 1


def _best(
    before: list[set[str]], after: list[set[str]]
) -> tuple[list[list[float]], set[tuple[int, int]]]:
    """What pairing the rest of both comes to at best from each place, and where that pairs two."""
    paired: set[tuple[int, int]] = set()
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for row in reversed(range(len(before))):
        for column in reversed(range(len(after))):
            shared = len(before[row] & after[column])
            alike = shared / max(len(before[row]), len(after[column]), 1)
            both = alike + best[row + 1][column + 1] if alike >= _ALIKE else 0.0
            either = max(best[row + 1][column], best[row][column + 1])
            best[row][column] = max(both, either)
            if both and both >= either:
                paired.add((row, column))
    return best, paired


def without_common(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[int], list[int]]:
    """The indices of what is not on both sides, whatever its order."""
    before, after = texts(old), texts(new)
    left: list[int] = []
    rest = list(range(len(new)))
    for index, text in enumerate(before):
        same = next((other for other in rest if after[other] == text), None)
        if same is None:
            left.append(index)
        else:
            rest.remove(same)
    return left, rest
