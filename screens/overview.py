"""The overview: control plane, data plane, what is wrong, what could not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from meshdoctor.diagnose.object_names import namespace_of
from meshdoctor.model.diagnosis import RootCause
from meshdoctor.model.finding import Finding, Severity
from meshdoctor.model.not_read import NotRead, NotReadStatus
from screens.evidence import statement_window
from screens.keymap import NOTES, RECORD
from screens.mesh_screen import MeshScreen
from screens.messages import CauseOpened
from screens.verdict_line import so_far, verdict_line
from screens.widgets.columns import Column
from screens.widgets.marks import SEVERITY, Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.row import Row
from screens.widgets.rows_table import RowsTable
from screens.widgets.stages_pane import StagesPane
from screens.window import TextWindow
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from screens.state import MeshState

_WAITING_SUMMARY = "Control plane: …\nData plane: …"
_FIRST_VERDICT = "… The first verdict comes before the last proxy has answered."
_WRONG = (
    Column("SEVERITY"),
    Column("WHAT", least=39, wraps=True),
    Column("WHERE", least=20, wraps=True, rank=2),
    Column("WHY", least=24, wraps=True, rank=1),
)
_NOT_READ = (
    Column("WHAT", least=24, wraps=True),
    Column("STATUS"),
    Column("REASON", least=16, wraps=True),
)


class OverviewScreen(MeshScreen):
    """The first screen: the answer in one look."""

    CRUMB = "overview"
    HELP: ClassVar[str] = (
        "What is wrong stands first, worst on top. Enter on a root cause opens the walk that led "
        "to it; enter on a finding shows its evidence; c copies the first command of the fix. "
        "Findings that a root cause explains are folded beneath it (see its tab Follows). What "
        "could not be read stands beneath: conclusions that needed it are unknown, never fine."
    )
    BINDINGS: ClassVar[list[BindingType]] = [NOTES, replace(RECORD, show=True)]

    _with_notes = False

    def body(self) -> Iterable[Widget]:
        """Headline, summary, and two tables."""
        yield PlainText("", id="headline")
        yield PlainText(_WAITING_SUMMARY, id="summary")
        yield RowsTable("What is wrong", _WRONG, id="wrong", detailed=True)
        yield RowsTable("Not read", _NOT_READ, id="not-read")
        yield StagesPane(self.state)

    def _state_changed(self, state: MeshState) -> None:
        super()._state_changed(state)
        # What is still being read is no gap: the stages stand in the place of the gaps.
        self.query_one("#not-read").display = not state.is_reading_first

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self.query_one("#headline", PlainText).say(line)
        super().show_waiting(_FIRST_VERDICT if self.state.is_reading_first else line)
        self.query_one("#not-read", RowsTable).show((), "…")

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Show the diagnosis."""
        # Imported here: the first paint need not wait for it.
        from meshdoctor.views.summary import summarize

        self.query_one("#headline", PlainText).say(verdict_line(self.state, diagnosis))
        lines = [f"{line.name}: {line.text}" for line in summarize(snapshot).lines]
        self.query_one("#summary", PlainText).say("\n".join(lines))
        self._show_wrong(diagnosis)
        missing = [
            Row(item.what, (item.what, f"? {item.status}", item.reason), is_fault=True, value=item)
            for item in diagnosis.not_read
            # What is not installed is a fact, and nothing to mend.
            if item.status is not NotReadStatus.NOT_INSTALLED
        ]
        table = self.query_one("#not-read", RowsTable)
        whole = "✓ Everything asked for was read."
        table.show(missing, "… It was not read to its end." if self.state.is_partial else whole)
        table.set_class(not missing, "-quiet")

    def _show_wrong(self, diagnosis: Diagnosis) -> None:
        from meshdoctor.report.verdict import severity_of

        rows = [_cause_row(cause) for cause in diagnosis.root_causes]
        told = [item for item in diagnosis.findings if not is_explained(item, diagnosis)]
        notes = sum(1 for item in told if severity_of(item) is Severity.INFO)
        for finding in sorted(told, key=lambda item: severity_of(item).rank):
            severity = severity_of(finding)
            if self._with_notes or severity is not Severity.INFO:
                rows.append(_finding_row(finding, severity))
        nothing = _nothing_wrong(diagnosis, notes)
        if self.state.is_partial:
            nothing = f"… Nothing is known to be wrong yet: {so_far(self.state, diagnosis)}."
        self.query_one("#wrong", RowsTable).show(rows, nothing)

    def action_notes(self) -> None:
        """Show or hide findings of severity info."""
        self._with_notes = not self._with_notes
        if self.state.diagnosis is not None:
            self._show_wrong(self.state.diagnosis)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        value = event.row.value
        if isinstance(value, RootCause):
            self.app.post_message(CauseOpened(value))
        elif isinstance(value, Finding):
            self.app.push_screen(statement_window(value.code, value.message, value.evidence))
        elif isinstance(value, NotRead):
            text = f"{value.what}\n\n{value.status}: {value.reason}\n"
            self.app.push_screen(TextWindow("Not read", text + self._left_unknown(value)))

    def _left_unknown(self, item: NotRead) -> str:
        diagnosis = self.state.diagnosis
        causes = [
            gap.id
            for gap in (diagnosis.unknown if diagnosis else ())
            if item.what in gap.why_missing
        ]
        if not causes:
            return "\nNo conclusion needed it."
        return "\nUnknown for want of it:\n" + "\n".join(f"  ? {name}" for name in causes)

    def raw_of(self, value: Any) -> Any:
        """The row as the command line's JSON writes it."""
        from meshdoctor.report.diagnosis_json import finding_json, not_read_json, root_cause_json

        if isinstance(value, RootCause):
            return root_cause_json(value)
        if isinstance(value, Finding):
            return finding_json(value)
        return not_read_json(value) if isinstance(value, NotRead) else None

    def text_of(self, value: Any) -> str:
        """Copying a root cause takes its first fix."""
        return value.fix[0].command if isinstance(value, RootCause) and value.fix else ""


