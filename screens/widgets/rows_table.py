"""A table of rows with its filter, its counts, and the four kinds of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable, Input

from screens.widgets.columns import Column, fit
from screens.widgets.grid import Grid
from screens.widgets.marks import cell_text
from screens.widgets.measure import natural_widths, with_short_forms
from screens.widgets.plain_text import PlainText, one_line
from screens.widgets.row import Row, told_apart
from screens.widgets.row_filter import RowFilter
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult

MOST_SHOWN = 2000
"""More rows than that are counted and searched, not drawn: nobody scrolls so far."""
_SCROLLBAR = 1


class RowsTable(Vertical):
    """Title with numbers, filter line, table, and a sentence whenever there is nothing."""

    DEFAULT_CSS = """
    RowsTable { border: round $md-frame; padding: 0; height: 1fr; }
    RowsTable:focus-within { border: round $primary; }
    RowsTable > Grid { height: 1fr; background: transparent; }
    RowsTable > .nothing { height: 1fr; padding: 0 1; color: $md-muted; display: none; }
    RowsTable > .detail { height: auto; max-height: 50%; padding: 0 1; display: none; }
    RowsTable > Input { dock: bottom; height: 1; border: none; display: none; }
    RowsTable.-filtering > Input { display: block; }
    RowsTable.-empty > Grid { height: 1; }
    RowsTable.-empty > .nothing { display: block; }
    """

    class _OfRow(Message):
        """Something happened to a row."""

        def __init__(self, table: RowsTable, row: Row) -> None:
            """Carry the table and its row."""
            self.table = table
            self.row = row
            super().__init__()

        @property
        def control(self) -> RowsTable:
            """The table that was used."""
            return self.table

    class Refilled(Message):
        """Rows or filters have changed: other rows may be shown, or none."""

        def __init__(self, table: RowsTable) -> None:
            """Carry the table."""
            self.table = table
            super().__init__()

        @property
        def control(self) -> RowsTable:
            """The table that was filled."""
            return self.table

    class Opened(_OfRow):
        """Enter was pressed on a row."""

    class Highlighted(_OfRow):
        """The cursor moved to a row."""

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        *,
        id: str,
        detailed: bool = False,
        faults: str = "not in order",
    ) -> None:
        """Make an empty table that is still loading.

        Args:
            title: stands in the border, with the number of rows.
            columns: how each column behaves where there is little room.
            id: the widget's id.
            detailed: whether a tall screen shows the whole of the current row beneath.
            faults: what rows are called in the title that ``ctrl+z`` leaves.
        """
        super().__init__(id=id, classes="-detailed" if detailed else "")
        self._title = title
        self._faults = faults
        self._columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self._measure()
        self._nothing = "Loading…"
        self._filter = RowFilter()
        self._shown: dict[str, Row] = {}
        self._passing = 0
        self._wide = False
        self._room = 0
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """The table, the sentence for nothing, the current row in words, and the filter line."""
        yield Grid()
        yield PlainText(self._nothing, classes="nothing")
        yield PlainText("", classes="detail")
        yield Input(placeholder="filter: regular expression, ! inverts", compact=True)

    def on_mount(self) -> None:
        """Draw, and draw anew in other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._fill())
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        """Share the new width among the columns."""
        del event
        if self.size.width and self.size.width != self._room:
            self._room = self.size.width
            self._fill()

    @property
    def grid(self) -> Grid:
        """The table proper."""
        return self.query_one(Grid)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._shown.get(self.grid.current_key or "")

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that pass the filters."""
        return tuple(self._shown.values())

    @property
    def nothing(self) -> str:
        """The sentence shown in place of rows; empty when there are some."""
        if self._shown:
            return ""
        return self._filter.nothing_line() if self._rows else self._nothing

    def show(
        self, rows: Sequence[Row], nothing: str, columns: Sequence[Column] | None = None
    ) -> None:
        """Show rows.

        Args:
            rows: all of them; the filters choose among them.
            nothing: why there are none, should there be none.
            columns: the columns, where they depend on the rows.
        """
        self._rows = told_apart(rows)
        self._nothing = nothing
        self._columns = tuple(columns) if columns is not None else self._columns
        self._measure()
        self._fill()

    def limit_to(self, namespace: str) -> None:
        """Show only rows of one namespace; empty for all."""
        self._refilter(replace(self._filter, namespace=namespace))

    def clear_filter(self) -> bool:
        """Clear the filter; False when there was none to clear."""
        if not (self._filter.is_clearable or self.has_class("-filtering")):
            return False
        self.remove_class("-filtering")
        self.query_one(Input).value = ""
        self._refilter(RowFilter(namespace=self._filter.namespace))
        self.grid.focus()
        return True

    def start_filter(self) -> None:
        """Open the filter line."""
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def filter_by(self, text: str) -> None:
        """Show only rows that match, as though it had been typed."""
        self.query_one(Input).value = text
        self._refilter(replace(self._filter, text=text))

    def toggle_faults(self) -> None:
        """Toggle between all rows and those that are not in order."""
        self._refilter(replace(self._filter, faults_only=not self._filter.faults_only))

    def toggle_wide(self) -> None:
        """Toggle between columns that fit and columns at full width."""
        self._wide = not self._wide
        self._fill()

    def go_to(self, key: str) -> None:
        """Put the cursor on the row of that key, if it is shown."""
        if not self._room:
            self._wanted = key
        elif key in self._shown:
            self.grid.move_cursor(row=self.grid.get_row_index(key))

    def detail_of(self, row: Row) -> str:
        """The whole of a row in words."""
        if row.detail:
            return row.detail
        named = zip(self._columns, row.cells, strict=True)
        width = max(len(column.header) for column in self._columns)
        return "\n".join(f"{column.header:<{width}}  {cell}" for column, cell in named)

    def _refilter(self, wanted: RowFilter) -> None:
        if wanted != self._filter:
            self._filter = wanted
            self._fill()

    def _widths(self) -> tuple[int, ...]:
        if self._wide:
            return self._natural
        room = self._room - _SCROLLBAR
        return fit(self._fitting, self._natural, room, 2 * self.grid.cell_padding)

    def _measure(self) -> None:
        self._natural = natural_widths(self._columns, self._rows)
        self._fitting = with_short_forms(self._columns, self._rows)

    def _fill(self) -> None:
        if not self.is_mounted:
            return
        passing = [row for row in self._rows if self._filter.admits(row)]
        self._passing = len(passing)
        self._shown = {row.key: row for row in passing[:MOST_SHOWN]}
        with self.app.batch_update():
            # In a tab that was never shown there is no room yet; on_resize draws it.
            if self._room:
                self._draw(self._widths())
            self.set_class(not self._shown, "-empty")
            self.query_one(".nothing", PlainText).say(self.nothing)
            self._show_detail(self.current)
        self._show_title()
        self.post_message(self.Refilled(self))

    def _draw(self, widths: tuple[int, ...]) -> None:
        """Draw the rows anew, with the cursor and the scrolled place where they were."""
        grid, scrolled, sideways = self.grid, self.grid.scroll_y, self.grid.scroll_x
        kept, self._wanted = self._wanted or grid.current_key, ""
        place = grid.cursor_row
        drawn = [index for index, width in enumerate(widths) if width]
        # Without colour a dark one would only look faint: bold and dim have to do.
        variables = {} if self.app.no_color else self.app.theme_variables
        columns = [replace(each, wraps=each.wraps and not self._wide) for each in self._columns]
        wraps = any(column.wraps for column in columns)
        grid.clear(columns=True)
        for index in drawn:
            grid.add_column(self._columns[index].header, width=widths[index])
        for row in self._shown.values():
            cells = (
                cell_text(row.cells[index], variables, columns[index], widths[index])
                for index in drawn
            )
            grid.add_row(*cells, key=row.key, height=None if wraps else 1)
        if kept is not None and self._shown:
            # Where the row is gone, the one that has taken its place.
            index = grid.get_row_index(kept) if kept in self._shown else place
            grid.move_cursor(row=index, scroll=False)
            grid.scroll_to(x=sideways if self._wide else 0, y=scrolled, animate=False)
        hidden = len(self._columns) - len(drawn)
        self.border_subtitle = f"{counted(hidden, 'column')} hidden · ctrl+w" if hidden else ""

    def _show_title(self) -> None:
        total = len(self._rows)
        number = f"{self._passing}/{total}" if self._passing != total else f"{total}"
        if self._passing > len(self._shown):
            number = f"first {len(self._shown)} of {number}"
        faults = sum(1 for row in self._rows if row.is_fault)
        told = f" · {faults} {self._faults}" if 0 < faults < total else ""
        limits = f" {limits}" if (limits := self._filter.limits()) else ""
        title = f"{one_line(self._title)}({number}){told}{limits}"
        # Brackets would be taken as markup.
        self.border_title = title.replace("[", "\\[")

    def _show_detail(self, row: Row | None) -> None:
        self.query_one(".detail", PlainText).say(self.detail_of(row) if row else "")

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._refilter(replace(self._filter, text=event.value))

    @on(Input.Submitted)
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("-filtering")
        self.grid.focus()

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        row = self._shown.get(event.row_key.value or "")
        if row is not None:
            self.post_message(self.Opened(self, row))

    @on(DataTable.RowHighlighted)
    def _row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        row = self.current
        if row is not None:
            self._show_detail(row)
            self.post_message(self.Highlighted(self, row))
