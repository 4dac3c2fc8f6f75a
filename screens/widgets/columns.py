"""Columns, and how they share a line that is too short for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Cut = Literal["start", "middle", "end"]

_ALWAYS_READABLE = 4
"""No column that is shown at all is narrower, unless its text is."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    header: str
    least: int = 0
    """The width it may shrink to; 0: it does not shrink."""
    rank: int = 0
    """Columns of the highest rank are left out first; those of rank 0 stay."""
    wraps: bool = False
    """Long text goes on in further lines instead of being cut."""
    cut: Cut = "end"
    """Where text that is too long is cut: names keep their beginning and their end."""
    has_short: bool = False
    """Its marks have a short form: it may shrink to that."""


def shortened(text: str, width: int, cut: Cut) -> str:
    """A text that fits the width, with an ellipsis where it was cut.

    Args:
        text: one line, of characters one cell wide; wider ones only make it shorter still.
        width: cells it may take; 0 or less gives nothing.
        cut: which part is left out.
    """
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    if cut == "end":
        return text[: width - 1] + "…"
    if cut == "start":
        return "…" + text[1 - width :]
    tail = (width - 1) // 2
    head = width - 1 - tail
    return text[:head] + "…" + (text[-tail:] if tail else "")


def _shrunk(widths: list[int], least: list[int], room: int) -> list[int]:
    """Take from the widest column, one cell after the other, until all fit or none can give."""
    widths = list(widths)
    while sum(widths) > room:
        giving = [index for index, width in enumerate(widths) if width > least[index]]
        if not giving:
            break
        widest = max(giving, key=lambda index: widths[index])
        rest = [widths[index] for index in giving if index != widest]
        # Down to the next widest at once: lines may be thousands of characters long.
        floor = max(least[widest], min(max(rest, default=0), widths[widest] - 1))
        widths[widest] = max(floor, widths[widest] - (sum(widths) - room))
    return widths


def fit(columns: Sequence[Column], natural: Sequence[int], room: int, gap: int) -> tuple[int, ...]:
    """Share a line among columns.

    Args:
        columns: the columns, in order.
        natural: the width each one wants.
        room: cells in the line.
        gap: cells around each column that is shown.

    Returns:
        The width of each column; 0 for one that is left out. Columns of rank 0 are never left out,
        and become as narrow as they must.
    """
    shown = list(range(len(columns)))
    while True:
        wanted = [min(natural[index], room) for index in shown]
        least = [
            min(width, columns[index].least or width)
            for index, width in zip(shown, wanted, strict=True)
        ]
        widths = _shrunk(wanted, least, room - gap * len(shown))
        over = sum(widths) + gap * len(shown) > room
        worst = max((columns[index].rank for index in shown), default=0)
        if not over or worst == 0:
            break
        shown.remove(max(index for index in shown if columns[index].rank == worst))
    if over:
        floors = [min(_ALWAYS_READABLE, width) for width in widths]
        widths = _shrunk(widths, floors, room - gap * len(shown))
    found = dict(zip(shown, widths, strict=True))
    return tuple(found.get(index, 0) for index in range(len(columns)))
