"""Rows as a plain table: columns aligned, nothing drawn, nothing cut when piped."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNBOUNDED = 100_000
"""Columns wide enough that nothing is ever folded: readers pipe, grep and scroll."""


def cell(value: object) -> str:
    """A value as a cell's text: absent ones are a dash, sequences joined by commas."""
    if value is None or value == "":
        return "-"
    if isinstance(value, tuple | list | frozenset):
        return ",".join(cell(item) for item in value) or "-"
    return str(value)


def table_text(columns: Sequence[tuple[str, str]], rows: Iterable[object]) -> str:
    """Rows as text.

    Args:
        columns: header and attribute name of each column.
        rows: objects with those attributes.
    """
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 3, 0, 0), header_style="")
    for header, _ in columns:
        table.add_column(header, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(getattr(row, name))) for _, name in columns))
    out = StringIO()
    Console(file=out, width=_UNBOUNDED, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
