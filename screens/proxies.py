"""The proxies: what each one made of what istiod sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.keymap import PROXY_LOG
from screens.messages import ProxyOpened
from screens.nothing import not_collected
from screens.view_rows import Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import sync_cell, sync_mark
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.proxy_status_row import ProxyStatusRow

_TYPES = ("cds", "lds", "eds", "rds")
_RARE_TYPES = ("ecds", "sds", "nds", "pcds", "wds", "wads")
_LOOKS = {
    "status": Look(least=0, mark=sync_mark),
    "name": Look(least=28, cut="middle"),
    **dict.fromkeys(_TYPES, Look(mark=sync_cell, has_short=True)),
    **dict.fromkeys(_RARE_TYPES, Look(mark=sync_cell, has_short=True, rank=6)),
    "istiod": Look(least=16, cut="middle", rank=4),
    "version": Look(least=0, rank=5),
    "reason": Look(least=30, rank=7),
    "revision": Look(rank=8),
    "type": Look(rank=8),
    "cluster": Look(rank=9),
    "other": Look(rank=9),
}
_SYNCZ = "debug/syncz.json"
_BAD = frozenset({"ERROR", "STALE", "NOT CONNECTED", "UNKNOWN"})


class ProxiesScreen(ViewScreen):
    """Every proxy that some istiod knows, and every pod that carries one."""

    CRUMB = "proxies"
    HELP: ClassVar[str] = (
        "STATUS is the worst word of the row. SYNCED: the proxy took what istiod sent last. STALE: "
        "it was sent and not yet taken. NOT SENT: istiod had nothing to send. IGNORED: the proxy "
        "never asked for that type. ERROR: the proxy refused it, with its reason. NOT CONNECTED: "
        "no istiod knows the proxy. Enter opens one proxy, l its log."
    )
    BINDINGS: ClassVar[list[BindingType]] = [PROXY_LOG]

    def body(self) -> Iterable[Widget]:
        """One table, with the reason of the current row's refusal beneath."""
        yield PlainText("", id="unread")
        yield RowsTable("Proxies", (Column("NAME"),), id="proxies", detailed=True)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Join what the istiods know with the pods that carry a proxy."""
        from meshdoctor.views import proxy_status as view

        rows = view.rows(snapshot)
        table = ViewTable(
            columns=(("STATUS", "status"), *view.columns(rows)),
            to_json=view.to_json,
            key=lambda row: str(row.name),
            looks=_LOOKS,
            is_fault=lambda row: str(row.status) in _BAD,
            namespace=lambda row: str(row.name).rpartition(".")[2],
            detail=_detail,
        )
        return table, rows, _unread(snapshot, diagnosis)

    def fill(self, view: tuple[ViewTable, Sequence[ProxyStatusRow], str]) -> None:
        """Show the rows."""
        table, rows, unread = view
        self._to_json = table.to_json
        self.query_one("#unread", PlainText).say(unread)
        self.query_one("#unread", PlainText).display = bool(unread)
        nothing = unread or "✓ No pod of this mesh carries a proxy: every pod was looked at."
        self.query_one("#proxies", RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.post_message(ProxyOpened(event.row.value.name))

    def action_proxy_log(self) -> None:
        """Open the log of the proxy under the cursor."""
        row = self.query_one(RowsTable).current
        if row is not None:
            self.app.post_message(ProxyOpened(row.value.name, "tab-log"))

    def raw_of(self, value: Any) -> Any:
        """The row as ``proxy-status -o json`` prints it."""
        return self._to_json(value)

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the same live."""
        return f"istioctl proxy-status {value.name}"


def _unread(snapshot: Snapshot, diagnosis: Diagnosis) -> str:
    """What keeps this table from being whole; empty when everything was read."""
    from meshdoctor.analyze.sync_connections import unread_istiods
    from meshdoctor.model.kinds import POD

    if not snapshot.catalog.known(POD):
        return not_collected(snapshot, diagnosis, "pods", (POD.input,), (POD.input,))
    missing = unread_istiods(snapshot)
    if not missing:
        return ""
    split = (name.rpartition(".") for name in missing)
    paths = [f"istiod/{namespace}/{pod}/{_SYNCZ}" for pod, _, namespace in split]
    what = f"sync state of {', '.join(missing)}"
    return not_collected(snapshot, diagnosis, what, paths, (f"istiod/{_SYNCZ}",))


def _detail(row: ProxyStatusRow) -> str:
    """The current row in words: every type, and why one was refused."""
    place = f"{row.name}, {row.type or 'proxy'}: {row.status}"
    about = f"istiod {row.istiod}, version {row.version or '?'}, revision {row.revision or '?'}"
    types = "  ".join(f"{cell.type} {cell}" for cell in row.types)
    return "\n".join(part for part in (place, about, types, row.reason) if part)