def explains(cause: RootCause, finding: Finding) -> bool:
    """Whether a finding is a root cause's own, or follows from it."""
    own = bool(finding.evidence) and set(finding.evidence) <= set(cause.evidence)
    return own or finding.code in cause.consequences


def is_explained(finding: Finding, diagnosis: Diagnosis) -> bool:
    """Whether some root cause explains a finding."""
    return any(explains(cause, finding) for cause in diagnosis.root_causes)


def _nothing_wrong(diagnosis: Diagnosis, notes: int) -> str:
    """Silence is earned by saying what was looked at, and refused where too little was read."""
    walks, proxies = counted(len(diagnosis.walks), "walk"), diagnosis.proxies_read
    also = f" {counted(notes, 'note')}: key i." if notes else ""
    if diagnosis.unknown or diagnosis.required_unread:
        gaps = counted(len(diagnosis.unknown), "cause")
        return (
            f"? Nothing was found in {walks}, but what {gaps} would need was not read: that is "
            f"unknown, not fine (v, tab Unknown). Proxies read: {proxies}.{also}"
        )
    return (
        f"✓ Nothing is wrong that meshdoctor knows of: {walks} over all that was read, "
        f"{proxies} of {diagnosis.proxies_total} proxies included.{also}"
    )


def _cause_row(cause: RootCause) -> Row:
    number = len(cause.affected)
    why = f"{cause.id}, {cause.certainty}" + (f", {number} affected" if number > 1 else "")
    command = f"\n$ {cause.fix[0].command}" if cause.fix else ""
    return Row(
        key=f"{cause.id} {cause.objects[0]}",
        cells=(SEVERITY[cause.severity], Mark(cause.title, bold=True), cause.objects[0], why),
        is_fault=True,
        namespace=namespace_of(cause.objects[0]),
        value=cause,
        detail=f"{' '.join(cause.summary.split())}{command}",
    )


def _finding_row(finding: Finding, severity: Severity) -> Row:
    return Row(
        key=f"{finding.code} {finding.subject} {finding.resource}",
        cells=(SEVERITY[severity], finding.message, finding.resource, finding.code),
        is_fault=severity is not Severity.INFO,
        namespace=namespace_of(finding.resource),
        value=finding,
        detail=f"{finding.code} {finding.resource}: {finding.message}",
    )
