"""The causes that a candidate may commit to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen

from meshdoctor.drill.hypotheses import words_of
from screens.keymap import CHOOSE
from screens.widgets.columns import Column
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meshdoctor.diagnose.library import Cause

_COLUMNS = (Column("CAUSE", least=24), Column("WHAT IT SAYS", least=30, wraps=True))


class CausesWindow(ModalScreen["str | None"]):
    """A list to choose from; closes with the cause's id, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = list(CHOOSE)
    AUTO_FOCUS = "Grid"
    CSS_PATH = "drill.tcss"

    def __init__(self, causes: Sequence[Cause], chosen: str | None) -> None:
        """Offer causes.

        Args:
            causes: to choose from.
            chosen: the one that was committed to before.
        """
        super().__init__()
        self._causes = causes
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="causes-window") as window:
            window.border_title = "Which root cause is it?"
            window.border_subtitle = "enter commits to it · / filters · esc closes"
            yield RowsTable("Causes", _COLUMNS, id="causes")

    def on_mount(self) -> None:
        """Fill the list; the cursor stands on what was chosen before."""
        table = self.query_one(RowsTable)
        rows = [Row(one.id, (one.id, words_of(one)), value=one.id) for one in self._causes]
        table.show(rows, "– There is no cause to name.")
        if self._chosen:
            table.go_to(self._chosen)

    @on(RowsTable.Opened)
    def _commit(self, event: RowsTable.Opened) -> None:
        event.stop()
        self.dismiss(str(event.row.value))

    def action_filter(self) -> None:
        """Open the filter line."""
        self.query_one(RowsTable).start_filter()

    def action_cancel(self) -> None:
        """Clear the filter, else close."""
        if not self.query_one(RowsTable).clear_filter():
            self.dismiss(None)
