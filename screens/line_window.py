"""A line to type over the screen; what is wrong with it is said beneath it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.keymap import ANSWER
from screens.widgets.plain_text import PlainText, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType


class LineWindow(ModalScreen["str | None"]):
    """Asks for one line; closes with it, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [each for each in ANSWER if "next" not in each.action]
    CSS_PATH = "window.tcss"

    def __init__(
        self, title: str, about: str, complaint: Callable[[str], str], *, text: str = ""
    ) -> None:
        """Ask for a line.

        Args:
            title: stands in the border.
            about: what is asked for.
            complaint: why a line will not do; empty when it will.
            text: what stands there already.
        """
        super().__init__()
        self._heading = title
        self._about = about
        self._complaint = complaint
        self._text = text

    def compose(self) -> ComposeResult:
        """What is asked for, the line, what is wrong with it."""
        with Vertical(classes="dialog") as window:
            window.border_title = one_line(self._heading).replace("[", "\\[")
            window.border_subtitle = "enter takes it · esc closes"
            yield PlainText(self._about)
            yield Input(self._text, compact=True, select_on_focus=False, id="line")
            yield PlainText("", id="complaint")

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        if why := self._complaint(line):
            self.query_one("#complaint", PlainText).say((f"! {why}", "bold $warning"))
        else:
            self.dismiss(line)

    def action_cancel(self) -> None:
        """Close without a line."""
        self.dismiss(None)
