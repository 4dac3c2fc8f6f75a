"""The exam: its tasks, how far each is, and the time that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import Footer

from meshdoctor.drill.drill import Domain
from meshdoctor.drill.exam import TaskState
from meshdoctor.drill.exam_text import clock_text, percent_text
from screens.ask_window import AskWindow
from screens.exam_header import ExamHeader
from screens.keymap import EXAM
from screens.mesh_screen import MeshScreen
from screens.messages import ExamEnded, TaskOpened
from screens.widgets.columns import Column
from screens.widgets.crumbs import Crumbs
from screens.widgets.marks import Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.drill.exam import Task
    from meshdoctor.drill.sitting import Sitting
    from screens.state import MeshState

_COLUMNS = (
    Column("#"),
    Column("STATE", has_short=True),
    Column("LATER"),
    Column("DOMAIN", has_short=True),
    Column("WORTH"),
    Column("SPENT", rank=2),
    Column("TASK", least=28),
)
_STATES = {
    TaskState.NOT_OPENED: Mark("– not opened", "md-muted", short="– new"),
    TaskState.OPENED: Mark("… opened", "warning"),
    TaskState.DONE: Mark("✓ done", "success"),
}
_SHORT = {
    Domain.INSTALLATION: "install",
    Domain.TRAFFIC: "traffic",
    Domain.SECURITY: "security",
    Domain.TROUBLESHOOTING: "trouble",
}
_KEYS = "enter opens a task, again and again · M marks it for later · E ends the exam"


def domain_mark(domain: Domain) -> Mark:
    """A domain, with a short word for where there is no room."""
    return Mark(str(domain), short=_SHORT[domain])


class ExamScreen(MeshScreen):
    """The tasks of an exam under way; points are unknown until its end."""

    CRUMB = "exam"
    HAS_NAMESPACES = False
    IS_GROUND = True
    CSS_PATH = "exam.tcss"
    HELP: ClassVar[str] = (
        "Every task is a broken mesh of its own. Enter opens one; you may leave it and come back, "
        "what you changed stays. M marks a task for later, ctrl+z leaves what is marked or not "
        "done. WORTH is the share of the exam. There are no hints and no points before the end: "
        "each mesh is graded as it stands then, partial points count, what was not opened counts "
        "nothing. The time left is in the corner; it runs only while the exam is open, and ends "
        "it. E ends it before."
    )
    BINDINGS: ClassVar[list[BindingType]] = list(EXAM)

    def __init__(self, state: MeshState, sitting: Sitting) -> None:
        """Look at an exam.

        Args:
            state: of an app that looks at no mesh.
            sitting: the exam.
        """
        super().__init__(state)
        self.sitting = sitting

    def compose(self) -> ComposeResult:
        """Header, tasks, crumbs, footer."""
        yield ExamHeader(self.sitting)
        yield from self.body()
        yield Crumbs([self.crumb])
        yield Footer(show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """The tasks, and what can be done with them."""
        yield RowsTable("Tasks", _COLUMNS, id="tasks", detailed=True, faults="left to do")
        yield PlainText(_KEYS, id="keys")

    def on_mount(self) -> None:
        """List the tasks."""
        self.tell()

    def _state_changed(self, state: MeshState) -> None:
        """No mesh is looked at here."""

    def tell(self) -> None:
        """Show how far the exam is now."""
        self.query_one(ExamHeader).tell()
        rows = [self._row(index, task) for index, task in enumerate(self.sitting.exam.tasks)]
        self.query_one("#tasks", RowsTable).show(rows, "– The exam has no tasks.")

    def tell_time(self) -> None:
        """Show the time alone: the table stays as it is."""
        self.query_one(ExamHeader).tell()

    def _row(self, index: int, task: Task) -> Row:
        drill = self.sitting.drill_of(index)
        spent = clock_text(task.seconds) if task.seconds else "-"
        later = Mark("! later", "warning", bold=True) if task.is_flagged else ""
        worth = percent_text(task.worth)
        number = f"{index + 1:>2}"
        asked = " ".join(drill.task.split())
        about = f"Task {index + 1}: {task.domain}, worth {worth}, {task.state}"
        return Row(
            key=task.drill,
            cells=(
                number,
                _STATES[task.state],
                later,
                domain_mark(task.domain),
                worth,
                spent,
                asked,
            ),
            is_fault=task.state is not TaskState.DONE or task.is_flagged,
            value=index,
            detail="\n".join([about, asked, *(f"  $ {line}" for line in drill.seen.commands)]),
        )

    @property
    def _chosen(self) -> int | None:
        table = self.query_one("#tasks", RowsTable)
        return None if table.current is None else int(table.current.value)

    @on(RowsTable.Opened, "#tasks")
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.post_message(TaskOpened(int(event.row.value)))

    def action_mark(self) -> None:
        """Mark the task for later, or take the mark away."""
        if (index := self._chosen) is not None:
            self.sitting.flag(index)
            self.tell()

    def action_end(self) -> None:
        """Ask whether the exam is over."""
        tasks = self.sitting.exam.tasks
        new = sum(task.state is TaskState.NOT_OPENED for task in tasks)
        later = sum(task.is_flagged for task in tasks)
        question = (
            f"{counted(new, 'task')} not opened, {later} marked for later, "
            f"{clock_text(self.sitting.left)} left. Every mesh is graded as it stands; nothing "
            "can be changed afterwards."
        )
        window = AskWindow("End the exam", question, yes="ends it", no="goes on")
        self.app.push_screen(window, self._end_if)

    def _end_if(self, wanted: bool | None) -> None:
        if wanted:
            self.app.post_message(ExamEnded())

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """What the palette offers in an exam."""
        for binding in EXAM:
            action = getattr(self, f"action_{binding.action}")
            yield f"exam: {binding.description}", f"{binding.tooltip}. Key {binding.key}", action

    def raw_of(self, value: Any) -> Any:
        """The task as ``drill exam --list -o json`` prints it."""
        from meshdoctor.drill.exam_json import tasks_json

        exam = self.sitting.exam
        library = {task.drill: self.sitting.drill_of(i) for i, task in enumerate(exam.tasks)}
        return tasks_json(exam, library)["tasks"][int(value)]
