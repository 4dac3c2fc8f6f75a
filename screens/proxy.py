"""One proxy: its clusters, listeners, routes, endpoints, secrets, log, and who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.widgets import TabbedContent, TabPane
from textual.worker import get_current_worker

from screens.keymap import PROXY_LOG, RELATED
from screens.messages import (
    CertificatesOpened,
    MtlsOpened,
    ProxyPartMade,
    RevisionsOpened,
    TraceOpened,
    Why403Opened,
)
from screens.nothing import not_collected
from screens.proxy_parts import PARTS, ProxyPart
from screens.tabs import TabbedScreen
from screens.widgets.columns import Column
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from screens.state import MeshState

_BY_TAB = {f"tab-{part.name}": part for part in PARTS}


class ProxyScreen(TabbedScreen):
    """What one proxy holds, a tab for each part; a part is made when its tab is first opened."""

    CRUMB = "proxy"
    HAS_NAMESPACES = False
    HELP: ClassVar[str] = (
        "What this one proxy holds; left and right turn the tabs. Columns and words are those of "
        "istioctl proxy-config. Enter shows a row whole, y the JSON behind it, c copies the "
        "istioctl or kubectl command that shows the same live. In the log, ctrl+z leaves only "
        "lines that are not in order, each with what its flags mean."
    )
    BINDINGS: ClassVar[list[BindingType]] = [PROXY_LOG, *RELATED]
    # Focusing a table of another tab would open that tab.
    AUTO_FOCUS = ""

    def __init__(self, state: MeshState, proxy_id: str, tab: str = "") -> None:
        """Look at the proxy of that id, ``pod.namespace``."""
        super().__init__(state)
        self._proxy_id = proxy_id
        self._first = tab or "tab-clusters"
        self._made: set[str] = set()

    def concerns(self) -> tuple[str, ...]:
        """The proxy."""
        return (self._proxy_id,)

    @property
    def crumb(self) -> str:
        """The proxy's id."""
        return self._proxy_id

    def body(self) -> Iterable[Widget]:
        """The tabs, still empty."""
        with TabbedContent(id="parts", initial=self._first):
            for part in PARTS:
                with TabPane(part.title, id=f"tab-{part.name}"):
                    yield RowsTable(
                        part.title,
                        (Column(part.title.upper()),),
                        id=part.name,
                        detailed=part.name == "log",
                    )

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Make the tab that is open; the others when they are opened."""
        self._made.clear()
        self._make_open_part(snapshot, diagnosis)

    @on(TabbedContent.TabActivated)
    def _opened(self) -> None:
        snapshot, diagnosis = self.state.snapshot, self.state.diagnosis
        if snapshot is not None and diagnosis is not None and self._shown_for is not None:
            self._make_open_part(snapshot, diagnosis)

    def _make_open_part(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        part = _BY_TAB.get(self.tabs.active)
        if part is not None and part.name not in self._made:
            self._made.add(part.name)
            self._make(part, snapshot, diagnosis)
            # A newer snapshot must not take the focus out of a filter that is being typed.
            if not self.query_one(f"#{part.name}", RowsTable).has_focus_within:
                self.call_after_refresh(self._focus_pane, self.tabs.active)

    # Without a description, Textual would write out the whole snapshot for one.
    @work(thread=True, group="gather", exit_on_error=False, description="gather")
    def _make(self, part: ProxyPart, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        worker = get_current_worker()
        proxy = snapshot.proxies.get(self._proxy_id)
        made = part.make(snapshot, proxy) if proxy is not None else None
        nothing = f"✓ {self._proxy_id} was read and holds none."
        if made is None:
            path = proxy.path(part.file) if proxy else self._folder()
            wanted = f"proxies/{part.file}"
            what = part.title.lower()
            nothing = not_collected(snapshot, diagnosis, what, (path,), (wanted,))
        if made is not None and proxy is not None and proxy.config is not None:
            errors = [error for error in proxy.config.errors if not made[1]]
            nothing = f"? Could not be read: {errors[0]}" if errors else nothing
        if not worker.is_cancelled:
            self.post_message(ProxyPartMade(snapshot, part.name, made, nothing))

    def _folder(self) -> str:
        pod, _, namespace = self._proxy_id.rpartition(".")
        return f"proxies/{namespace}/{pod}"

    @on(ProxyPartMade)
    def _part_made(self, event: ProxyPartMade) -> None:
        if event.snapshot is self.state.snapshot:
            self.guarded(self._show_part, event)

    def _show_part(self, event: ProxyPartMade) -> None:
        table = self.query_one(f"#{event.part}", RowsTable)
        if event.made is None:
            table.show((), event.nothing)
        else:
            view, rows = event.made
            table.show(view.rows(rows), event.nothing, view.headers())

    @on(RowsTable.Opened)
    def _open(self, event: RowsTable.Opened) -> None:
        text = event.table.detail_of(event.row)
        self.app.push_screen(TextWindow(self._proxy_id, text))

    def action_proxy_log(self) -> None:
        """Open the log tab."""
        self.open_tab("tab-log")

    def action_mtls_here(self) -> None:
        """Show the mTLS of this proxy, as a client and as a server."""
        self.app.post_message(MtlsOpened("mTLS", proxy_id=self._proxy_id))

    def action_why_here(self) -> None:
        """Show what this proxy refuses."""
        self.app.post_message(Why403Opened("403", proxy_id=self._proxy_id))

    def action_trace_here(self) -> None:
        """Walk a request that this proxy sends."""
        self.app.post_message(TraceOpened(proxy_id=self._proxy_id))

    def action_revisions_here(self) -> None:
        """Show the revisions of this proxy's pod."""
        self.app.post_message(RevisionsOpened("revisions", (self._proxy_id,)))

    def action_certificates_here(self) -> None:
        """Show the certificates that this proxy holds."""
        self.app.post_message(CertificatesOpened("certificates", (self._proxy_id,)))

    def _limit_tables(self) -> None:
        """The digits do not apply to a proxy that was chosen."""

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows this tab live; in the log, the line."""
        part = _BY_TAB[self.tabs.active]
        if part.name == "log":
            return str(value.text)
        pod, _, namespace = self._proxy_id.rpartition(".")
        return part.command.format(pod=pod, namespace=namespace)

    def raw_of(self, value: Any) -> Any:
        """The row as ``proxy-config -o json`` prints it, with the file it was read from."""
        from dataclasses import asdict

        part = _BY_TAB[self.tabs.active]
        return {"source": f"{self._folder()}/{part.file}", **asdict(value)}
