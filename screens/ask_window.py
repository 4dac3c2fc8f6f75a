"""A question over the screen, answered with enter or esc."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen

from screens.keymap import ASK
from screens.widgets.plain_text import PlainText, one_line

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class AskWindow(ModalScreen[bool]):
    """Yes or no; what each of the two keys does stands in the last line."""

    BINDINGS: ClassVar[list[BindingType]] = list(ASK)
    CSS_PATH = "window.tcss"

    def __init__(self, title: str, question: str, *, yes: str, no: str) -> None:
        """Ask something.

        Args:
            title: stands in the border.
            question: the question, in a sentence or two.
            yes: what enter does, as in "enter stops it".
            no: what esc does.
        """
        super().__init__()
        self._heading = title
        self.question = question
        self._hint = f"enter {yes} · esc {no}"

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="dialog") as window:
            window.border_title = one_line(self._heading).replace("[", "\\[")
            window.border_subtitle = self._hint
            yield PlainText(self.question)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)
