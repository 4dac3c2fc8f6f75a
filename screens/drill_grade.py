"""The report on an attempt: what passed, what did not and why, what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.keymap import DRILL
from screens.mesh_screen import MeshScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.drill.grader import CheckResult, Grade
    from screens.drill_desk import Desk

_COLUMNS = (
    Column("RESULT"),
    Column("CHECK", least=24, wraps=True),
    Column("WHY", least=24, wraps=True),
)
_MARKS = {
    True: Mark("✓ passed", "success"),
    False: Mark("✗ failed", "error", bold=True),
    None: Mark("? unknown", "warning"),
}
FULL = 100


def headline(grade: Grade) -> str:
    """``✓ D08 passed: 95 of 100 points``."""
    verdict = "✓ {} passed" if grade.passed else "✗ {} is not passed"
    return f"{verdict.format(grade.drill)}: {grade.points} of {FULL} points"


class DrillGradeScreen(MeshScreen):
    """Closes with True when the attempt shall end; whoever goes back goes on editing."""

    CRUMB = "grade"
    HAS_NAMESPACES = False
    CSS_PATH = "drill.tcss"
    HELP: ClassVar[str] = (
        "Every check of the drill: requests are walked through the mesh as it stands now, objects "
        "are looked at. What cannot be told is no pass. Beneath stands what hints, time and "
        "guards cost. esc goes on editing; F ends the attempt and shows the explanation."
    )
    BINDINGS: ClassVar[list[BindingType]] = [each for each in DRILL if each.action == "finish"]

    def __init__(self, desk: Desk, grade: Grade) -> None:
        """Report on an attempt."""
        super().__init__(desk.state)
        self.grade = grade
        """The report that is shown."""

    def body(self) -> Iterable[Widget]:
        """The verdict, the checks, and what to do next."""
        yield PlainText(headline(self.grade), id="headline")
        yield RowsTable("Checks", _COLUMNS, id="checks", detailed=True)
        yield PlainText(
            "esc goes on editing · F ends the attempt and shows the explanation", id="keys"
        )

    def _limit_tables(self) -> None:
        """The digits do not apply to checks."""

    def show_waiting(self, line: str) -> None:
        """There is nothing to wait for."""

    def on_mount(self) -> None:
        """Fill the table; the cursor stands on the first check that failed."""
        rows = [*map(_check_row, self.grade.checks)]
        rows += [
            Row(loss.what, (Mark(f"– {loss.points} points", "warning"), loss.what, loss.because))
            for loss in self.grade.losses
        ]
        table = self.query_one(RowsTable)
        table.show(rows, "– This drill checks nothing.")
        fault = next((row.key for row in rows if row.is_fault), "")
        if fault:
            table.go_to(fault)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        text = event.row.detail or event.table.detail_of(event.row)
        self.app.push_screen(TextWindow(event.row.key, text))

    def action_finish(self) -> None:
        """End the attempt."""
        self.dismiss(True)

    def raw_of(self, value: Any) -> Any:
        """The check as plain data."""
        from dataclasses import asdict

        return asdict(value) if value is not None else None


def _check_row(check: CheckResult) -> Row:
    objects = f"\ndecided by {', '.join(check.objects)}" if check.objects else ""
    return Row(
        check.id,
        (_MARKS[check.passed], check.says, check.because),
        is_fault=check.passed is not True,
        value=check,
        detail=f"{_MARKS[check.passed]}: {check.says}\n{check.because}{objects}",
    )
