"""The diagnosis: the walk step by step, its evidence, the fix to copy, what was ruled out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from meshdoctor.model.diagnosis import Fix, RootCause, RuledOut, Unknown, Walk, WalkedStep
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Finding
from screens import cause_rows
from screens.cause_tabs import CauseTabs
from screens.evidence import evidence_window, statement_window
from screens.keymap import RELATED
from screens.messages import (
    CertificatesOpened,
    MtlsOpened,
    RevisionsOpened,
    TraceOpened,
    Why403Opened,
)
from screens.related import hint
from screens.tabs import TabbedScreen
from screens.verdict_line import so_far, verdict_line
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.screen import Screen
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot


class DiagnosisScreen(TabbedScreen):
    """Root causes on top; beneath, everything about the chosen one."""

    CRUMB = "diagnosis"
    HELP: ClassVar[str] = (
        "Choose a root cause above; left and right turn the tabs about it. Walk has the playbook's "
        "steps: enter on a step shows the facts that decided it. Fix has the commands: c copies "
        "one; meshdoctor itself changes nothing. Ruled out names the look-alikes and why it is "
        "not them; Unknown, what cannot be told with what was read."
    )
    CSS_PATH = "diagnosis.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(RELATED)

    _chosen: RootCause | None = None
    _shown_of: Diagnosis | None = None

    def body(self) -> Iterable[Widget]:
        """Root causes, then the tabs of the chosen one."""
        yield PlainText("", id="headline")
        yield RowsTable("Root causes", cause_rows.CAUSES, id="causes")
        yield PlainText("", id="related")
        yield CauseTabs(id="about")

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self.query_one("#headline", PlainText).say(line)
        self.query_one("#related", PlainText).display = False
        self.query_one(CauseTabs).show_waiting(line)
        super().show_waiting(line)

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Show the diagnosis."""
        del snapshot
        self.query_one("#headline", PlainText).say(verdict_line(self.state, diagnosis))
        rows = [cause_rows.cause_row(cause) for cause in diagnosis.root_causes]
        walks = counted(len(diagnosis.walks), "walk")
        nothing = f"✓ No root cause after {walks} (tab All walks)."
        if diagnosis.unknown:
            gaps = counted(len(diagnosis.unknown), "cause")
            nothing = f"? No root cause was found; {gaps} unknown (tab Unknown)."
        if self.state.is_partial:
            nothing = f"… No root cause is known yet: {so_far(self.state, diagnosis)}."
        self.query_one(CauseTabs).show_common(diagnosis)
        self.query_one("#causes", RowsTable).show(rows, nothing)

    @on(RowsTable.Refilled, "#causes")
    def _follow_table(self, event: RowsTable.Refilled) -> None:
        """What stands beneath is about a cause that is shown, whatever hides the others."""
        if not self.state.is_ready:
            return
        current = event.table.current or next(iter(event.table.shown), None)
        self._choose(current.value if current else None)

    def _choose(self, cause: RootCause | None) -> None:
        diagnosis = self.state.diagnosis
        is_shown = cause is not None and cause is self._chosen and diagnosis is self._shown_of
        if diagnosis is None or is_shown:
            return
        self._chosen, self._shown_of = cause, diagnosis
        related = self.query_one("#related", PlainText)
        related.say(hint(cause))
        related.display = bool(hint(cause))
        is_hidden = diagnosis.root_causes or self.state.is_partial
        why = self.query_one("#causes", RowsTable).nothing if is_hidden else ""
        self.query_one(CauseTabs).show_cause(cause, diagnosis, why)

    def choose(self, cause: RootCause) -> None:
        """Put the cursor on one root cause."""
        self.query_one("#causes", RowsTable).go_to(cause_rows.cause_row(cause).key)
        self._choose(cause)

    def narrow(self, playbook: str, to: str | None) -> None:
        """Go to what a playbook found: its root cause, at a destination first; else its walks."""
        causes = self.state.diagnosis.root_causes if self.state.diagnosis else ()
        own = [item for item in causes if playbook in (item.playbook, *item.symptoms)]
        near = [item for item in own if to in [affected.to for affected in item.affected]]
        if own:
            self.choose((near or own)[0])
        else:
            self.query_one("#walks", RowsTable).filter_by(f" {re.escape(playbook)} ")
            self.open_tab("tab-walks")

    def concerns(self) -> tuple[str, ...]:
        """The objects at fault, then the workloads that suffer."""
        if self._chosen is None:
            return ()
        return (*self._chosen.objects, *(item.source for item in self._chosen.affected))

    @on(RowsTable.Highlighted, "#causes")
    def _follow(self, event: RowsTable.Highlighted) -> None:
        self._choose(event.row.value)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        value = event.row.value
        if isinstance(value, RootCause):
            self.open_tab("tab-walk")
        else:
            window = _window_on(value, event.table.detail_of(event.row))
            self.app.push_screen(window)

    def action_mtls_here(self) -> None:
        """Show the mTLS of the destinations that the chosen root cause affects; of all for none."""
        affected = self._chosen.affected if self._chosen else ()
        places = tuple(dict.fromkeys(item.to for item in affected if item.to))
        servers = tuple(dict.fromkeys(item.source for item in affected if item.source))
        self.app.post_message(MtlsOpened("mTLS of this cause", places, servers=servers))

    def action_why_here(self) -> None:
        """Show what is refused around the chosen root cause; everything for none."""
        self.app.post_message(Why403Opened("403 of this cause", self._chosen))

    def action_trace_here(self) -> None:
        """Walk the first request that the chosen root cause affects."""
        self.app.post_message(TraceOpened(self._chosen))

    def action_revisions_here(self) -> None:
        """Show the revisions of what the chosen root cause is about; all for none."""
        self.app.post_message(RevisionsOpened("revisions of this cause", self.concerns()))

    def action_certificates_here(self) -> None:
        """Show the certificates of what the chosen root cause is about; all for none."""
        self.app.post_message(CertificatesOpened("certificates of this cause", self.concerns()))

    def action_copy(self) -> None:
        """Copy the focused row's command; in the summary, the fix."""
        if self.table is None and self._chosen is not None:
            self.copy_text(self.text_of(self._chosen))
        else:
            super().action_copy()

    def text_of(self, value: Any) -> str:
        """Copying takes the command: a fix's, or the one that shows the evidence."""
        if isinstance(value, RootCause):
            return value.fix[0].command if value.fix else value.title
        if isinstance(value, Fix | Evidence):
            return value.command
        return value if isinstance(value, str) else ""

    def raw_of(self, value: Any) -> Any:
        """The row as the command line's JSON writes it."""
        from meshdoctor.report.diagnosis_json import evidence_json, finding_json, root_cause_json

        if isinstance(value, RootCause):
            return root_cause_json(value)
        if isinstance(value, Evidence):
            return evidence_json(value)
        if isinstance(value, Finding):
            return finding_json(value)
        if isinstance(value, WalkedStep | RuledOut):
            return [evidence_json(item) for item in value.evidence]
        return None


def _window_on(value: Any, detail: str) -> Screen[None]:
    """A window on what a row of some tab stands for."""
    match value:
        case WalkedStep():
            said = f"{value.question}\n\n{value.outcome}: {value.because}"
            return statement_window(f"Step {value.step}", said, value.evidence)
        case RuledOut():
            said = f"It is not {value.id}:\n{value.because}"
            return statement_window(f"Ruled out: {value.id}", said, value.evidence)
        case Finding():
            return statement_window(value.code, value.message, value.evidence)
        case Evidence():
            return evidence_window(value)
        case Fix():
            return TextWindow("Fix", cause_rows.fix_text(value), copies=value.command)
        case Walk():
            return TextWindow(f"Walk: {value.playbook}", cause_rows.walk_text(value))
        case Unknown():
            needs = "\n".join(f"  {name}" for name in value.needs)
            text = f"{value.id} can be neither found nor ruled out.\n\n"
            text += f"It needs\n{needs}\n\n" if needs else ""
            return TextWindow(f"Unknown: {value.id}", text + value.why_missing)
        case _:
            return TextWindow("Detail", detail, copies=value if isinstance(value, str) else "")
