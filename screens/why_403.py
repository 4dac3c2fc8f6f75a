"""Why 403: what was refused, and beneath it every rule with what it asks for and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.chosen import OnChosen
from screens.messages import Why403Opened
from screens.nothing import not_collected
from screens.view_rows import RIGID, Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.refused_requests import RefusedRow
    from meshdoctor.views.why_403_rows import FieldRow

    Gathered = tuple[ViewTable, Sequence[RefusedRow], str]


def _match_mark(text: str) -> Mark:
    if text == "no":
        return Mark("✗ no", "error", bold=True)
    return Mark("✓ yes", "success") if text == "yes" else Mark("? unknown", "md-muted")


_LOOKS = {
    "source": Look(least=18, cut="middle"),
    "server": Look(least=18, cut="middle"),
    "asked": Look(least=12),
    "identity": Look(least=12, rank=1, cut="start"),
    "times": Look(least=0, rank=2),
    "reason": Look(least=24, rank=3),
}
_FIELD_LOOKS = {
    "action": RIGID,
    "policy_name": Look(least=14, cut="middle"),
    "rule": Look(least=0, rank=1),
    "field": Look(least=10),
    "wanted": Look(least=14, cut="start"),
    "seen": Look(least=14, cut="start"),
    "matches": Look(least=0, mark=_match_mark),
}


class Why403Screen(ViewScreen):
    """Refused requests; beneath, the policies that were asked about the chosen one."""

    CRUMB = "why-403"
    HELP: ClassVar[str] = (
        "Above, what proxies refused in the last minutes and still would, like requests in one "
        "row. Beneath, every policy that governs the server, in the order in which Istio asks "
        "them: CUSTOM, DENY, ALLOW; each rule, each field, what it asks for and what the server "
        "sees. ctrl+z leaves the fields on which the verdict rests. The line between says whom "
        "the server took the caller for, and how that is known: principals and namespaces come "
        "from the client's certificate, so that plaintext has none."
    )
    CSS_PATH = "why_403.tcss"

    def body(self) -> Iterable[Widget]:
        """What was refused, then why."""
        yield RowsTable("Refused requests", (Column("FROM"),), id="refused")
        yield PlainText("", id="verdict")
        yield RowsTable("Policies, in the order they are asked", (Column("ACTION"),), id="rules")

    def rows_of(self, snapshot: Snapshot) -> Sequence[RefusedRow]:
        """The refused requests to show."""
        from meshdoctor.views import refused_requests

        return refused_requests.rows(snapshot)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Judge every refused request anew."""
        from meshdoctor.analyze.access_logs import access_logs
        from meshdoctor.views import refused_requests as view

        table = ViewTable(
            columns=view.COLUMNS,
            to_json=view.to_json,
            key=lambda row: f"{row.source} {row.server} {row.asked} {row.identity}",
            looks=_LOOKS,
            is_fault=lambda row: True,
            namespace=lambda row: str(row.pod.namespace),
        )
        missing = view.unread(snapshot)
        nothing = "✓ No proxy's access log shows a refused request of the last minutes."
        logs = access_logs(snapshot)
        if missing:
            nothing = not_collected(snapshot, diagnosis, "policies", missing, missing)
        elif logs.unread or logs.silent:
            blind = len(logs.unread | logs.silent)
            nothing = (
                f"? The access logs that were read show no refused request; those of {blind} "
                "proxies were not read or are switched off. On a root cause, a judges its callers."
            )
        return table, self.rows_of(snapshot), nothing

    def fill(self, view: Gathered) -> None:
        """Show the refused requests."""
        table, rows, nothing = view
        self._to_json = table.to_json
        self.query_one("#refused", RowsTable).show(table.rows(rows), nothing, table.headers())

    def show_waiting(self, line: str) -> None:
        """Say what is being waited for, or why there will be nothing."""
        self.query_one("#verdict", PlainText).say("")
        super().show_waiting(line)

    @on(RowsTable.Refilled, "#refused")
    def _follow_table(self, event: RowsTable.Refilled) -> None:
        """What stands beneath is about a request that is shown."""
        current = event.table.current or next(iter(event.table.shown), None)
        self._choose(current.value if current else None)

    @on(RowsTable.Highlighted, "#refused")
    def _follow(self, event: RowsTable.Highlighted) -> None:
        self._choose(event.row.value)

    def _choose(self, chosen: RefusedRow | None) -> None:
        """Show the policies that were asked about one request."""
        from meshdoctor.views import why_403_rows as view

        table = self.query_one("#rules", RowsTable)
        verdict = self.query_one("#verdict", PlainText)
        if chosen is None:
            verdict.say("")
            table.show((), "– Choose a refused request above; there is none.")
            return
        verdict.say(f"{chosen.reason}\nthe server takes it for: {chosen.why.identity.text}")
        fields = ViewTable(
            columns=view.COLUMNS,
            to_json=view.to_json,
            key=lambda row: f"{row.policy} {row.rule} {row.field} {row.wanted}",
            looks=_FIELD_LOOKS,
            is_fault=lambda row: bool(row.is_reason),
        )
        nothing = "✓ No AuthorizationPolicy governs this server: every one was read."
        table.show(fields.rows(view.rows(chosen.why)), nothing, fields.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        value = event.row.value
        is_request = event.table.id == "refused"
        text = _request_text(value) if is_request else _field_text(value)
        self.app.push_screen(TextWindow("Why 403", text))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the policy live."""
        policy = getattr(value, "policy", None)
        if policy is None:
            return f"kubectl get authorizationpolicies -n {value.pod.namespace} -o yaml"
        return f"kubectl get authorizationpolicy {policy.name} -n {policy.namespace} -o yaml"

    def raw_of(self, value: Any) -> Any:
        """The row as plain data."""
        from meshdoctor.views import why_403_rows

        is_field = hasattr(value, "policy")
        return why_403_rows.to_json(value) if is_field else self._to_json(value)


class Why403HereScreen(OnChosen[Why403Opened], Why403Screen):
    """What is refused around a root cause, or by one proxy."""

    def rows_of(self, snapshot: Snapshot) -> Sequence[RefusedRow]:
        """What a cause's objects refuse, else its pairs; of a proxy, what it refuses."""
        from meshdoctor.views import refused_requests as view

        found, cause = view.rows(snapshot), self._about.cause
        if cause is None:
            proxy_id = self._about.proxy_id
            return [row for row in found if f"{row.pod.name}.{row.pod.namespace}" == proxy_id]
        own = [row for row in found if row.policies.intersection(cause.objects)]
        return own or view.pairs(snapshot, cause.affected)


def _request_text(row: RefusedRow) -> str:
    return "\n".join(
        (
            f"{row.source} -> {row.server}",
            f"asked     {row.asked}" + (f", {row.times} times of late" if row.times else ""),
            f"identity  {row.why.identity.text}",
            f"verdict   {row.reason}",
        )
    )


def _field_text(row: FieldRow) -> str:
    lines = [
        f"{row.action} {row.policy}, rule {row.rule}",
        f"field     {row.field}",
        f"asks for  {row.wanted}",
        f"seen      {row.seen}",
        f"matches   {row.matches}",
    ]
    return "\n".join([*lines, *([row.note] if row.note else [])])
