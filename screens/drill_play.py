"""One attempt at a drill: the task, the time, every object, and what is done with them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.containers import VerticalScroll
from textual.signal import Signal

from meshdoctor.drill import history
from meshdoctor.drill.drill_text import solution_commands
from meshdoctor.drill.grader import HINT_COSTS
from screens.ask_window import AskWindow
from screens.drill_causes import CausesWindow
from screens.drill_desk import Desk
from screens.drill_editor import DrillEditorScreen
from screens.drill_end import end_text, result_of
from screens.drill_grade import DrillGradeScreen
from screens.drill_objects import OBJECTS
from screens.drill_places import closed_in
from screens.drill_questions import QuestionsWindow
from screens.drill_writing import DrillWriting
from screens.keymap import DRILL, SCREEN
from screens.state import MeshState, Phase
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.play import Play
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot

_SECOND = 1.0
_KEYS = "N new · D delete · R restart · S scale · L label · U undo · B again"
_NOT_IN_EXAMS = ("hint", "questions")
_BUILD = "This drill asks to build something: there is no root cause to name"


class DrillPlayScreen(DrillWriting):
    """Plays one attempt; closes with its grade, or with nothing when it was given up."""

    CRUMB = "drill"
    IS_GROUND = True
    CSS_PATH = "drill.tcss"
    HELP: ClassVar[str] = (
        "The task stands above, the time that is left in the header of every screen. All objects "
        "of the mesh are listed: enter edits one's YAML in place, / filters, y shows it whole "
        "with its status. The other screens show this mesh as well; those that name the root "
        "cause are closed. After a change nothing is known of what proxies hold until the mesh is "
        "put back (U, B). C commits to a root cause, H shows a hint and costs points, Q asks the "
        "questions on the way, F grades the mesh as it stands. All of it is in memory."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *DRILL,
        *(replace(each, show=False) for each in SCREEN if each.action in ("faults", "copy")),
    ]

    def __init__(self, play: Play, *, exam: bool = False) -> None:
        """Play an attempt.

        Args:
            play: the attempt; its mesh may have been changed before.
            exam: shows no hints, no questions and no grade.
        """
        changed: Signal[MeshState] = Signal(self, "state")
        drill = play.drill
        state = MeshState(drill.id, changed, play.clock, closed=closed_in(drill))
        super().__init__(Desk(play, state))
        state.banner = self.desk.banner
        state.phase = Phase.READY
        self._play = play
        self._exam = exam
        self._right: set[int] = set()

    @property
    def crumb(self) -> str:
        """The drill's id."""
        return f"{self.CRUMB} {self._play.drill.id}"

    def body(self) -> Iterable[Widget]:
        """The task, how far the attempt is, every object."""
        drill = self._play.drill
        with VerticalScroll(id="task") as box:
            box.border_title = f"Task · {drill.domain}"
            if not self._exam:
                box.border_title += f" · {drill.weight} % · {drill.minutes} minutes"
            shown = "".join(f"\n  $ {line}" for line in drill.seen.commands)
            yield PlainText(f"{drill.task}{shown}")
        yield PlainText("", id="attempt")
        yield PlainText(_KEYS if self._exam else f"{_KEYS} · Q quiz", id="keys")
        yield RowsTable("Objects", OBJECTS.headers(), id="objects", detailed=True)

    def on_mount(self) -> None:
        """Look at the mesh, and at the clock every second."""
        self.set_interval(_SECOND, self._tick)
        self._look()

    def _tick(self) -> None:
        self.state.changed.publish(self.state)

    @work(exit_on_error=False, group="write", description="look")
    async def _look(self) -> None:
        seen = self._play.drill.seen.namespaces
        if self.state.snapshot is None and len(seen) == 1:
            self.state.namespace = seen[0]
        await self.desk.look()

    def _state_changed(self, state: MeshState) -> None:
        super()._state_changed(state)
        self.query_one("#attempt", PlainText).say(*self._attempt())

    def show_waiting(self, line: str) -> None:
        """The mesh is looked at for the first time."""
        super().show_waiting("… looking at the mesh" if not self.state.failure else line)

    def _attempt(self) -> list[str | tuple[str, str]]:
        """How far the attempt is, in a line."""
        play = self._play
        if self.desk.doing:
            return [(f"… {self.desk.doing}: the controllers are at work", "bold")]
        parts = []
        if play.drill.causes:
            parts.append(f"cause {play.hypothesis or 'not named'}")
        if not self._exam:
            number = len(play.drill.questions)
            parts.append(f"{play.hints}/{len(play.drill.hints)} hints")
            parts.append(f"{len(self._right)}/{number} questions")
        parts.append(counted(self.desk.edits, "change"))
        if play.world.has_changed:
            parts.append("proxies not available")
        return [" · ".join(parts)]

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """List the objects."""
        self._gather(snapshot, diagnosis)

    @property
    def _waits(self) -> bool:
        """Whether something is being done that has to end first; says so."""
        if self.desk.doing:
            self.notify(f"Wait a moment: {self.desk.doing}", timeout=3)
        return bool(self.desk.doing)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In an exam there are neither hints nor questions."""
        if self._exam and action in _NOT_IN_EXAMS:
            return False
        return super().check_action(action, parameters)

    def action_hint(self) -> None:
        """Show the hints there were; ask before one more is shown."""
        play = self._play
        shown = [f"Hint {n}: {hint}" for n, hint in enumerate(play.shown_hints, start=1)]
        if play.hints >= len(play.drill.hints):
            self.app.push_screen(TextWindow("Hints", "\n\n".join(shown)))
            return
        number = play.hints + 1
        ask = f"Hint {number} of {len(play.drill.hints)} costs {HINT_COSTS[play.hints]} points."
        window = AskWindow("Hints", "\n\n".join([*shown, ask]), yes="shows it", no="does not")
        self.app.push_screen(window, self._hint_if)

    def _hint_if(self, wanted: bool | None) -> None:
        if wanted and (hint := self._play.next_hint()):
            self.app.push_screen(TextWindow(f"Hint {self._play.hints}", hint))
            self._tick()

    def action_questions(self) -> None:
        """Ask the questions on the way."""
        self.app.push_screen(QuestionsWindow(self._play, self._right), lambda _: self._tick())

    def action_cause(self) -> None:
        """Offer the root causes that it may be."""
        from meshdoctor.drill.hypotheses import hypotheses
        from meshdoctor.drill.library import drills

        causes = hypotheses(self._play.drill, drills())
        if not causes:
            self.notify(_BUILD, timeout=6)
            return
        self.app.push_screen(CausesWindow(causes, self._play.hypothesis), self._suppose)

    def _suppose(self, cause: str | None) -> None:
        if cause is not None:
            self._play.suppose(cause)
            self.notify(f"Committed to {cause}; the last one counts", timeout=3, markup=False)
            self._tick()

    def action_finish(self) -> None:
        """Have the mesh graded; in an exam, hand it in."""
        if self._waits:
            return
        if self._exam:
            question = "Hand this task in as the mesh stands now? It is graded after the exam."
            window = AskWindow("Hand in", question, yes="hands it in", no="goes on")
            self.app.push_screen(window, self._grade_if)
        else:
            self._grade()

    def _grade_if(self, wanted: bool | None) -> None:
        if wanted:
            self._grade()

    @work(exit_on_error=False, group="write", description="grade")
    async def _grade(self) -> None:
        grade = await self.desk.grade()
        if self._exam:
            self.dismiss(grade)
        else:
            self.app.push_screen(DrillGradeScreen(self.desk, grade), partial(self._graded, grade))

    def _graded(self, grade: Grade, ended: bool | None) -> None:
        if not ended:
            return
        self._keep(grade)
        drill = self._play.drill
        text, commands = end_text(self._play, grade), solution_commands(drill)
        window = TextWindow(f"The end of {drill.id}", text, copies=commands)
        self.app.push_screen(window, lambda _: self.dismiss(grade))

    def _keep(self, grade: Grade) -> None:
        try:
            history.append(result_of(self._play, grade))
        except OSError as error:
            said = f"The result is not kept: {error}"
            self.notify(said, severity="error", timeout=15, markup=False)

    def holds_back(self) -> bool:
        """Ask before an attempt is given up."""
        drill = self._play.drill.id
        question = f"Leave {drill} without a grade? The attempt is given up and nothing is kept."
        if self._exam:
            question = f"Leave {drill} without handing it in? Your changes stay in this task."
        window = AskWindow("Leave", question, yes="leaves", no="stays")
        self.app.push_screen(window, self._leave_if)
        return True

    def _leave_if(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss(None)

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Everything that can be done here."""
        for binding in DRILL:
            if not self.check_action(binding.action, ()):
                continue
            title = f"drill: {binding.description}"
            yield (
                title,
                f"{binding.tooltip}. Key {binding.key}",
                getattr(self, f"action_{binding.action}"),
            )

    @on(RowsTable.Opened, "#objects")
    def _open(self, event: RowsTable.Opened) -> None:
        target = event.row.value.target
        self.app.push_screen(DrillEditorScreen(self.desk, target, self.yaml_of(target)))
