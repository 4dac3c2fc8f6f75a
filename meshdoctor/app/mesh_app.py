"""The app itself: composition root, the screen stack, and what each key of the app does."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.signal import Signal
from textual.worker import Worker, WorkerState

from meshdoctor.app.comparer import Comparer
from meshdoctor.app.diagnosing import Diagnoser
from meshdoctor.app.following import Follower
from meshdoctor.app.listening import Progressed, SnapshotCame
from meshdoctor.app.reading import Reader
from meshdoctor.app.recorder import Recorder
from meshdoctor.app.reporter import Reporter
from meshdoctor.app.said import Log, Said
from meshdoctor.app.threads import Threads
from screens import keymap
from screens.ask_window import AskWindow
from screens.certificates import CertificatesHereScreen
from screens.commands import MeshCommands
from screens.compare_window import PathWanted, ReadingUnwanted
from screens.diagnosis import DiagnosisScreen
from screens.help import HelpWindow
from screens.mesh_screen import MeshScreen
from screens.messages import (
    CauseOpened,
    CertificatesOpened,
    MtlsOpened,
    NamespaceOpened,
    ProxyOpened,
    RevisionsOpened,
    TraceOpened,
    Why403Opened,
)
from screens.mtls import MtlsHereScreen
from screens.namespace import NamespaceScreen
from screens.overview import OverviewScreen
from screens.paste_window import PasteWindow
from screens.places import PLACES
from screens.proxy import ProxyScreen
from screens.revisions import RevisionsHereScreen
from screens.state import MeshState
from screens.theme import DARK, LIGHT
from screens.trace import TraceScreen
from screens.why_403 import Why403HereScreen
from screens.widgets.plain_text import lines
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textual.binding import BindingType
    from textual.screen import Screen

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.session import Session
    from meshdoctor.views.pasted_line import PastedLine

_TICK = 0.5
"""Seconds between two looks at the clock, while a person waits or something grows old."""
_REDRAW = 0.1
"""Seconds between two redrawings for progress: more often only costs time."""
_PATIENCE = 2.0
"""Seconds that leaving waits for threads that were asked to end."""
_UNTIL_DISMISSED = 3600
"""Seconds that an error stays on the screen."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MeshdoctorApp(App[None]):
    """Diagnose one session: reading streams in behind the first paint."""

    TITLE = "meshdoctor"
    # Textual loads a screen's own style when it is pushed, which the first one never is.
    CSS_PATH: ClassVar[list[Any]] = ["../../screens/app.tcss", "../../screens/overview.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.GO, *keymap.APP]
    COMMANDS: ClassVar[set[Any]] = {MeshCommands}
    # The registry of keys binds the palette itself, to the colon as well.
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Look at a session; nothing is read before the first paint.

        Args:
            session: what to look at.
            clock: tells seconds, for how long a person has been waiting and how old things are.
            now: tells the time of day, for the names of new files and the log of messages.
        """
        super().__init__()
        self.session = session
        self.now = now
        # Over a slow line every frame of an animation is a wait.
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        source = session.source
        changed: Signal[MeshState] = Signal(self, "state")
        self.state = MeshState(source.name, changed, clock, source.is_live, started=clock())
        self.said = Log()
        self.threads = Threads()
        self.diagnoser = Diagnoser(self)
        self.follower = Follower(self)
        self.reader = Reader(self)
        self.recorder = Recorder(self)
        self.reporter = Reporter(self)
        self.comparer = Comparer(self)
        self.compared_with: tuple[Snapshot, Path] | None = None
        """A recording and what was read of it: what changed since is shown first."""
        self._is_redrawing = False
        self.is_leaving = False
        """Nothing new is begun any more."""

    def get_default_screen(self) -> Screen[Any]:
        """The overview is the bottom of the stack."""
        return OverviewScreen(self.state)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[Any]:
        """None of Textual's own: the palette has the app's commands only."""
        del screen
        return ()

    def on_mount(self) -> None:
        """Begin to read as soon as the first screen has been painted."""
        self.call_after_refresh(self.begin)
        if self.compared_with is not None:
            self.call_after_refresh(self.comparer.show_at_once, *self.compared_with)
        self.set_interval(_TICK, self._tick)

    def begin(self) -> None:
        """The first screen has been painted."""
        self.reader.begin()

    @property
    def shown(self) -> MeshState:
        """The state of what is looked at: the session's, or that of a mesh that is played."""
        screens = (each for each in reversed(self.screen_stack) if isinstance(each, MeshScreen))
        found = next(screens, None)
        return self.state if found is None else found.state

    def on_unmount(self) -> None:
        """Whoever still reads is told to stop."""
        self._stop_listeners()

    def _tick(self) -> None:
        if self.state.saving is not None:
            self.recorder.measure()
        if self.state.is_busy or self.state.is_live:
            self.changed(now=True)

    def changed(self, *, now: bool = False) -> None:
        """The state has changed: screens are told, at once or with what else comes by then."""
        if now:
            self.state.changed.publish(self.state)
        elif not self._is_redrawing:
            self._is_redrawing = True
            self.set_timer(_REDRAW, self._redraw)

    def _redraw(self) -> None:
        self._is_redrawing = False
        self.state.changed.publish(self.state)

    @on(Progressed)
    def _progressed(self, event: Progressed) -> None:
        news = event.listener.news()
        if event.listener is self.follower.listener:
            self.follower.heard()
            return
        if event.listener is self.comparer.listener:
            self.comparer.heard(news)
            return
        if event.listener is self.reader.listener:
            self.state.progress(news, self.state.stages)
        elif event.listener is self.recorder.listener and self.state.saving is not None:
            self.state.progress(news, self.state.saving.stages)
        self.changed()

    @on(SnapshotCame)
    def _snapshot_came(self, event: SnapshotCame) -> None:
        if event.listener is self.follower.listener:
            self.follower.so_far(event.snapshot)
        elif event.listener is not self.comparer.listener:
            self.reader.so_far(event.listener, event.snapshot)

    @on(PathWanted)
    def _path_wanted(self, event: PathWanted) -> None:
        self.comparer.read(event.window, event.typed)

    @on(ReadingUnwanted)
    def _reading_unwanted(self) -> None:
        self.comparer.stop()

    def say_error(self, reason: str, title: str, timeout: float = _UNTIL_DISMISSED) -> None:
        """Say what went wrong; it stays until it is dismissed, or for so many seconds."""
        self.notify(lines(reason), title=title, severity="error", timeout=timeout, markup=False)

    def notify(self, message: str, *, title: str = "", **more: Any) -> None:
        """Show a toast, and keep what it said."""
        self.said.said.append(Said(self.now(), more.get("severity", "information"), title, message))
        super().notify(message, title=title, **more)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        # A fault of ours in a worker is said on the screen; it never kills the app.
        if event.state is WorkerState.ERROR:
            self.reader.failed(f"meshdoctor itself failed: {event.worker.error!r}")

    @on(CauseOpened)
    def _cause_opened(self, event: CauseOpened) -> None:
        self.action_go("diagnosis")
        if isinstance(self.screen, DiagnosisScreen):
            self.call_after_refresh(self.screen.choose, event.cause)

    @on(ProxyOpened)
    def _proxy_opened(self, event: ProxyOpened) -> None:
        self.push_screen(ProxyScreen(self.shown, event.proxy_id, event.tab))

    @on(NamespaceOpened)
    def _namespace_opened(self, event: NamespaceOpened) -> None:
        self.push_screen(NamespaceScreen(self.shown, event.name))

    @on(MtlsOpened)
    def _mtls_opened(self, event: MtlsOpened) -> None:
        if event.places or event.proxy_id or event.servers:
            self.push_screen(MtlsHereScreen(self.shown, event))
        else:
            self.action_go("mtls")

    @on(Why403Opened)
    def _why_403_opened(self, event: Why403Opened) -> None:
        if self._is_closed("why-403"):
            return
        if event.cause is not None or event.proxy_id:
            self.push_screen(Why403HereScreen(self.shown, event))
        else:
            self.action_go("why-403")

    @on(TraceOpened)
    def _trace_opened(self, event: TraceOpened) -> None:
        self.push_screen(TraceScreen(self.shown, event))

    @on(RevisionsOpened)
    def _revisions_opened(self, event: RevisionsOpened) -> None:
        if event.names:
            self.push_screen(RevisionsHereScreen(self.shown, event))
        else:
            self.action_go("revisions")

    @on(CertificatesOpened)
    def _certificates_opened(self, event: CertificatesOpened) -> None:
        if event.names:
            self.push_screen(CertificatesHereScreen(self.shown, event))
        else:
            self.action_go("certificates")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Some keys are for a live mesh only: dim elsewhere, and the state says why."""
        del parameters
        return None if self.shown.why_not(action) else True

    def key_ctrl_s(self) -> None:
        """Say why there is nothing to record; reached only where the key is dim."""
        self._say_why_not("record")

    def key_w(self) -> None:
        """Say why there is nothing to report; reached only where the key is dim."""
        self._say_why_not("report")

    def key_d(self) -> None:
        """Say why there is nothing to compare; reached only where the key is dim."""
        self._say_why_not("changes")

    def key_space(self) -> None:
        """Say why there is nothing to follow; reached only where the key is dim."""
        self._say_why_not("follow")

    def key_r(self) -> None:
        """Say why there is nothing to read again; reached only where the key is dim."""
        self._say_why_not("read_again")

    def key_p(self) -> None:
        """Say why no line is explained; reached only where the key is dim."""
        self._say_why_not("paste")

    def _say_why_not(self, action: str) -> None:
        if isinstance(self.screen, MeshScreen) and (reason := self.shown.why_not(action)):
            self.notify(lines(reason), timeout=6, severity="warning", markup=False)

    def _is_closed(self, place: str) -> bool:
        """Whether a place is closed; says why."""
        self._say_why_not(place)
        return place in self.shown.closed

    def action_go(self, place: str) -> None:
        """Go to a screen: back to it where it is on the stack, else on top of the overview."""
        if self._is_closed(place):
            return
        wanted, state = PLACES[place].screen, self.shown
        concerns = self.screen.concerns() if isinstance(self.screen, MeshScreen) else ()
        while not self._is_there(wanted):
            if isinstance(self.screen, MeshScreen) and self.screen.holds_back():
                return
            self.pop_screen()
        on_ground = isinstance(self.screen, MeshScreen) and self.screen.IS_GROUND
        if type(self.screen) is not wanted and not (on_ground and place == "overview"):
            opened = wanted(state)
            opened.look_for(concerns)
            self.push_screen(opened)

    def _is_there(self, wanted: type[MeshScreen]) -> bool:
        """Whether a screen is on top, or what it would be put on."""
        screen = self.screen
        on_ground = isinstance(screen, MeshScreen) and screen.IS_GROUND
        return on_ground or type(screen) is wanted or len(self.screen_stack) == 1

    def action_step_back(self) -> None:
        """Clear the filter, else go back one screen; on the overview, stop what is under way."""
        screen = self.screen
        if isinstance(screen, MeshScreen) and (screen.clear_filter() or screen.holds_back()):
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.state.is_busy:
            self.reader.stop()
        elif self.state.saving is not None and not self.state.saving.stopping:
            self.recorder.stop()

    def action_read_again(self) -> None:
        """Read everything and diagnose again; cursor and filter stay where they are."""
        if not self.state.is_busy:
            self.reader.begin_anew()

    def action_follow(self) -> None:
        """Pause following a live mesh, or go on."""
        self.follower.toggle()

    def action_record(self) -> None:
        """Take a recording of a live mesh, or ask whether to stop the one being taken."""
        self.recorder.ask()

    def action_paste(self) -> None:
        """Explain a line that is pasted, and go on from there."""
        self.push_screen(PasteWindow(), self._pasted)

    def _pasted(self, found: PastedLine | None) -> None:
        if found is None:
            return
        self.action_go("diagnosis")
        if found.playbook and isinstance(self.screen, DiagnosisScreen):
            self.call_after_refresh(self.screen.narrow, found.playbook, found.to)

    def action_report(self) -> None:
        """Write a report of what is shown."""
        self.reporter.ask()

    def action_changes(self) -> None:
        """Show what changed against another recording; ask which, unless that is known."""
        if not self.shown.why_not("changes"):
            self.comparer.ask()

    def action_messages(self) -> None:
        """Show what toasts have said."""
        self.push_screen(TextWindow("Messages, the latest first", self.said.text()))

    async def action_leave(self) -> None:
        """Back one screen; on the overview, quit."""
        if isinstance(self.screen, MeshScreen) and self.screen.holds_back():
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            await self.action_quit()

    async def action_quit(self) -> None:
        """Quit; while a recording is being taken, asks once."""
        if self.state.saving is None or isinstance(self.screen, AskWindow):
            await self._quit()
            return
        question = f"A recording is being taken to {self.state.saving.path}. Leave and stop it?"
        window = AskWindow("Leave", question, yes="leaves", no="stays")
        self.push_screen(window, self._quit_if)

    async def _quit_if(self, wanted: bool | None) -> None:
        if wanted:
            await self._quit()

    async def _quit(self) -> None:
        self._stop_listeners()
        await self.threads.settled(_PATIENCE)
        self.exit()

    def _stop_listeners(self) -> None:
        self.is_leaving = True
        works = (self.reader, self.follower, self.recorder, self.comparer)
        for listener in (work.listener for work in works):
            if listener is not None:
                listener.stop()

    def action_help(self) -> None:
        """The keys of this screen."""
        if isinstance(self.screen, MeshScreen):
            self.push_screen(HelpWindow(self.screen))
