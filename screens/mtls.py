"""mTLS: what clients send, what servers accept, which objects decide, and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.chosen import OnChosen
from screens.messages import MtlsOpened
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
    from meshdoctor.views.mtls import MtlsRow
    from screens.state import MeshState

_MOST_NAMED = 12


def _works_mark(text: str) -> Mark:
    if text == "fails":
        return Mark("✗ fails", "error", bold=True)
    return Mark("✓ works", "success") if text == "works" else Mark("? unknown", "md-muted")


_LOOKS = {
    "works": Look(least=0, mark=_works_mark),
    "from_text": Look(least=22, cut="middle"),
    "sends": RIGID,
    "sent_by": Look(least=20, rank=2),
    "to_text": Look(least=16, cut="middle"),
    "accepts": Look(least=8),
    "accepted_by": Look(least=20, rank=1),
    "why": Look(least=24, rank=3),
}


class MtlsScreen(ViewScreen):
    """Every kind of client and server that meet, those that fail first."""

    CRUMB = "mtls"
    HELP: ClassVar[str] = (
        "A row stands for all clients and destinations between which the same is decided: +3 are "
        "three more, enter names them. SENDS is what the client's proxy sends, auto by automatic "
        "mTLS; ACCEPTS what the server takes; BY, on either side, which object decides. A row "
        "that fails is no fault as long as nobody calls there: the diagnosis says who does. The "
        "digits leave rows of which either end is in that namespace. What a Sidecar or exportTo "
        "hides from a client is not asked here."
    )

    def __init__(self, state: MeshState) -> None:
        """Look at a state."""
        super().__init__(state)
        self._limit = state.namespace

    def body(self) -> Iterable[Widget]:
        """One table, with what keeps it from being whole above."""
        yield PlainText("", id="unread")
        yield RowsTable("mTLS", (Column("WORKS"),), id="mtls", detailed=True)

    def _limit_tables(self) -> None:
        """A namespace may be at either end of a row, so that rows are made anew for it."""
        snapshot, diagnosis = self.state.snapshot, self.state.diagnosis
        if self._limit != self.state.namespace and snapshot is not None and diagnosis is not None:
            self._limit = self.state.namespace
            self._gather(snapshot, diagnosis)

    def rows_of(self, snapshot: Snapshot) -> Sequence[MtlsRow]:
        """The rows to show."""
        from meshdoctor.views import mtls as view

        chosen = (self._limit,) if self._limit else ()
        return view.rows(snapshot, view.Asking(namespaces=chosen))

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Judge every client and server."""
        from meshdoctor.views import mtls as view

        first = tuple(item for item in view.COLUMNS if item[0] != "BY" and item[0] != "WHY")
        rest = (("SENT BY", "sent_by"), ("ACCEPTED BY", "accepted_by"), ("WHY", "why"))
        table = ViewTable(
            columns=(*first, *rest),
            to_json=view.to_json,
            key=_key,
            looks=_LOOKS,
            is_fault=lambda row: row.works != "works",
            detail=_detail,
        )
        missing = view.unread(snapshot)
        unread = not_collected(snapshot, diagnosis, "objects", missing, missing) if missing else ""
        return table, self.rows_of(snapshot), unread

    def fill(self, view: tuple[ViewTable, Sequence[MtlsRow], str]) -> None:
        """Show the rows."""
        table, rows, unread = view
        self._to_json = table.to_json
        self.query_one("#unread", PlainText).say(unread)
        self.query_one("#unread", PlainText).display = bool(unread and rows)
        nothing = unread or "✓ No client meets a server here: every pod and Service was read."
        self.query_one(RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.push_screen(TextWindow("mTLS", _whole(event.row.value)))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the object which decides."""
        decides = value.sending.rule or value.accepting.policy
        if decides is None:
            return ""
        kind = f"{decides.kind.plural}.{decides.kind.group}"
        return f"kubectl get {kind} {decides.name} -n {decides.namespace} -o yaml"

    def raw_of(self, value: Any) -> Any:
        """The row as ``mtls -o json`` prints it."""
        return self._to_json(value)


class MtlsHereScreen(OnChosen[MtlsOpened], MtlsScreen):
    """The mTLS of a root cause's destinations, or of one proxy."""

    def rows_of(self, snapshot: Snapshot) -> Sequence[MtlsRow]:
        """The rows of the destinations; of a proxy, as a client and then as a server."""
        from meshdoctor.model.kinds import POD
        from meshdoctor.views import mtls as view

        if self._about.places:
            return view.rows(snapshot, view.Asking(places=self._about.places))
        if not self._about.proxy_id:
            found = (view.rows(snapshot, view.Asking(server=s)) for s in self._about.servers)
            return tuple(row for rows in found for row in rows)
        name, _, namespace = self._about.proxy_id.rpartition(".")
        pod = snapshot.catalog.find(POD, namespace, name)
        if pod is None:
            return ()
        workload = str(snapshot.workloads.owning(pod))
        out = view.rows(snapshot, view.Asking(source=self._about.proxy_id))
        return (*out, *view.rows(snapshot, view.Asking(server=workload)))


def _key(row: MtlsRow) -> str:
    return f"{row.from_text} {row.to_text} {row.sends} {row.sent_by} {row.accepted_by}"


def _detail(row: MtlsRow) -> str:
    return "\n".join(
        (
            f"sends    {row.sends}: {row.sent_by}",
            f"accepts  {row.accepts}: {row.accepted_by}",
            f"{row.works}: {row.why}",
        )
    )


def _named(what: str, names: Sequence[object]) -> str:
    more = len(names) - _MOST_NAMED
    shown = [f"  {name}" for name in names[:_MOST_NAMED]]
    return "\n".join([f"{what} ({len(names)})", *shown, *([f"  and {more} more"] * (more > 0))])


def _whole(row: MtlsRow) -> str:
    return "\n\n".join(
        (
            _detail(row),
            _named(f"Clients: {row.kind}", row.clients),
            _named("Destinations", row.destinations),
            _named("Servers", row.servers),
        )
    )
