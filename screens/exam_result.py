"""What an exam came to: by domain against the mark, and a review of each task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import Footer

from meshdoctor.drill.drill import Domain
from meshdoctor.drill.exam import Exam, Task
from meshdoctor.drill.exam_score import score
from meshdoctor.drill.exam_text import (
    bar,
    clock_text,
    mark_line,
    percent_text,
    review_lines,
    verdict,
)
from screens.exam import domain_mark
from screens.exam_header import ExamHeader
from screens.mesh_screen import MeshScreen
from screens.widgets.columns import Column
from screens.widgets.crumbs import Crumbs
from screens.widgets.marks import Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.app import ComposeResult
    from textual.widget import Widget

    from meshdoctor.drill.sitting import Sitting
    from screens.state import MeshState

_COLUMNS = (
    Column("#"),
    Column("RESULT", has_short=True),
    Column("LOST"),
    Column("DOMAIN", has_short=True),
    Column("SPENT", rank=2),
    Column("TITLE", least=34),
)
_NAME = max(len(domain) for domain in Domain) + 1
_REST = len("  100.0 % of 35 %") + 2
_LONGEST_BAR = 60


class ExamResultScreen(MeshScreen):
    """The end of an exam."""

    CRUMB = "result"
    HAS_NAMESPACES = False
    IS_GROUND = True
    CSS_PATH = "exam.tcss"
    HELP: ClassVar[str] = (
        "Each bar is what a domain came to; the line in it is the pass mark, which counts for the "
        "whole only. LOST is what a task cost, in percent of the exam. Enter on a task says "
        "what failed and why, what was lost besides, the solution and the explanation; ctrl+z "
        "leaves the tasks that lost something. meshdoctor drill exam --review prints all of it."
    )

    def __init__(self, state: MeshState, sitting: Sitting) -> None:
        """Show what an exam came to.

        Args:
            state: of an app that looks at no mesh.
            sitting: an exam that is over.
        """
        super().__init__(state)
        self.sitting = sitting

    def compose(self) -> ComposeResult:
        """Header, result, tasks, crumbs, footer."""
        yield ExamHeader(self.sitting)
        yield from self.body()
        yield Crumbs(["exam", self.crumb])
        yield Footer(show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """The verdict, a bar for each domain, the tasks."""
        yield PlainText("", id="verdict")
        yield PlainText("", id="bars")
        yield RowsTable("Review", _COLUMNS, id="review", detailed=True, faults="lost points")

    def on_mount(self) -> None:
        """Show the result."""
        found = score(self.sitting.exam)
        glyph, role = ("✓", "$success") if found.passed else ("✗", "$error")
        headline = f"{glyph} {verdict(found)}"
        self.query_one("#verdict", PlainText).say((headline, f"bold {role}"))
        rows = [self._row(index, task) for index, task in enumerate(self.sitting.exam.tasks)]
        self.query_one("#review", RowsTable).show(rows, "– The exam had no tasks.")

    def on_resize(self, event: events.Resize) -> None:
        """Draw the bars as long as there is room."""
        width = min(event.size.width - _NAME - _REST, _LONGEST_BAR)
        self.query_one("#bars", PlainText).say("\n".join(bar_lines(self.sitting.exam, width)))

    def _state_changed(self, state: MeshState) -> None:
        """No mesh is looked at here."""

    def _row(self, index: int, task: Task) -> Row:
        drill = self.sitting.drill_of(index)
        lost = task.worth * (100 - task.points) / 100
        return Row(
            key=task.drill,
            cells=(
                f"{index + 1:>2}",
                _result(task),
                percent_text(lost) if lost else "-",
                domain_mark(task.domain),
                clock_text(task.seconds) if task.seconds else "-",
                drill.title,
            ),
            is_fault=lost > 0,
            value=index,
            detail=_summary(task, drill.title),
        )

    @on(RowsTable.Opened, "#review")
    def _open(self, event: RowsTable.Opened) -> None:
        index = int(event.row.value)
        drill = self.sitting.drill_of(index)
        lines = review_lines(self.sitting.exam.tasks[index], index + 1, drill)
        text = "\n".join(line.plain for line in lines)
        self.app.push_screen(TextWindow(f"Task {index + 1}: {drill.id}", text))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that plays the drill again."""
        return f"meshdoctor drill play {self.sitting.exam.tasks[int(value)].drill}"

    def raw_of(self, value: Any) -> Any:
        """The task as ``drill exam --review -o json`` prints it."""
        from meshdoctor.drill.exam_json import review_json

        exam = self.sitting.exam
        library = {task.drill: self.sitting.drill_of(i) for i, task in enumerate(exam.tasks)}
        return review_json(exam, library)["tasks"][int(value)]


def bar_lines(exam: Exam, width: int) -> list[str]:
    """A bar for each domain and one for all, and where the mark stands.

    Args:
        exam: one that is over.
        width: of a bar, in cells.
    """
    found = score(exam)
    lines = [
        f"{one.domain:{_NAME}}{bar(one.percent, width)} {percent_text(one.percent):>8} "
        f"of {one.worth:.0f} %"
        for one in found.domains
    ]
    whole = f"{'in all':{_NAME}}{bar(found.percent, width)} {percent_text(found.percent):>8}"
    return [*lines, whole, " " * _NAME + mark_line(width)]


def _result(task: Task) -> Mark:
    if task.grade is None:
        return Mark("– not opened", "md-muted", short="– none")
    if task.grade.passed and task.points == 100:
        return Mark("✓ 100 points", "success", short="✓ 100")
    glyph, role = ("!", "warning") if task.points else ("✗", "error")
    return Mark(f"{glyph} {task.points} points", role, bold=True, short=f"{glyph} {task.points}")


def _summary(task: Task, title: str) -> str:
    if task.grade is None:
        return f"{title}\nIt was not opened, and counts nothing."
    failed = [f"✗ {one.says}: {one.because}" for one in task.grade.checks if not one.passed]
    lost = [f"-{one.points} points: {one.because}" for one in task.grade.losses]
    return "\n".join([title, *failed, *lost])
