"""How wide the columns of a table want to be, and how narrow they may become."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from screens.widgets.marks import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screens.widgets.columns import Column
    from screens.widgets.row import Row


def natural_widths(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[int, ...]:
    """The width that each column wants."""
    return tuple(
        max([cell_len(column.header), *(cell_len(str(row.cells[index])) for row in rows)])
        for index, column in enumerate(columns)
    )


def with_short_forms(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns; one whose marks have a short form may shrink to the longest of these."""
    return tuple(
        replace(column, least=_short_width(index, column, rows)) if column.has_short else column
        for index, column in enumerate(columns)
    )


def _short_width(index: int, column: Column, rows: Sequence[Row]) -> int:
    cells = (row.cells[index] for row in rows)
    texts = ((cell.short if isinstance(cell, Mark) else "") or str(cell) for cell in cells)
    return max([cell_len(column.header), *(cell_len(text) for text in texts)])
