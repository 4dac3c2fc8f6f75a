"""The table proper: Textual's, with the keys of this app."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.actions import SkipAction
from textual.widgets import DataTable

from screens.keymap import TABLE

if TYPE_CHECKING:
    from textual.binding import BindingType


class Grid(DataTable[Text]):
    """Rows under a cursor. Left and right belong to the screen unless there is more to see."""

    BINDINGS: ClassVar[list[BindingType]] = list(TABLE)

    def __init__(self) -> None:
        """Make an empty grid."""
        super().__init__(cursor_type="row", zebra_stripes=False)

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor; None when there is none."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def _needs_sideways(self) -> bool:
        return self.virtual_size.width > self.size.width

    def action_cursor_left(self) -> None:
        """Scroll left, where columns are wider than the screen."""
        if not self._needs_sideways():
            raise SkipAction
        self.scroll_left(animate=False)

    def action_cursor_right(self) -> None:
        """Scroll right, where columns are wider than the screen."""
        if not self._needs_sideways():
            raise SkipAction
        self.scroll_right(animate=False)
