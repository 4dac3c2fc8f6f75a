"""The certificates: whose run out, and whose root is not the mesh's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from meshdoctor.model.proxy import CONFIG_DUMP
from screens.chosen import OnChosen
from screens.messages import CertificatesOpened, ProxyOpened
from screens.nothing import not_collected
from screens.view_rows import NAME, RIGID, Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.certificate_row import CertificateRow

_BAD = ("expired", "not yet valid", "missing")
_FINE = ("valid", "match")


def _mark(text: str) -> Mark:
    """Glyph and role of a state, or of the comparison with the mesh's root."""
    if text in _FINE:
        return Mark(f"✓ {text}", "success")
    if text in _BAD or text == "differs":
        return Mark(f"✗ {text}", "error", bold=True)
    if text == "soon":
        return Mark(f"! {text}", "warning")
    return Mark("-", "md-muted") if text == "-" else Mark(f"? {text}", "md-muted")


_LOOKS = {
    "holder": NAME,
    "what": RIGID,
    "state": Look(least=0, mark=_mark),
    "days_text": Look("DAYS", least=0),
    "mesh_root": Look(least=0, mark=_mark),
    "root_text": Look(least=12, rank=2),
    "name": Look(least=12, cut="middle", rank=3),
    "identity": Look(least=20, cut="middle", rank=4),
    "not_after_text": Look(least=20, rank=5),
    "chain_text": Look(least=20, rank=6),
    "serial": Look(least=12, rank=7),
}
_FIRST = ("holder", "what", "state", "days_text", "mesh_root")


class CertificatesScreen(ViewScreen):
    """Every certificate of the mesh."""

    CRUMB = "certificates"
    HELP: ClassVar[str] = (
        "A chain or bundle per row: the CA's Secrets, the root in every namespace, webhooks, "
        "each proxy's own, what gateways show. MESH ROOT says whether it leads to the root that "
        "istiod signs with: two ends whose roots differ do not accept each other. Days count from "
        "the moment of the snapshot. Enter shows the chain, or opens the proxy."
    )

    def body(self) -> Iterable[Widget]:
        """One table."""
        yield RowsTable("Certificates", (Column("HOLDER"),), id="certificates", detailed=True)

    def rows_of(self, snapshot: Snapshot) -> Sequence[CertificateRow]:
        """The certificates to show."""
        from meshdoctor.views import certificates as view

        return view.rows(snapshot)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Read every certificate, and hold its root against the mesh's."""
        from meshdoctor.views import certificates as view

        first = tuple(next(c for c in view.COLUMNS if c[1] == name) for name in _FIRST)
        table = ViewTable(
            columns=(*first, *(column for column in view.COLUMNS if column not in first)),
            to_json=view.to_json,
            key=lambda row: f"{row.what} {row.holder} {row.name}",
            looks=_LOOKS,
            is_fault=lambda row: row.is_fault,
            namespace=lambda row: row.namespace,
            detail=partial(_detail, snapshot, diagnosis),
        )
        nothing = "✓ No certificate: there is no CA, no webhook and no proxy that holds one."
        return table, self.rows_of(snapshot), nothing

    def fill(self, view: tuple[ViewTable, Sequence[CertificateRow], str]) -> None:
        """Show the rows."""
        table, rows, nothing = view
        self._to_json = table.to_json
        self.query_one(RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        row: CertificateRow = event.row.value
        if row.proxy:
            self.app.post_message(ProxyOpened(row.proxy, "tab-secrets"))
        else:
            self.app.push_screen(TextWindow(event.row.key, event.row.detail))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows it live."""
        return str(value.command)

    def raw_of(self, value: Any) -> Any:
        """The row as ``certificates -o json`` prints it."""
        return self._to_json(value)


class CertificatesHereScreen(OnChosen[CertificatesOpened], CertificatesScreen):
    """The certificates of a root cause's objects, or of one proxy."""

    def rows_of(self, snapshot: Snapshot) -> Sequence[CertificateRow]:
        """What the named objects and proxies hold; beside proxies, the CA to compare with."""
        from meshdoctor.views import certificates as view

        every = view.rows(snapshot)
        holders = view.holders_named(snapshot, self._about.names)
        own = [row for row in every if row.holder in holders or row.proxy in holders]
        if any(row.proxy for row in own):
            own += [row for row in every if row.what == "CA" and row not in own]
        return own or every


def _detail(snapshot: Snapshot, diagnosis: Diagnosis, row: CertificateRow) -> str:
    if row.state == "not read":
        inputs = (row.source, f"proxies/{CONFIG_DUMP}" if row.what == "proxy" else row.source)
        what = f"{row.name} of {row.holder}"
        return not_collected(snapshot, diagnosis, what, (row.source,), inputs)
    if row.why:
        return f"{row.holder}, {row.name}: {row.state}, {row.why}\n$ {row.command}"
    lines = [f"{row.holder}, {row.name}: {row.state}, {row.days_text} left, {row.not_after_text}"]
    for item in row.chain:
        name = item.sans[0] if item.sans else item.subject
        lines.append(f"  {name}  signed by {item.issuer}")
        lines.append(f"    until {item.not_after:%Y-%m-%d %H:%M} UTC, SHA-256 {item.fingerprint}")
    if row.proxy and row.roots:
        lines.append(f"  trusts {', '.join(row.roots)}")
    return "\n".join(lines)
