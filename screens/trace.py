"""Trace: one request asked in a small form, walked hop by hop, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Input

from meshdoctor.model.trace import Difference, Hop
from screens import trace_rows
from screens.evidence import statement_window
from screens.keymap import TRACE
from screens.nothing import not_collected
from screens.view_screen import ViewScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.trace_form import Answer, Form
    from screens.messages import TraceOpened
    from screens.state import MeshState

_FIELDS = {
    "source": ("from", "deploy/NAME.NAMESPACE or gateway"),
    "to": ("to", "HOST[:PORT][/path]"),
    "method": ("method", "GET"),
    "headers": ("headers", "NAME: VALUE; …"),
    "claims": ("claims", "iss=…,sub=… or none"),
}
_LINES = (("source", "to"), ("method", "headers", "claims"))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What was made of a snapshot."""

    answer: Answer
    callers: tuple[str, ...]
    destinations: tuple[str, ...]
    unread: str


class TraceScreen(ViewScreen):
    """The form, the predicted outcomes, the path; beneath, what the chosen hop rests on."""

    CRUMB = "trace"
    HAS_NAMESPACES = False
    HELP: ClassVar[str] = (
        "Walks one request through what both ends' proxies hold and the network between, and "
        "says how it will end; access logs are never asked. f leads into the fields, tab to the "
        "next one, right takes what is suggested, enter walks, esc leaves them. Enter on a hop "
        "shows all its evidence. Rows at the end say where a proxy holds something else than "
        "the objects ask for, and what was not read."
    )
    CSS_PATH = "trace.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [TRACE]

    def __init__(self, state: MeshState, about: TraceOpened | None = None) -> None:
        """Look at a state; ``about`` is what the person came from."""
        super().__init__(state)
        self._about = about
        self._form: Form | None = None
        self._gone_to: Form | None = None
        self._looked_for: tuple[str, ...] = ()

    def look_for(self, names: tuple[str, ...]) -> None:
        """Begin with what the person came from."""
        self._looked_for = names

    def body(self) -> Iterable[Widget]:
        """The fields, the outcomes, the path."""
        for line in _LINES:
            with Horizontal(classes="fields"):
                for name in line:
                    label, placeholder = _FIELDS[name]
                    yield PlainText(label)
                    yield Input(
                        placeholder=placeholder, compact=True, select_on_focus=False, id=name
                    )
        yield PlainText("", id="outcome")
        yield RowsTable("Path", trace_rows.COLUMNS, id="hops", detailed=True)

    def _limit_tables(self) -> None:
        """The digits do not apply to one request."""

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self.query_one("#outcome", PlainText).say("")
        super().show_waiting(line)

    def _first_form(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Form:
        """What the person came from, else what the first root cause affects."""
        from meshdoctor.views import trace_choices
        from meshdoctor.views.trace_form import Form

        ends = trace_choices.Ends()
        if self._about is not None and self._about.cause is not None:
            ends = trace_choices.of_cause(snapshot, self._about.cause)
        elif self._about is not None:
            ends = trace_choices.Ends(self._about.proxy_id)
        elif self._looked_for:
            ends = trace_choices.of_names(snapshot, self._looked_for)
        if ends == trace_choices.Ends():
            ends = trace_choices.of_diagnosis(snapshot, diagnosis)
        return Form(ends.source, ends.to)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> _Gathered:
        """Walk what the fields ask for."""
        from meshdoctor.model.kinds import POD
        from meshdoctor.views import trace_choices
        from meshdoctor.views.trace_form import Answer, answer

        form = self._form or self._first_form(snapshot, diagnosis)
        missing = snapshot.catalog.unread(POD)
        unread = not_collected(snapshot, diagnosis, "pods", missing, missing) if missing else ""
        return _Gathered(
            Answer(form) if missing else answer(snapshot, form),
            trace_choices.callers(snapshot),
            trace_choices.destinations(snapshot),
            unread,
        )

    def fill(self, view: _Gathered) -> None:
        """Show the path and how it ends."""
        found = view.answer
        if self._form is None:
            for name in _FIELDS:
                self._field(name).value = getattr(found.form, name)
        self._form = found.form
        self._field("source").suggester = SuggestFromList(view.callers, case_sensitive=False)
        self._field("to").suggester = SuggestFromList(view.destinations, case_sensitive=False)
        ascii_only = trace_rows.is_ascii_only()
        outcome = self.query_one("#outcome", PlainText)
        if found.walk is None:
            outcome.say("")
        else:
            outcome.say(*trace_rows.outcome_pieces(found.walk.outcomes, ascii_only=ascii_only))
        nothing = view.unread or f"? No walk: {found.complaint}\nf leads into the fields above."
        table = self.query_one(RowsTable)
        table.show(trace_rows.rows(found, ascii_only=ascii_only), nothing)
        if found.form != self._gone_to:
            self._gone_to = found.form
            self._go_to_fault(table)

    def _go_to_fault(self, table: RowsTable) -> None:
        """The cursor begins where the request ends; reading again leaves it where it is."""
        fault = next((row for row in table.shown if row.is_fault), None)
        if fault is not None:
            table.go_to(fault.key)

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    @on(Input.Submitted)
    def _walk(self, event: Input.Submitted) -> None:
        from meshdoctor.views.trace_form import Form

        event.stop()
        asked = {name: self._field(name).value.strip() for name in _FIELDS}
        self._form = Form(**asked)
        self.query_one(RowsTable).grid.focus()
        snapshot, diagnosis = self.state.snapshot, self.state.diagnosis
        if snapshot is not None and diagnosis is not None:
            self.show_waiting("Walking…")
            self._gather(snapshot, diagnosis)

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        value = event.row.value
        if isinstance(value, Hop | Difference):
            command = trace_rows.command_for(value.objects, value.evidence)
            if value.evidence:
                self.app.push_screen(
                    statement_window(event.row.key, event.row.detail, value.evidence)
                )
            else:
                window = TextWindow(event.row.key, event.row.detail, copies=command)
                self.app.push_screen(window)
        else:
            self.app.push_screen(TextWindow("Detail", event.row.detail))

    def clear_filter(self) -> bool:
        """Leave the fields first; else clear the table's filter."""
        focused = self.focused
        if isinstance(focused, Input) and focused.id in _FIELDS:
            self.query_one(RowsTable).grid.focus()
            return True
        return super().clear_filter()

    def action_edit(self) -> None:
        """Go into the fields: to the first that is empty, else to the destination."""
        empty = next((name for name in ("source", "to") if not self._field(name).value), "to")
        self._field(empty).focus()

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the evidence; else the trace as a command."""
        if isinstance(value, Hop | Difference):
            return trace_rows.command_for(value.objects, value.evidence)
        return self._form.command if self._form is not None else ""

    def raw_of(self, value: Any) -> Any:
        """The row as ``trace -o json`` prints it."""
        from dataclasses import asdict

        from meshdoctor.report.trace_json import hop_json

        if isinstance(value, Hop):
            return hop_json(value)
        return asdict(value) if value is not None else None
