"""The tabs of the diagnosis screen: all about the chosen root cause, then about the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical, VerticalScroll
from textual.widgets import TabbedContent, TabPane

from screens import cause_rows
from screens.overview import explains
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.words import counted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meshdoctor.model.diagnosis import Diagnosis, RootCause

_NO_CAUSE = "✓ No root cause was found. The tab All walks has what was looked at."


class CauseTabs(Vertical):
    """Summary, walk, evidence, fix and consequences; then look-alikes, gaps and every walk."""

    _cause: str | None = None
    """The key of the root cause that is shown."""

    def compose(self) -> ComposeResult:
        """Every tab, still empty."""
        with TabbedContent():
            with TabPane("Summary", id="tab-summary"), VerticalScroll():
                yield PlainText("", id="cause-summary")
            with TabPane("Walk", id="tab-walk"):
                yield RowsTable("Walk", cause_rows.WALK, id="walk", detailed=True)
            with TabPane("Evidence", id="tab-evidence"):
                yield RowsTable("Evidence", cause_rows.EVIDENCE, id="evidence", detailed=True)
            with TabPane("Fix", id="tab-fix"):
                yield RowsTable("Fix", cause_rows.FIX, id="fix", detailed=True)
            with TabPane("Follows", id="tab-follows"):
                yield RowsTable("Follows from it", cause_rows.FOLLOWS, id="follows")
            with TabPane("Ruled out", id="tab-ruled-out"):
                yield RowsTable("Ruled out", cause_rows.RULED_OUT, id="ruled-out")
            with TabPane("Unknown", id="tab-unknown"):
                yield RowsTable("Unknown", cause_rows.UNKNOWN, id="unknown")
            with TabPane("All walks", id="tab-walks"):
                yield RowsTable("All walks", cause_rows.WALKS, id="walks")

    def _table(self, name: str) -> RowsTable:
        return self.query_one(name, RowsTable)

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for where there is no table."""
        self.query_one("#cause-summary", PlainText).say(line)

    def show_common(self, diagnosis: Diagnosis) -> None:
        """Fill what does not depend on the chosen root cause."""
        self._table("#ruled-out").show(
            cause_rows.ruled_out_rows(diagnosis.ruled_out),
            f"✓ No look-alike had to be ruled out in {counted(len(diagnosis.walks), 'walk')}.",
        )
        self._table("#unknown").show(
            cause_rows.unknown_rows(diagnosis.unknown),
            "✓ Everything that these playbooks need was read.",
        )
        self._table("#walks").show(
            cause_rows.walk_rows(diagnosis.walks),
            "? No playbook found anything here that it could be walked for.",
        )

    def show_cause(self, cause: RootCause | None, diagnosis: Diagnosis, why: str) -> None:
        """Fill what belongs to one root cause.

        Args:
            cause: the one that was chosen; None when none is shown.
            diagnosis: the diagnosis it is of.
            why: why none is shown, where there is another reason than that there is none.
        """
        summary = self.query_one("#cause-summary", PlainText)
        before = self._cause
        self._cause = cause_rows.cause_row(cause).key if cause is not None else None
        if cause is None:
            nothing = why or _NO_CAUSE
            summary.say(nothing)
            for name in ("#walk", "#evidence", "#fix", "#follows"):
                self._table(name).show((), nothing)
            return
        summary.say(*cause_rows.cause_summary(cause))
        self._table("#walk").show(cause_rows.step_rows(cause.path), "No step was walked.")
        if cause.path and self._cause != before:
            # The last step is the one that decided; a newer look at the same keeps the cursor.
            self._table("#walk").go_to(cause.path[-1].step)
        self._table("#evidence").show(
            cause_rows.evidence_rows(cause.evidence),
            "This cause rests on the absence of something; see the walk.",
        )
        self._table("#fix").show(cause_rows.fix_rows(cause), "No fix is known for it.")
        follows = [item for item in diagnosis.findings if explains(cause, item)]
        self._table("#follows").show(
            cause_rows.finding_rows(follows), "✓ No other finding follows from it."
        )
