"""A window over the screen: a text to read, scroll and copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from screens.keymap import WINDOW
from screens.widgets.plain_text import PlainText, one_line

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class TextWindow(ModalScreen[None]):
    """A title, a text to scroll, and a key to copy it."""

    BINDINGS: ClassVar[list[BindingType]] = list(WINDOW)
    CSS_PATH = "window.tcss"

    def __init__(self, title: str, text: str, *, copies: str = "") -> None:
        """Show a text; ``copies`` is what the copy key takes instead of all of it."""
        super().__init__()
        self._heading = title
        self._text = text
        self._copies = copies or text
        self._hint = "c copies the command" if copies else "c copies"

    def compose(self) -> ComposeResult:
        """The window."""
        with VerticalScroll(id="window") as window:
            window.border_title = one_line(self._heading).replace("[", "\\[")
            window.border_subtitle = f"j k scroll · {self._hint} · esc closes"
            yield PlainText(self._text)

    @property
    def text(self) -> str:
        """What the window shows."""
        return self._text

    def action_copy(self) -> None:
        """Copy the text and say so."""
        self.app.copy_to_clipboard(self._copies)
        self.notify(f"Copied: {first_line(self._copies)}", timeout=3, markup=False)

    def action_scroll(self, where: str) -> None:
        """Scroll by a line or to an end."""
        window = self.query_one("#window", VerticalScroll)
        match where:
            case "down":
                window.scroll_down(animate=False)
            case "up":
                window.scroll_up(animate=False)
            case "home":
                window.scroll_home(animate=False)
            case _:
                window.scroll_end(animate=False)


def first_line(text: str, most: int = 60) -> str:
    """The beginning of a text, for a toast."""
    line = one_line(next(iter(text.strip().splitlines()), ""))
    return line if len(line) <= most else line[: most - 1] + "…"


def json_text(value: Any) -> str:
    """A value as indented JSON; text stays as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
