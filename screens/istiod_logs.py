"""istiod's logs: what matters, explained; and the lines themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import TabbedContent, TabPane

from screens import istiod_log_rows as log_rows
from screens.nothing import not_collected
from screens.tabs import TabbedScreen
from screens.view_screen import ViewScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.istiod_logs import IstiodLogsView

_LOG = "istiod/discovery.log"


class IstiodLogsScreen(ViewScreen, TabbedScreen):
    """What the istiods said: the lines that matter, every line, and who talks most."""

    CRUMB = "istiod-logs"
    HELP: ClassVar[str] = (
        "Matters has the lines that meshdoctor knows, with what they mean and what to do, then the "
        "warnings and errors that it does not know; lines that differ in numbers alone are one "
        "row. Enter shows one whole. Lines has everything, the latest first: filter with / by "
        "level, scope or text. Scopes counts who said how much."
    )
    CSS_PATH = "istiod_logs.tcss"

    def body(self) -> Iterable[Widget]:
        """A line for each replica, then the tabs."""
        yield PlainText("", id="log-summary")
        with TabbedContent(id="log-tabs"):
            with TabPane("Matters", id="tab-matters"):
                yield RowsTable("Matters", log_rows.MATTERS, id="matters", detailed=True)
            with TabPane("Lines", id="tab-lines"):
                yield RowsTable("Lines", log_rows.LINES, id="lines", detailed=True)
            with TabPane("Scopes", id="tab-scopes"):
                yield RowsTable("Scopes", log_rows.SCOPES, id="scopes")

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self.query_one("#log-summary", PlainText).say("")
        super().show_waiting(line)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Explain and count every replica's log."""
        from meshdoctor.views.istiod_logs import istiod_logs

        views = istiod_logs(snapshot.istiods)
        missing = ""
        if not any(view.read for view in views):
            paths = [view.source for view in views] or ["istiod"]
            missing = not_collected(snapshot, diagnosis, "istiod's log", paths, (_LOG,))
        if not views and not any(item.what.startswith("istiod") for item in snapshot.not_read):
            missing = "? No istiod was read: no istiod pod was running to be asked for its log."
        return views, missing

    def fill(self, view: tuple[tuple[IstiodLogsView, ...], str]) -> None:
        """Show the logs."""
        views, missing = view
        self.query_one("#log-summary", PlainText).say("\n".join(map(log_rows.summary_of, views)))
        total = sum(each.total for each in views)
        nothing = missing or f"✓ No warning, no error, no line that is known: {total} records read."
        empty = missing or "✓ The log was read and is empty."
        for name, rows, columns, otherwise in (
            ("#matters", log_rows.matter_rows(views), log_rows.MATTERS, nothing),
            ("#lines", log_rows.line_rows(views), log_rows.LINES, empty),
            ("#scopes", log_rows.scope_rows(views), log_rows.SCOPES, empty),
        ):
            shown = log_rows.columns_for(columns, len(views))
            self.query_one(name, RowsTable).show(tuple(rows), otherwise, shown)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.push_screen(TextWindow("Log line", event.table.detail_of(event.row)))

    def text_of(self, value: Any) -> str:
        """Copying takes the log line as it stands."""
        line = log_rows.line_of(value)
        return line.text if line else ""

    def raw_of(self, value: Any) -> Any:
        """The line and its further lines, with the place they stand at."""
        line = log_rows.line_of(value)
        if line is None:
            return None
        return "\n".join((f"{value[0].source} line {line.line}", "", line.text, *line.more))
