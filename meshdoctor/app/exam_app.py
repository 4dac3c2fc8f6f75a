"""The app that exams are sat in: the tasks at the bottom, the clock everywhere, the result."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from meshdoctor.app.drill_app import DrillApp
from meshdoctor.drill.edits import EditError
from meshdoctor.drill.exam import Ending
from meshdoctor.model.source_error import SourceError
from screens.ask_window import AskWindow
from screens.drill_places import closed_without_mesh
from screens.drill_play import DrillPlayScreen
from screens.exam import ExamScreen
from screens.exam_header import time_left
from screens.exam_result import ExamResultScreen
from screens.messages import ExamEnded, TaskOpened

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.sitting import Sitting

_SECOND = 1.0
_WARNINGS = (15, 5, 1)
"""Minutes before the end at which it is said, whatever screen is looked at."""
_NO_TASK = "Open a task first: enter opens the one under the cursor"
_OVER = "The exam is over: there is no mesh to look at"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ExamApp(DrillApp):
    """Sit one exam."""

    CSS_PATH: ClassVar[list[Any]] = [*DrillApp.CSS_PATH, "../../screens/exam.tcss"]

    def __init__(
        self,
        sitting: Sitting,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Sit an exam, or look at one that is over.

        Args:
            sitting: the exam.
            clock: tells seconds.
            now: tells the time of day.
        """
        super().__init__(None, clock, now)
        self.sitting = sitting
        self._complaints: set[str] = set()
        self._close(_NO_TASK)
        self._told = {minutes for minutes in _WARNINGS if sitting.left <= minutes * 60}

    def _close(self, why: str) -> None:
        """Say of everything that looks at a mesh why it cannot be looked at."""
        self.state.closed = dict.fromkeys(closed_without_mesh(), why)

    def get_default_screen(self) -> Screen[Any]:
        """The tasks are the bottom of the stack; the result, once the exam is over."""
        if self.sitting.exam.is_over:
            return ExamResultScreen(self.state, self.sitting)
        return ExamScreen(self.state, self.sitting)

    def on_mount(self) -> None:
        """Look at the clock every second."""
        self.set_interval(_SECOND, self.look_at_clock)

    def look_at_clock(self) -> None:
        """Show the time, warn when little is left, end the exam when none is."""
        if self.sitting.exam.is_over:
            return
        if self._kept(self.sitting.tick):
            self._end(Ending.TIME_UP)
            return
        if isinstance(self.screen, ExamScreen):
            self.screen.tell_time()
        self._warn()

    def _warn(self) -> None:
        due = [minutes for minutes in _WARNINGS if self.sitting.left <= minutes * 60]
        if new := set(due) - self._told:
            self._told.update(new)
            word = "minute" if min(new) == 1 else "minutes"
            said = f"{min(new)} {word} left: every mesh is graded as it stands then"
            self.notify(said, severity="warning", timeout=10)

    def _kept(self, keep: Callable[[], Any]) -> Any:
        """Do something that is kept on disk; say so where it could not be."""
        try:
            return keep()
        except OSError as error:
            said = f"{error}\nThe exam goes on in memory."
            if said not in self._complaints:
                self._complaints.add(said)
                self.say_error(said, "The exam is not kept")
            return None

    @on(TaskOpened)
    def _task_opened(self, event: TaskOpened) -> None:
        try:
            play = self._kept(partial(self.sitting.open, event.index))
        except (SourceError, EditError) as error:
            self.say_error(str(error), "The task cannot be opened")
            return
        if play is None:
            return
        screen = DrillPlayScreen(play, exam=True)
        number = f"task {event.index + 1} of {len(self.sitting.exam.tasks)}"
        screen.state.banner = lambda: f"exam · {number} · {time_left(self.sitting)}"
        self.push_screen(screen, self._task_left)

    def _task_left(self, grade: Grade | None) -> None:
        """Back among the tasks; a grade says that the candidate has handed it in."""
        said = self._kept(partial(self.sitting.leave, is_done=grade is not None))
        if said:
            self.say_error(said, "Part of the task is not kept")
        self._tell()

    def _tell(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ExamScreen):
                screen.tell()

    @on(ExamEnded)
    def _ended(self) -> None:
        self._end(Ending.HANDED_IN)

    def _end(self, ending: Ending) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._kept(partial(self.sitting.end, ending))
        self._close(_OVER)
        if ending is Ending.TIME_UP:
            self.notify("Time is up: the exam has ended", severity="warning", timeout=15)
        # Textual cannot put another screen in the place of the first one.
        self.push_screen(ExamResultScreen(self.state, self.sitting))

    def action_step_back(self) -> None:
        """As everywhere; from the result nothing leads back to the tasks."""
        if isinstance(self.screen, ExamResultScreen):
            self.screen.clear_filter()
        else:
            super().action_step_back()

    async def action_leave(self) -> None:
        """Back one screen; from the tasks and from the result, quit."""
        if isinstance(self.screen, ExamResultScreen):
            await self.action_quit()
        else:
            await super().action_leave()

    async def action_quit(self) -> None:
        """Quit; an exam that is under way asks once, for its time stops."""
        if self.sitting.exam.is_over or isinstance(self.screen, AskWindow):
            await self._quit()
            return
        question = (
            "The exam is not over. Its time stops now; meshdoctor drill exam --resume goes on "
            "with it. Leave?"
        )
        self.push_screen(AskWindow("Leave", question, yes="leaves", no="stays"), self._quit_if)

    def on_unmount(self) -> None:
        """Whatever is open is kept as it stands."""
        # Its journal has what was done; nobody is left who could be told that the rest failed.
        with suppress(OSError):
            self.sitting.leave()
