"""The list of drills: what was tried, what is solved, what to practise next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work

from meshdoctor.drill import history
from screens.mesh_screen import MeshScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from textual.widget import Widget

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.history import Result
    from screens.state import MeshState

_COLUMNS = (
    Column("DRILL"),
    Column("DOMAIN", least=12),
    Column("WEIGHT"),
    Column("MINUTES"),
    Column("LAST RESULT", least=16),
    Column("TITLE", least=20, rank=1),
)
_HIDDEN = "shown once it is solved"
_KEYS = "enter starts a drill, and its time · ctrl+z leaves those that are not solved"


class DrillListScreen(MeshScreen):
    """Every drill; the bottom of the stack."""

    CRUMB = "drills"
    HAS_NAMESPACES = False
    IS_GROUND = True
    CSS_PATH = "drill.tcss"
    HELP: ClassVar[str] = (
        "A drill is a real broken mesh, a task as the exam words it, and a grade that goes by what "
        "the mesh does afterwards. Enter starts one; its time begins then. WEIGHT is the share of "
        "an exam of sixteen tasks. A title gives the cause away: it is shown once the drill is "
        "solved. / filters, as by domain; ctrl+z leaves those that are not solved."
    )

    def __init__(
        self, state: MeshState, first: Drill | None = None, folder: Path | None = None
    ) -> None:
        """List the drills.

        Args:
            state: of the app.
            first: the drill to open at once.
            folder: of the person's own drills, beside the bundled ones.
        """
        super().__init__(state)
        self._folder = folder
        self._first = first
        self._is_opening = False

    def body(self) -> Iterable[Widget]:
        """How many are solved, and the table."""
        yield PlainText("… reading the drills", id="headline")
        yield RowsTable("Drills", _COLUMNS, id="drills", detailed=True)
        yield PlainText(_KEYS, id="keys")

    def show_waiting(self, line: str) -> None:
        """There is no mesh to wait for."""

    def on_mount(self) -> None:
        """List them; open the one that was asked for."""
        self._list()
        if self._first is not None:
            self._start(self._first)

    @work(exit_on_error=False, exclusive=True, group="list", description="list")
    async def _list(self) -> None:
        try:
            drills, results = await asyncio.to_thread(_read, self._folder)
        except OSError as error:
            self.query_one("#headline", PlainText).say((f"✗ {error}", "bold $error"))
            return
        latest = {result.drill: result for result in results}
        solved = {result.drill for result in results if result.passed}
        rows = [_row(drill, latest.get(drill.id), drill.id in solved) for drill in drills]
        done = sum(1 for drill in drills if drill.id in solved)
        self.query_one("#headline", PlainText).say(f"{len(drills)} drills, {done} solved")
        self.query_one(RowsTable).show(rows, "? No drill is installed.")

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self._start(event.row.value)

    @work(exit_on_error=False, group="start", description="start")
    async def _start(self, drill: Drill) -> None:
        if self._is_opening:
            return
        self._is_opening = True
        headline = self.query_one("#headline", PlainText)
        headline.say(f"… opening {drill.id}: reading its mesh")
        try:
            from meshdoctor.drill.play import Play
            from meshdoctor.drill.serving import beginning

            world = await asyncio.to_thread(beginning, drill)
        except Exception as error:
            headline.say((f"✗ {drill.id} cannot be opened: {error}", "bold $error"))
            return
        finally:
            self._is_opening = False
        # Imported here: the list is shown before what it leads to is needed.
        from screens.drill_play import DrillPlayScreen

        play = Play(drill, world, self.state.clock)
        self.app.push_screen(DrillPlayScreen(play), self._ended)

    def _ended(self, grade: Grade | None) -> None:
        del grade
        self._list()

    def raw_of(self, value: Any) -> Any:
        """What may be known of a drill before it is solved."""
        return {
            "id": value.id,
            "domain": value.domain,
            "weight": value.weight,
            "minutes": value.minutes,
        }

    def text_of(self, value: Any) -> str:
        """Copying takes the command that opens it."""
        return f"meshdoctor drill play {value.id}"


def _read(folder: Path | None) -> tuple[tuple[Drill, ...], Sequence[Result]]:
    """In a thread: reading dozens of drills takes a moment."""
    from meshdoctor.drill.library import drills

    return drills(folder), history.read()


def _row(drill: Drill, latest: Result | None, solved: bool) -> Row:
    if latest is None:
        last = Mark("– not tried", "md-muted")
    elif latest.passed:
        last = Mark(f"✓ passed, {latest.points} points", "success")
    else:
        last = Mark(f"✗ not passed, {latest.points} points", "error")
    when = f" on {latest.ended:%Y-%m-%d}" if latest else ""
    title = drill.title if solved else _HIDDEN
    return Row(
        drill.id,
        (
            drill.id,
            str(drill.domain),
            f"{drill.weight} %",
            str(drill.minutes),
            last,
            Mark(title) if solved else Mark(f"({title})", "md-muted"),
        ),
        is_fault=not solved,
        value=drill,
        detail=f"{drill.id}: {drill.domain}, {drill.minutes} minutes, {last}{when}\n{drill.task}",
    )
