"""What changed: root causes and what explains them, then objects, proxies and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import TabbedContent, TabPane

from screens import change_rows, change_window
from screens.keymap import CHANGES
from screens.messages import CauseOpened
from screens.tabs import TabbedScreen
from screens.view_screen import ViewScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.diff.change import Comparison
    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.snapshot import Snapshot
    from screens.other import Other
    from screens.state import MeshState
    from screens.widgets.columns import Column

    Part = tuple[str, str, str, Sequence[Column]]

_PARTS: tuple[Part, ...] = (
    ("tab-objects", "Objects", "objects-changed", change_rows.OBJECTS),
    ("tab-proxies", "Proxies", "proxies-changed", change_rows.PROXIES),
    ("tab-certificates", "Certificates", "certificates-changed", change_rows.CERTIFICATES),
    ("tab-not-compared", "Not compared", "not-compared", change_rows.NOT_COMPARED),
)
"""Id and title of a tab, id and columns of its table."""


class ChangesScreen(ViewScreen, TabbedScreen):
    """The open mesh compared with another, or with itself as it was."""

    CRUMB = "what changed"
    HELP: ClassVar[str] = (
        "Root causes that are new stand first; beneath, what changed since it worked: the changes "
        "that may have brought the chosen one, the likeliest first, each with why it is listed. "
        "Enter on a root cause opens the diagnosis, enter on a change its fields before and after; "
        "c copies the command that shows it. The other tabs have everything that differs; ctrl+z "
        "leaves what people wrote. s says that the other of the two came before; d compares with "
        "another recording. What one side did not read is not compared, and nothing is said of it."
    )
    CSS_PATH = "changes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [CHANGES]

    def __init__(self, state: MeshState, other: Other) -> None:
        """Compare the state's mesh with another."""
        super().__init__(state)
        self.other = other
        self._found: Comparison | None = None
        self._swapped = False

    def body(self) -> Iterable[Widget]:
        """The headline, and the parts in tabs."""
        yield PlainText("", id="headline")
        yield PlainText("", id="sides")
        with TabbedContent(id="change-tabs"):
            with TabPane("Root causes", id="tab-verdicts"):
                yield RowsTable("Root causes", change_rows.CAUSES, id="verdicts")
                yield RowsTable("What explains it", change_rows.EXPLAINS, id="explains")
            for tab, title, name, columns in _PARTS:
                with TabPane(title, id=tab):
                    yield RowsTable(title, columns, id=name, detailed=name != "not-compared")

    def _other_first(self, snapshot: Snapshot) -> bool:
        return self.other.is_older_than(snapshot) is not self._swapped

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Begin to compare; what was found before stays until that is done."""
        if self._found is None:
            self.show_waiting(f"Comparing with {self.other.name}… (esc goes back)")
        super().show(snapshot, diagnosis)

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self._found = None
        self.query_one("#headline", PlainText).say(line)
        self.query_one("#sides", PlainText).say("")
        super().show_waiting(line)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Comparison:
        """Compare."""
        other_first = self._other_first(snapshot)
        return self.other.compared(snapshot, diagnosis, other_first=other_first)

    def fill(self, view: Comparison) -> None:
        """Show what differs."""
        from meshdoctor.diff.text import headline, side

        self._found = view
        self.query_one("#headline", PlainText).say(headline(view))
        before, after = side(view.old), side(view.new)
        self.query_one("#sides", PlainText).say(f"A, before: {before}\nB, after:  {after}")
        table = self.query_one("#verdicts", RowsTable)
        table.show(tuple(change_rows.verdict_rows(view)), _no_cause(view))
        self._show_explaining()
        rows = (
            [change_rows.object_row(item) for item in view.objects],
            [change_rows.proxy_row(item) for item in view.proxies],
            [change_rows.certificate_row(item) for item in view.certificates],
            [change_rows.not_compared_row(item) for item in view.not_compared],
        )
        for (tab, title, name, _), found in zip(_PARTS, rows, strict=True):
            self.query_one(f"#{name}", RowsTable).show(found, _none(name, view))
            self.tabs.get_tab(tab).label = f"{title} {len(found)}" if found else title

    @on(RowsTable.Refilled, "#verdicts")
    @on(RowsTable.Highlighted, "#verdicts")
    def _show_explaining(self) -> None:
        """Beneath stands what explains the chosen root cause."""
        if self._found is None:
            return
        above, table = (self.query_one(name, RowsTable) for name in ("#verdicts", "#explains"))
        current = above.current or next(iter(above.shown), None)
        verdict: change_rows.Verdict | None = current.value if current else None
        explained = verdict.explained if verdict else None
        rows = tuple(change_rows.explaining_rows(explained)) if explained else ()
        nothing = verdict.said if verdict else "There is no new root cause to explain."
        if explained is not None:
            nothing = "? No object changed: it may have come from traffic, an application or time."
        table.show(rows, nothing)

    def _limit_tables(self) -> None:
        """The digits limit all but what explains: that may stand in another namespace."""
        for table in self.query(RowsTable):
            if table.id != "explains":
                table.limit_to(self.state.namespace)

    def action_swap(self) -> None:
        """Take the other of the two for what came before."""
        snapshot, diagnosis = self.state.snapshot, self.state.diagnosis
        if snapshot is not None and diagnosis is not None and self.state.is_ready:
            self._swapped = not self._swapped
            self._found = None
            self.show(snapshot, diagnosis)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        value = event.row.value
        if isinstance(value, change_rows.Verdict):
            self._open_cause(value)
        elif isinstance(value, tuple):
            text = "Nothing is said of it: what was not read is neither gone nor changed."
            self.app.push_screen(TextWindow("Not compared", f"{event.row.plain}\n\n{text}"))
        else:
            commands = self._commands(value)
            pieces = change_window.pieces_of(value, commands)
            copies = next(iter(commands), "")
            window = change_window.ChangeWindow(event.row.key, pieces, copies=copies)
            self.app.push_screen(window)

    def _open_cause(self, verdict: change_rows.Verdict) -> None:
        cause = self._of_this_mesh(verdict.cause)
        if cause is not None:
            self.app.post_message(CauseOpened(cause))
        else:
            text = change_window.cause_text(verdict.cause, verdict.said)
            self.app.push_screen(TextWindow("Root cause of the other side", text))

    def _of_this_mesh(self, cause: RootCause) -> RootCause | None:
        """The same root cause of the open mesh; None where it has none such."""
        every = self.state.diagnosis.root_causes if self.state.diagnosis else ()
        wanted = cause.id, cause.objects[:1]
        return next((item for item in every if (item.id, item.objects[:1]) == wanted), None)

    def _commands(self, value: Any) -> tuple[str, ...]:
        """Those that show a change: the comparison's first, where the command line can make it."""
        from meshdoctor.diff import commands

        snapshot = self.state.snapshot
        whole = ""
        if snapshot is not None:
            whole = self.other.command(other_first=self._other_first(snapshot))
        change = value.change if isinstance(value, change_rows.Ranked) else value
        return commands.showing(change, whole)

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the change."""
        if isinstance(value, tuple):
            return ""
        return next(iter(self._commands(value)), "")

    def raw_of(self, value: Any) -> Any:
        """The row as ``diff -o json`` prints it."""
        from meshdoctor.diff.document import part_json

        if isinstance(value, change_rows.Verdict):
            return part_json(value.explained or value.cause)
        return part_json(value.change if isinstance(value, change_rows.Ranked) else value)


def _no_cause(found: Comparison) -> str:
    """Why there is no root cause to show."""
    if found.incomplete:
        return "? No root cause on either side, as far as was read (tab Not compared)."
    if found.same:
        return "✓ Nothing changed, and there was no root cause before."
    return "✓ No root cause on either side."


def _none(name: str, found: Comparison) -> str:
    """Why a table has no rows."""
    if name == "not-compared":
        return "✓ Both sides read everything that is compared."
    what = {"objects-changed": "object", "proxies-changed": "proxy"}.get(name, "certificate")
    if found.incomplete or (name != "objects-changed" and found.not_compared):
        return f"? No {what} differs as far as both sides were read (tab Not compared)."
    return f"✓ No {what} differs."
