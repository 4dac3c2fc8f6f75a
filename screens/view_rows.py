"""Rows of a view as rows of a table: one way for every view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from screens.widgets.columns import Column, Cut
from screens.widgets.marks import Mark
from screens.widgets.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_LEAST = 12


def cell(value: object) -> str:
    """A value as a cell: absent ones are a dash, sequences joined by commas."""
    if value is None or value == "":
        return "-"
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(cell(item) for item in value) or "-"
    return str(value)


@dataclass(frozen=True, slots=True)
class Look:
    """How one attribute of a view is shown; the defaults suit text that may be cut at its end."""

    header: str = ""
    """Instead of the view's own, where that is too long for a screen."""
    least: int = _LEAST
    """The width to which the column may shrink; 0: it does not."""
    rank: int = 0
    """Columns of the highest rank are left out first; those of rank 0 stay."""
    wraps: bool = False
    cut: Cut = "end"
    mark: Callable[[str], Mark] | None = None
    """Gives the value's text its glyph and role."""
    has_short: bool = False
    """The marks have a short form."""


RIGID = Look(least=0)
"""A short value that is shown whole."""
NAME = Look(least=20, cut="middle")
"""A name, whose beginning and end tell most."""


def _nothing(_: Any) -> str:
    return ""


def _false(_: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ViewTable:
    """How the rows of one view become the rows of a table."""

    columns: Sequence[tuple[str, str]]
    """Header and attribute, as the view gives them."""
    to_json: Callable[[Any], Any]
    """The view's own: what ``y`` shows is what the command line prints."""
    key: Callable[[Any], str]
    """Names a row, the same whenever it is read."""
    looks: Mapping[str, Look] = field(default_factory=dict)
    """By attribute, where the usual look does not do."""
    is_fault: Callable[[Any], bool] = _false
    namespace: Callable[[Any], str] = _nothing
    detail: Callable[[Any], str] = _nothing

    def headers(self) -> tuple[Column, ...]:
        """The columns, with what each one gives up where there is little room."""
        return tuple(
            Column(
                look.header or header,
                least=look.least,
                rank=look.rank,
                wraps=look.wraps,
                cut=look.cut,
                has_short=look.has_short,
            )
            for header, look in (
                (header, self.looks.get(name, Look())) for header, name in self.columns
            )
        )

    def rows(self, view_rows: Iterable[Any]) -> tuple[Row, ...]:
        """The rows, in the view's order."""
        return tuple(self._row(value) for value in view_rows)

    def _row(self, value: Any) -> Row:
        return Row(
            key=self.key(value),
            cells=tuple(self._cell(name, value) for _, name in self.columns),
            is_fault=self.is_fault(value),
            namespace=self.namespace(value),
            value=value,
            detail=self.detail(value),
        )

    def _cell(self, name: str, value: Any) -> Mark | str:
        text = cell(getattr(value, name))
        look = self.looks.get(name)
        return look.mark(text) if look is not None and look.mark is not None else text
