"""The webhooks: who is injected by which entry, and whether anything answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.nothing import not_collected
from screens.view_rows import RIGID, Look, ViewTable
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
    from meshdoctor.views.webhooks import WebhookRow

_NOBODY = ("none ready", "no such Service")
_DISTRUSTED = ("differs", "empty")


def _endpoints_mark(text: str) -> Mark:
    if text in _NOBODY:
        return Mark(f"✗ {text}", "error", bold=True)
    return Mark(f"? {text}", "md-muted") if text == "unknown" else Mark(f"✓ {text}", "success")


def _trust_mark(text: str) -> Mark:
    if text in _DISTRUSTED:
        return Mark(f"✗ {text}", "error", bold=True)
    return Mark(f"✓ {text}", "success") if text == "match" else Mark(f"? {text}", "md-muted")


_LOOKS = {
    "entry": Look(least=26, cut="middle"),
    "selected_text": RIGID,
    "endpoints": Look(least=0, mark=_endpoints_mark),
    "ca_bundle": Look(least=0, mark=_trust_mark),
    "failure_policy": RIGID,
    "namespaces_text": Look(least=14, rank=3),
    "configuration": Look(least=20, cut="middle", rank=4),
    "revision": Look(least=0, rank=5),
    "tag": Look(least=0, rank=6),
    "does": Look(least=30, rank=7),
    "selects": Look(least=30, rank=7),
    "service": Look(least=20, rank=8),
    "ca_expires": Look(least=0, rank=9),
}


class WebhooksScreen(ViewScreen):
    """Every injection and validation webhook entry."""

    CRUMB = "webhooks"
    HELP: ClassVar[str] = (
        "An entry per row: whom it selects now, whether the Service behind it has ready endpoints "
        "and whether its caBundle is the mesh's root. Where nobody answers, ON FAILURE decides: "
        "Fail refuses the pod, Ignore lets it in without a proxy. Enter shows an entry whole."
    )

    def body(self) -> Iterable[Widget]:
        """One table."""
        yield RowsTable("Webhooks", (Column("ENTRY"),), id="webhooks", detailed=True)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Evaluate every entry's selectors, and look up what answers it."""
        from meshdoctor.views import webhooks as view

        first = ("ENTRY", "entry"), ("SELECTED", "selected_text"), ("ENDPOINTS", "endpoints")
        then = ("CA BUNDLE", "ca_bundle"), ("ON FAILURE", "failure_policy")
        rest = tuple(column for column in view.COLUMNS if column not in (*first, *then))
        table = ViewTable(
            columns=(*first, *then, *rest),
            to_json=view.to_json,
            key=lambda row: f"{row.configuration} {row.entry}",
            looks=_LOOKS,
            is_fault=lambda row: row.endpoints in _NOBODY or str(row.ca_bundle) in _DISTRUSTED,
            detail=_detail,
        )
        nothing = "✗ There is no injection or validation webhook: every configuration was read."
        missing = view.unread(snapshot)
        if missing:
            nothing = not_collected(snapshot, diagnosis, "webhooks", missing, missing)
        return table, view.rows(snapshot), nothing

    def fill(self, view: tuple[ViewTable, Sequence[WebhookRow], str]) -> None:
        """Show the rows."""
        table, rows, nothing = view
        self._to_json = table.to_json
        self.query_one(RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.push_screen(TextWindow(event.row.key, _detail(event.row.value)))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the configuration live."""
        return f"kubectl get {value.kind.lower()} {value.configuration} -o yaml"

    def raw_of(self, value: Any) -> Any:
        """The row as ``webhooks -o json`` prints it."""
        return self._to_json(value)


def _detail(row: WebhookRow) -> str:
    tag = f", tag {row.tag}" if row.tag else ""
    expires = f", expires {row.ca_expires}" if row.ca_expires else ""
    return "\n".join(
        (
            f"{row.kind} {row.configuration}, entry {row.entry}, revision {row.revision}{tag}",
            f"{row.does}",
            f"selects    {row.selects}",
            f"so now     {row.selected_text} in namespaces: {row.namespaces_text}",
            f"answers    {row.service}: {row.endpoints}; on failure {row.failure_policy}",
            f"caBundle   {row.ca_bundle}{expires}",
        )
    )
