"""The namespaces: what each asks for, what its new pods get and why, what its pods have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.messages import NamespaceOpened
from screens.nothing import not_collected
from screens.view_rows import Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.namespaces import NamespaceRow

_BAD = frozenset(
    {"labels conflict", "webhook missing", "revision absent", "refused", "not injected"}
)
_QUIET = frozenset({"not labelled", "never injected", "infrastructure", "ambient"})


def verdict_mark(text: str) -> Mark:
    """A verdict on injection, with its glyph."""
    if text in _BAD:
        return Mark(f"✗ {text}", "error", bold=True)
    if text == "injected":
        return Mark(f"✓ {text}", "success")
    return Mark(f"– {text}", "md-muted") if text in _QUIET else Mark(f"? {text}", "warning")


_LOOKS = {
    "name": Look(least=14, cut="middle"),
    "labels": Look(least=24, rank=3),
    "revision": Look(least=0, rank=4),
    "verdict": Look(least=0, mark=verdict_mark),
    "why": Look(least=24, rank=1, wraps=True),
    "with_proxy": Look("PROXY", least=0),
    "without_proxy": Look("NONE", least=0),
    "ambient": Look(least=0, rank=5),
}


class NamespacesScreen(ViewScreen):
    """Every namespace with its verdict."""

    CRUMB = "namespaces"
    HELP: ClassVar[str] = (
        "NEW PODS is what a pod created now would get, WHY the reason: the API server's and "
        "istiod's decision, replayed from labels, webhooks and policy. PROXY and NONE count the "
        "pods that run with and without one. Enter lists a namespace's pods, each with its own "
        "reason."
    )

    def body(self) -> Iterable[Widget]:
        """One table."""
        yield RowsTable("Namespaces", (Column("NAMESPACE"),), id="namespaces-table", detailed=True)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Replay the injection decision for every namespace."""
        from meshdoctor.model.kinds import NAMESPACE
        from meshdoctor.views import namespaces as view

        table = ViewTable(
            columns=view.COLUMNS,
            to_json=view.to_json,
            key=lambda row: str(row.name),
            looks=_LOOKS,
            is_fault=lambda row: str(row.verdict) in _BAD or str(row.verdict) == "unknown",
            namespace=lambda row: str(row.name),
            detail=_detail,
        )
        nothing = "✓ There is no namespace: the list was read and is empty."
        if not snapshot.catalog.known(NAMESPACE):
            inputs = (NAMESPACE.input,)
            nothing = not_collected(snapshot, diagnosis, "namespaces", inputs, inputs)
        return table, view.rows(snapshot), nothing

    def fill(self, view: tuple[ViewTable, Sequence[NamespaceRow], str]) -> None:
        """Show the rows."""
        table, rows, nothing = view
        self._to_json = table.to_json
        self.query_one(RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        self.app.post_message(NamespaceOpened(event.row.value.name))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the labels live."""
        return f"kubectl get namespace {value.name} --show-labels"

    def raw_of(self, value: Any) -> Any:
        """The row as ``namespaces -o json`` prints it."""
        return self._to_json(value)


def _detail(row: NamespaceRow) -> str:
    labels = ", ".join(row.labels) or "none that concern the mesh"
    return (
        f"{row.name}: {row.verdict}, because {row.why}\n"
        f"labels: {labels}; revision: {row.revision or 'none'}\n"
        f"pods: {row.with_proxy} with a proxy, {row.without_proxy} without; ambient: {row.ambient}"
    )
