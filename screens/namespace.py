"""One namespace: its pods, with and without a proxy, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from screens.keymap import PROXY_LOG
from screens.messages import ProxyOpened
from screens.nothing import not_collected
from screens.view_rows import NAME, Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.namespace_pods import NamespacePodRow
    from screens.state import MeshState

_WITH_PROXY = ("sidecar", "gateway")


def _proxy_mark(text: str) -> Mark:
    if text in _WITH_PROXY:
        return Mark(f"✓ {text}", "success")
    return Mark(f"✗ {text}", "error", bold=True) if text == "missing" else Mark(f"– {text}")


def _ready_mark(text: str) -> Mark:
    return Mark("✓ yes", "success") if text == "yes" else Mark("✗ no", "error", bold=True)


_LOOKS = {
    "name": NAME,
    "proxy": Look(least=0, mark=_proxy_mark),
    "ready": Look(least=0, mark=_ready_mark),
    "why": Look(least=24, wraps=True),
    "workload": Look(least=20, rank=2),
    "age": Look(least=0, rank=1),
}


class NamespaceScreen(ViewScreen):
    """The pods of one namespace."""

    CRUMB = "namespace"
    HAS_NAMESPACES = False
    HELP: ClassVar[str] = (
        "Each pod with or without a proxy, and why. missing: one was to be expected; the reason "
        "says what kept it out. Enter on a pod with a proxy opens the proxy, l its log."
    )
    BINDINGS: ClassVar[list[BindingType]] = [PROXY_LOG]

    def __init__(self, state: MeshState, namespace: str) -> None:
        """Look at the pods of a namespace."""
        super().__init__(state)
        self._namespace = namespace

    @property
    def crumb(self) -> str:
        """The namespace's name."""
        return self._namespace

    def body(self) -> Iterable[Widget]:
        """One table."""
        yield RowsTable(f"Pods of {self._namespace}", (Column("POD"),), id="pods", detailed=True)

    def _limit_tables(self) -> None:
        """The digits do not apply to a namespace that was chosen."""

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Look at every pod, and replay the decision about those without a proxy."""
        from meshdoctor.model.kinds import POD
        from meshdoctor.views import namespace_pods as view

        table = ViewTable(
            columns=view.COLUMNS,
            to_json=view.to_json,
            key=lambda row: str(row.name),
            looks=_LOOKS,
            is_fault=lambda row: row.proxy == "missing" or row.ready == "no",
        )
        nothing = f"✓ No pod runs in {self._namespace}: the pods of every namespace were read."
        if not snapshot.catalog.known(POD):
            nothing = not_collected(snapshot, diagnosis, "pods", (POD.input,), (POD.input,))
        return table, view.rows(snapshot, self._namespace), nothing

    def fill(self, view: tuple[ViewTable, Sequence[NamespacePodRow], str]) -> None:
        """Show the rows."""
        table, rows, nothing = view
        self._to_json = table.to_json
        self.query_one(RowsTable).show(table.rows(rows), nothing, table.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        row = event.row.value
        if row.proxy in _WITH_PROXY:
            self.app.post_message(ProxyOpened(f"{row.name}.{row.namespace}"))
        else:
            self.app.push_screen(TextWindow(row.name, event.table.detail_of(event.row)))

    def action_proxy_log(self) -> None:
        """Open the log of the pod's proxy."""
        row = self.query_one(RowsTable).current
        if row is not None and row.value.proxy in _WITH_PROXY:
            proxy_id = f"{row.value.name}.{row.value.namespace}"
            self.app.post_message(ProxyOpened(proxy_id, "tab-log"))

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the pod live."""
        return f"kubectl get pod {value.name} -n {value.namespace} -o yaml"

    def raw_of(self, value: Any) -> Any:
        """The row as plain data."""
        return self._to_json(value)
