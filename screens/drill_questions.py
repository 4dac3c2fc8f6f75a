"""The questions on the way, one at a time: answered, told right from wrong, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.keymap import ANSWER
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meshdoctor.drill.play import Play


class QuestionsWindow(ModalScreen[None]):
    """A question, its choices, a line to answer in."""

    BINDINGS: ClassVar[list[BindingType]] = list(ANSWER)
    CSS_PATH = "window.tcss"

    def __init__(self, play: Play, right: set[int]) -> None:
        """Ask a drill's questions.

        Args:
            play: the attempt; it keeps the answers.
            right: the questions that were answered right, by index; grows here.
        """
        super().__init__()
        self._play = play
        self._right = right
        unanswered = (index for index, _ in enumerate(play.drill.questions) if index not in right)
        self._index = next(unanswered, 0)

    def compose(self) -> ComposeResult:
        """The question, the line, what is said of the answer."""
        with Vertical(classes="dialog") as window:
            window.border_subtitle = "enter answers · down, up: other questions · esc closes"
            yield PlainText("", id="question")
            yield Input(compact=True, select_on_focus=False, id="line")
            yield PlainText("", id="verdict")

    def on_mount(self) -> None:
        """Ask the first that is not answered yet."""
        self._ask()

    def _ask(self) -> None:
        questions = self._play.drill.questions
        question = questions[self._index]
        title = f"Question {self._index + 1} of {len(questions)}: {question.topic}"
        self.query_one(".dialog").border_title = title
        choices = [f"\n  {number} {text}" for number, text in enumerate(question.choices, start=1)]
        how = "\nIts number, or the words:" if choices else "\nIn your own words:"
        self.query_one("#question", PlainText).say(
            (question.ask, "bold"), "\n", *choices, (how if not choices else f"\n{how}", "")
        )
        line = self.query_one(Input)
        line.value = self._play.answers.get(self._index, "")
        line.cursor_position = len(line.value)
        self._say()

    def _say(self) -> None:
        verdict = self.query_one("#verdict", PlainText)
        question = self._play.drill.questions[self._index]
        if self._index in self._right:
            verdict.say(("\n✓ right: ", "bold $success"), question.because)
        elif self._index in self._play.answers:
            verdict.say(("\n✗ no. ", "bold $error"), "Answer again, or go on.")
        else:
            verdict.say("")

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text or self._index in self._right:
            self.action_next(1)
            return
        choices = self._play.drill.questions[self._index].choices
        if text.isdecimal() and 0 < int(text) <= len(choices):
            text = choices[int(text) - 1]
            event.input.value = text
        if self._play.answer(self._index, text):
            self._right.add(self._index)
        self._say()

    def action_next(self, step: int) -> None:
        """Go to another question, round the corner at the ends."""
        self._index = (self._index + step) % len(self._play.drill.questions)
        self._ask()

    def action_cancel(self) -> None:
        """Back to the mesh."""
        self.dismiss(None)
