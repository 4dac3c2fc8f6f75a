"""What every screen is made of: header, body, crumbs, footer, and one shared state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.screen import Screen
from textual.widgets import Footer
from textual.worker import Worker, WorkerState

from screens.keymap import NAMESPACES, SCREEN
from screens.widgets.crumbs import Crumbs
from screens.widgets.header import MeshHeader, NamespaceBar
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow, first_line, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from screens.state import MeshState


class MeshScreen(Screen[Any]):
    """A screen that looks at the shared state and follows its changes."""

    CRUMB: ClassVar[str] = ""
    """The screen's name in the crumbs."""
    HELP: ClassVar[str] = ""
    """A sentence or two for the help screen: what is shown here and what to do with it."""
    HAS_NAMESPACES: ClassVar[bool] = True
    """Whether the digits mean something here."""
    IS_GROUND: ClassVar[bool] = False
    """Whether it is the overview of a mesh of its own: going elsewhere leaves it beneath."""
    BINDINGS: ClassVar[list[BindingType]] = [*SCREEN, *NAMESPACES]
    AUTO_FOCUS = "Grid"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - Textual's own type

    def __init__(self, state: MeshState) -> None:
        """Look at a state."""
        super().__init__()
        self.state = state
        self._shown_for: tuple[object, ...] | None = None

    @property
    def crumb(self) -> str:
        """How this screen is called in the crumbs."""
        return self.CRUMB

    def compose(self) -> ComposeResult:
        """Header, body, crumbs, footer."""
        yield MeshHeader(self.state)
        if self.HAS_NAMESPACES:
            yield NamespaceBar(self.state)
        yield from self.body()
        yield Crumbs([*self._crumbs_below(), self.crumb])
        yield Footer(show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """The widgets between header and crumbs."""
        return ()

    def on_mount(self) -> None:
        """Follow the state."""
        self.state.changed.subscribe(self, self._state_changed)
        self._state_changed(self.state)

    def _crumbs_below(self) -> list[str]:
        return [
            screen.crumb
            for screen in self.app.screen_stack
            if isinstance(screen, MeshScreen) and screen is not self
        ]

    def _state_changed(self, state: MeshState) -> None:
        snapshot, diagnosis = state.snapshot, state.diagnosis
        if snapshot is not None and diagnosis is not None and state.is_ready:
            # What is said of a partial answer depends on whether more is to come.
            shown = (snapshot, diagnosis, state.is_partial and state.phase)
            if self._shown_for != shown:
                self._shown_for = shown
                self.guarded(self.show, snapshot, diagnosis)
        else:
            self._shown_for = None
            self.show_waiting(f"✗ {state.failure}" if state.failure else state.waiting_line())
        self._limit_tables()

    def guarded(self, show: Callable[..., None], *given: Any) -> None:
        """Show something; a fault of ours in that is said on the screen, it never kills the app."""
        try:
            show(*given)
        except Exception as error:
            self.log.error(error)
            self.show_failure(error)

    def show_failure(self, error: BaseException | None) -> None:
        """Say that meshdoctor itself could not do it."""
        self.show_waiting(f"✗ meshdoctor itself failed to show this: {error!r}")

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.show_failure(event.worker.error)

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Show the snapshot and its diagnosis."""

    def show_waiting(self, line: str) -> None:
        """Show why there is nothing yet in every table."""
        for table in self.query(RowsTable):
            table.show((), line)

    def _limit_tables(self) -> None:
        for table in self.query(RowsTable):
            table.limit_to(self.state.namespace)

    @property
    def table(self) -> RowsTable | None:
        """The table that has the focus, or the only one that can be seen."""
        focused = self.focused
        if focused is not None:
            for node in focused.ancestors_with_self:
                if isinstance(node, RowsTable):
                    return node
        # A widget in a tab that is not shown has no size.
        tables = [table for table in self.query(RowsTable) if table.size.height]
        return tables[0] if len(tables) == 1 else None

    def concerns(self) -> tuple[str, ...]:
        """What the person is looking at, by the names that other screens know it by."""
        table = self.table
        value = table.current.value if table is not None and table.current is not None else None
        return tuple(str(name) for key in ("pod", "name") if (name := getattr(value, key, "")))

    def look_for(self, names: tuple[str, ...]) -> None:
        """Put the cursor on what the person came from, where this screen shows it."""

    def holds_back(self) -> bool:
        """Whether the screen sees to being left itself, as by asking; False lets it go."""
        return False

    def clear_filter(self) -> bool:
        """Clear the filter of the focused table, else of any; False when there was none."""
        table = self.table
        first = [table] if table is not None else []
        return any(each.clear_filter() for each in (*first, *self.query(RowsTable)))

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """What the palette offers on this screen alone: title, line of help, what is done."""
        return ()

    def action_filter(self) -> None:
        """Open the filter line of the focused table."""
        if self.table is not None:
            self.table.start_filter()

    def action_faults(self) -> None:
        """Show only the focused table's rows that are not in order, or all again."""
        if self.table is not None:
            self.table.toggle_faults()

    def action_wide(self) -> None:
        """Show the focused table's columns at full width, or fitted again."""
        if self.table is not None:
            self.table.toggle_wide()

    def action_copy(self) -> None:
        """Copy what the focused row stands for."""
        row = self.table.current if self.table else None
        if row is not None:
            self.copy_text(self.text_of(row.value) or row.plain)

    def text_of(self, value: Any) -> str:
        """What copying a row's value puts on the clipboard; empty for the row as it is shown."""
        del value
        return ""

    def copy_text(self, text: str) -> None:
        """Put text on the clipboard (OSC 52) and say so."""
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied: {first_line(text)}", timeout=3, markup=False)

    def action_raw(self) -> None:
        """Show the focused row as JSON."""
        row = self.table.current if self.table else None
        raw = self.raw_of(row.value) if row is not None else None
        if row is not None and raw is not None:
            self.app.push_screen(TextWindow(f"Raw: {first_line(row.key, 50)}", json_text(raw)))

    def raw_of(self, value: Any) -> Any:
        """JSON of what a row stands for, as the command line prints it; None for nothing."""
        del value
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing here are not offered."""
        del parameters
        return self.HAS_NAMESPACES if action == "namespace" else True

    def action_namespace(self, number: int) -> None:
        """Limit every table to one namespace: 0 for all, else the n-th of the state's."""
        names = self.state.namespaces
        if number > len(names):
            return
        self.state.namespace = names[number - 1] if number else ""
        self.state.changed.publish(self.state)
