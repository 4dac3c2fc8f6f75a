"""The revisions: what each pod asks for, got and is on, the control planes, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widgets import TabbedContent, TabPane

from screens.chosen import OnChosen
from screens.messages import ProxyOpened, RevisionsOpened
from screens.nothing import not_collected
from screens.tabs import TabbedScreen
from screens.view_rows import NAME, RIGID, Look, ViewTable
from screens.view_screen import ViewScreen
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from meshdoctor.analyze.revision_leftovers import Leftover
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.revisions import PlaneRow, RevisionRow

    Shown = tuple[str, ViewTable, Sequence[Any], str]
    """Id of a table, how its rows are made, the rows, and the sentence for none."""

_QUIET = ("not asked for",)


def state_mark(text: str) -> Mark:
    """What the three revisions of a pod come to, with its glyph."""
    if text == "in order":
        return Mark(f"✓ {text}", "success")
    if text == "unknown":
        return Mark(f"? {text}", "md-muted")
    return (
        Mark(f"– {text}", "md-muted") if text in _QUIET else Mark(f"✗ {text}", "error", bold=True)
    )


_POD_LOOKS = {
    "pod": NAME,
    "state": Look(least=0, mark=state_mark),
    "asked": Look("ASKED", least=0),
    "injected": Look("INJECTED", least=0),
    "connected": Look("CONNECTED", least=0),
    "proxy_version": Look(least=0, rank=4),
    "istiod_version": Look(least=0, rank=5),
    "why": Look(least=24, rank=3, wraps=True),
    "workload": Look(least=24, cut="middle", rank=6),
    "label": Look(least=20, rank=7),
}
_LEFT_LOOKS = {
    "what": NAME,
    "revision": RIGID,
    "why": Look(least=24, wraps=True),
    "command": Look(least=24, rank=2),
}
_PLANE_LOOKS = {"revision": RIGID, "ready": RIGID, "proxies": RIGID}


class RevisionsScreen(ViewScreen, TabbedScreen):
    """The revision triangle of every pod, and what an upgrade left behind."""

    CRUMB = "revisions"
    HELP: ClassVar[str] = (
        "ASKED is the revision that a new pod of the same workload would get, tags resolved; "
        "INJECTED the one that gave this pod its proxy; CONNECTED the one whose istiod knows it. "
        "All three are the same where an upgrade is through. Enter opens the pod's proxy. Left "
        "behind lists what belongs to revisions that are gone, and control planes nobody uses."
    )

    _looked_for: tuple[str, ...] = ()

    def look_for(self, names: tuple[str, ...]) -> None:
        """Begin at the pod, the workload or the namespace that the person came from."""
        self._looked_for = names

    def body(self) -> Iterable[Widget]:
        """The pods, the leftovers and the control planes, a tab each."""
        first = (Column("POD"),)
        with TabbedContent(id="revision-tabs"):
            with TabPane("Pods", id="tab-pods"):
                yield RowsTable("Pods", first, id="revision-pods", detailed=True)
            with TabPane("Left behind", id="tab-left"):
                yield RowsTable("Left behind", first, id="left-behind", detailed=True)
            with TabPane("Control planes", id="tab-planes"):
                yield RowsTable("Control planes", first, id="control-planes")

    def pods_of(self, snapshot: Snapshot) -> Sequence[RevisionRow]:
        """The pods to show."""
        from meshdoctor.views import revisions as view

        return view.rows(snapshot)

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Join what each pod asks for, got and is connected to."""
        from meshdoctor.model.kinds import POD
        from meshdoctor.views import revisions as view

        pods = ViewTable(
            columns=view.COLUMNS,
            to_json=view.to_json,
            key=lambda row: str(row.pod),
            looks=_POD_LOOKS,
            is_fault=lambda row: bool(row.is_fault),
            namespace=lambda row: str(row.namespace),
            detail=_pod_detail,
        )
        left = ViewTable(
            columns=view.LEFT_COLUMNS,
            to_json=view.left_to_json,
            key=lambda row: str(row.what),
            looks=_LEFT_LOOKS,
            is_fault=lambda row: bool(row.hurts),
            detail=_left_detail,
        )
        planes = ViewTable(
            columns=view.PLANE_COLUMNS,
            to_json=view.plane_to_json,
            key=lambda row: str(row.revision),
            looks=_PLANE_LOOKS,
        )
        unknown = "Unknown:"
        none = f"✓ {view.no_pods(snapshot)}"
        missing = view.unread(snapshot)
        if not snapshot.catalog.known(POD):
            none = not_collected(snapshot, diagnosis, "pods", missing, missing)
        rest = view.nothing_left(snapshot)
        mark = "?" if rest.startswith(unknown) else "✓"
        no_planes = "✗ No control plane was found in this cluster."
        if missing:
            no_planes = not_collected(snapshot, diagnosis, "control planes", missing, missing)
        return (
            ("#revision-pods", pods, self.pods_of(snapshot), none),
            ("#left-behind", left, view.left_behind(snapshot), f"{mark} {rest}"),
            ("#control-planes", planes, view.planes(snapshot), no_planes),
        )

    def fill(self, view: tuple[Shown, ...]) -> None:
        """Show the rows."""
        self._to_json = {}
        for name, table, rows, nothing in view:
            for row in rows:
                self._to_json[type(row)] = table.to_json
            self.query_one(name, RowsTable).show(table.rows(rows), nothing, table.headers())
        if self._looked_for:
            self._go_to(view[0][2])

    def _go_to(self, rows: Sequence[RevisionRow]) -> None:
        """Once: whoever reads again stays where the cursor is."""
        wanted, self._looked_for = self._looked_for, ()
        for name in wanted:
            bare = name.removeprefix("Namespace ")
            for row in rows:
                if name in (row.pod, row.workload) or bare == row.namespace:
                    self.query_one("#revision-pods", RowsTable).go_to(row.pod)
                    return

    @on(RowsTable.Opened, "#revision-pods")
    def _open_pod(self, event: RowsTable.Opened) -> None:
        row: RevisionRow = event.row.value
        if row.has_proxy:
            self.app.post_message(ProxyOpened(row.pod))
        else:
            self.app.push_screen(TextWindow(row.pod, _pod_detail(row)))

    @on(RowsTable.Opened, "#left-behind")
    def _open_left(self, event: RowsTable.Opened) -> None:
        item: Leftover = event.row.value
        window = TextWindow(item.what, _left_detail(item), copies=item.command)
        self.app.push_screen(window)

    @on(RowsTable.Opened, "#control-planes")
    def _open_plane(self, event: RowsTable.Opened) -> None:
        row: PlaneRow = event.row.value
        text = "\n".join(f"{key}: {value}" for key, value in self.raw_of(row).items())
        self.app.push_screen(TextWindow(f"Revision {row.revision}", text))

    def text_of(self, value: Any) -> str:
        """Copying takes the command: what deletes a leftover, else what shows the same live."""
        command = getattr(value, "command", "")
        if command:
            return str(command)
        if hasattr(value, "pod"):
            name = value.pod.removesuffix(f".{value.namespace}")
            return f"kubectl get pod {name} -n {value.namespace} -o yaml"
        return f"kubectl get pods -A -l app=istiod,istio.io/rev={value.revision}"

    def raw_of(self, value: Any) -> Any:
        """The row as ``revisions -o json`` prints it."""
        return self._to_json[type(value)](value)


class RevisionsHereScreen(OnChosen[RevisionsOpened], RevisionsScreen):
    """The revisions of a root cause's pods, or of one proxy's."""

    def pods_of(self, snapshot: Snapshot) -> Sequence[RevisionRow]:
        """The pods that are named, or whose workload is; else those of the namespaces named."""
        from meshdoctor.diagnose.object_names import namespace_of

        names, every = self._about.names, super().pods_of(snapshot)
        own = [row for row in every if row.pod in names or row.workload in names]
        if own:
            return own
        spaces = {namespace_of(name) for name in names}
        return [row for row in every if row.namespace in spaces]


def _pod_detail(row: RevisionRow) -> str:
    label = row.label or "no label"
    versions = f"proxy {row.proxy_version or 'unknown'}, istiod {row.istiod_version or 'unknown'}"
    return "\n".join(
        (
            f"{row.pod} ({row.workload}): {row.state}",
            row.why,
            f"asked for {row.asked} ({label}), injected by {row.injected}, "
            f"connected to {row.connected}; {versions}",
        )
    )


def _left_detail(item: Leftover) -> str:
    return f"{item.what}, revision {item.revision}\n{item.why}\n$ {item.command}"
