"""One row of a table: its cells, and what it stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screens.widgets.marks import Mark


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    key: str
    """Stays the same when the row is read again: the cursor follows it."""
    cells: tuple[Mark | str, ...]
    is_fault: bool = False
    """Whether it is not in order (``ctrl+z`` shows only such rows)."""
    namespace: str = ""
    value: Any = None
    """What the row stands for."""
    detail: str = ""
    """The whole of it in words, where there is room; empty for its cells."""

    @property
    def plain(self) -> str:
        """The cells as one line of text, for the filter."""
        return "  ".join(str(cell) for cell in self.cells)


def told_apart(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows; a number is added to the key of every further one with the same key."""
    seen: dict[str, int] = {}
    found: dict[str, Row] = {}
    for row in rows:
        key = row.key
        while key in found:
            seen[row.key] = seen.get(row.key, 1) + 1
            key = f"{row.key} #{seen[row.key]}"
        found[key] = row if key == row.key else replace(row, key=key)
    return tuple(found.values())
