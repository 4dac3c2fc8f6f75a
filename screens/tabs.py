"""Tabs that the arrow keys turn: the table of the new tab gets the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.widgets import TabbedContent, TabPane

from screens.keymap import TABS
from screens.mesh_screen import MeshScreen
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget


class TabbedScreen(MeshScreen):
    """A screen with one set of tabs."""

    BINDINGS: ClassVar[list[BindingType]] = list(TABS)

    @property
    def tabs(self) -> TabbedContent:
        """The tabs."""
        return self.query_one(TabbedContent)

    def action_tab(self, step: int) -> None:
        """Go to the next or the previous tab, round the corner at the ends."""
        names = [pane.id or "" for pane in self.tabs.query(TabPane)]
        place = names.index(self.tabs.active)
        self.open_tab(names[(place + step) % len(names)])

    def open_tab(self, name: str) -> None:
        """Show a tab and put the focus into it."""
        self.tabs.active = name
        self.call_after_refresh(self._focus_pane, name)

    def _focus_pane(self, name: str) -> None:
        pane = self.tabs.get_pane(name)
        found: Widget | None = None
        if table := next(iter(pane.query(RowsTable)), None):
            found = table.grid
        else:
            found = next(iter(pane.query(VerticalScroll)), None)
        if found is not None:
            found.focus()
