"""The header in an exam: which exam on the left, the time that is left in the corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from meshdoctor.drill.exam import TaskState
from meshdoctor.drill.exam_text import clock_text
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual import events

    from meshdoctor.drill.sitting import Sitting

HURRY = 15 * 60
"""Seconds: with less than that the corner is set off."""
_GAP = 2


def time_left(sitting: Sitting) -> str:
    """``1:43:20 left``, or why no time runs any more."""
    if sitting.exam.is_over:
        return f"{sitting.exam.ending} after {clock_text(sitting.exam.used)}"
    return f"{clock_text(sitting.left)} left"


class ExamHeader(PlainText):
    """``meshdoctor · exam · seed 4711 · 3 of 16 done            1:43:20 left``."""

    DEFAULT_CSS = """
    ExamHeader { height: 1; background: $panel; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self, sitting: Sitting) -> None:
        """Show an exam; whoever knows that time has passed calls ``tell``."""
        super().__init__(id="header")
        self._sitting = sitting

    def on_resize(self, event: events.Resize) -> None:
        """Keep the time in the corner."""
        del event
        self.tell()

    def tell(self) -> None:
        """Show how far the exam is now."""
        exam, time = self._sitting.exam, time_left(self._sitting)
        done = sum(task.state is TaskState.DONE for task in exam.tasks)
        name = "meshdoctor"
        rest = f" · exam · seed {exam.seed} · {done} of {len(exam.tasks)} done"
        room = self.content_size.width - cell_len(name + rest) - cell_len(time)
        is_late = not exam.is_over and self._sitting.left < HURRY
        self.say(
            (name, "bold $primary"),
            rest,
            " " * max(room, _GAP),
            (time, "bold reverse" if is_late else "bold"),
        )
