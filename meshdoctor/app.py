"""The app: composition root, workers and the screen stack."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import App
from textual.signal import Signal
from textual.worker import Worker, WorkerState, get_current_worker

from screens import keymap
from screens.commands import MeshCommands
from screens.diagnosis import DiagnosisScreen
from screens.help import HelpWindow
from screens.mesh_screen import MeshScreen
from screens.messages import (
    CauseOpened,
    DiagnosisMade,
    FilesRead,
    NamespaceOpened,
    ProxyOpened,
    ReadFailed,
    SnapshotTaken,
)
from screens.namespace import NamespaceScreen
from screens.overview import OverviewScreen
from screens.places import PLACES
from screens.proxy import ProxyScreen
from screens.state import MeshState, Phase
from screens.theme import DARK, LIGHT
from screens.widgets.plain_text import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.binding import BindingType
    from textual.screen import Screen

    from meshdoctor.session import Session

_PROGRESS_EVERY = 8
"""Tell the screen of every so many files: more often only costs time."""
_TICK = 0.5
"""Seconds between two looks at the clock, while a person waits."""


class _Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """The person does not want to wait any longer."""


class MeshdoctorApp(App[None]):
    """Diagnose one session: reading streams in behind the first paint."""

    TITLE = "meshdoctor"
    # Textual loads a screen's own style when it is pushed, which the first one never is.
    CSS_PATH: ClassVar[list[Any]] = ["../screens/app.tcss", "../screens/overview.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.GO, *keymap.APP]
    COMMANDS: ClassVar[set[Any]] = {MeshCommands}
    # The registry of keys binds the palette itself, to the colon as well.
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, clock: Callable[[], float] = monotonic) -> None:
        """Look at a session; nothing is read before the first paint.

        Args:
            session: what to look at.
            clock: tells seconds, for how long a person has been waiting.
        """
        super().__init__()
        self.session = session
        # Over a slow line every frame of an animation is a wait.
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        changed: Signal[MeshState] = Signal(self, "state")
        self.state = MeshState(session.source.name, changed, clock, started=clock())

    def get_default_screen(self) -> Screen[Any]:
        """The overview is the bottom of the stack."""
        return OverviewScreen(self.state)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[Any]:
        """None of Textual's own: the palette has the app's commands only."""
        del screen
        return ()

    def on_mount(self) -> None:
        """Begin to read as soon as the first screen has been painted."""
        self.call_after_refresh(self.begin_reading)
        self.set_interval(_TICK, self._tick)

    def _tick(self) -> None:
        if self.state.is_busy:
            self.state.changed.publish(self.state)

    def begin_reading(self) -> None:
        """Read the source and diagnose it; what is shown stays until that is done."""
        self.state.phase, self.state.failure = Phase.READING, ""
        self.state.started, self.state.files_read = self.state.clock(), 0
        self.state.changed.publish(self.state)
        self._read(again=self.state.snapshot is not None)

    @work(thread=True, exclusive=True, group="read", exit_on_error=False)
    def _read(self, *, again: bool) -> None:
        """Read and diagnose; tells the app by messages only."""
        # Imported here, behind the first paint: parsers, analyzers and yaml take 0.3 s.
        from meshdoctor.recording.archive_model import RecordingError

        worker = get_current_worker()

        def progress(what: str, count: int) -> None:
            if worker.is_cancelled:
                raise _Cancelled
            if count % _PROGRESS_EVERY == 0:
                self.post_message(FilesRead(what, count))

        if again:
            self.session.forget()
        try:
            snapshot = self.session.snapshot(progress)
        except RecordingError as error:
            self.post_message(ReadFailed(str(error)))
            return
        except _Cancelled:
            return
        if not worker.is_cancelled:
            self.post_message(SnapshotTaken(snapshot))
            diagnosis = self.session.diagnosis()
        if not worker.is_cancelled:
            self.post_message(DiagnosisMade(snapshot, diagnosis))

    @on(FilesRead)
    def _files_read(self, event: FilesRead) -> None:
        if self.state.phase is Phase.READING:
            self.state.reading, self.state.files_read = event.what, event.count
            self.state.changed.publish(self.state)

    @on(SnapshotTaken)
    def _snapshot_taken(self) -> None:
        self.state.phase = Phase.DIAGNOSING
        self.state.changed.publish(self.state)

    @on(DiagnosisMade)
    def _diagnosis_made(self, event: DiagnosisMade) -> None:
        self.state.snapshot, self.state.diagnosis = event.snapshot, event.diagnosis
        self.state.phase = Phase.READY
        if self.state.namespace not in event.diagnosis.namespaces:
            self.state.namespace = ""
        self.state.changed.publish(self.state)

    @on(ReadFailed)
    def _read_failed(self, event: ReadFailed) -> None:
        self.state.phase = Phase.FAILED
        if self.state.diagnosis is None:
            self.state.failure = event.reason
        # Errors stay until they are dismissed.
        self.notify(
            lines(event.reason), title="Not read", severity="error", timeout=3600, markup=False
        )
        self.state.changed.publish(self.state)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        # A fault of ours in a worker is said on the screen; it never kills the app.
        if event.state is WorkerState.ERROR:
            self.post_message(ReadFailed(f"meshdoctor itself failed: {event.worker.error!r}"))

    @on(CauseOpened)
    def _cause_opened(self, event: CauseOpened) -> None:
        self.action_go("diagnosis")
        if isinstance(self.screen, DiagnosisScreen):
            self.call_after_refresh(self.screen.choose, event.cause)

    @on(ProxyOpened)
    def _proxy_opened(self, event: ProxyOpened) -> None:
        self.push_screen(ProxyScreen(self.state, event.proxy_id, event.tab))

    @on(NamespaceOpened)
    def _namespace_opened(self, event: NamespaceOpened) -> None:
        self.push_screen(NamespaceScreen(self.state, event.name))

    def action_go(self, place: str) -> None:
        """Go to a screen: back to it where it is on the stack, else on top of the overview."""
        wanted = PLACES[place].screen
        while len(self.screen_stack) > 1 and type(self.screen) is not wanted:
            self.pop_screen()
        if type(self.screen) is not wanted:
            self.push_screen(wanted(self.state))

    def action_step_back(self) -> None:
        """Clear the filter, else go back one screen; on the overview, stop reading."""
        if isinstance(self.screen, MeshScreen) and self.screen.clear_filter():
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.state.is_busy:
            self._stop_reading()

    def _stop_reading(self) -> None:
        self.workers.cancel_group(self, "read")
        self.state.phase = Phase.FAILED
        if self.state.diagnosis is None:
            number = self.state.files_read
            self.state.failure = f"Stopped after {number} files, nothing was diagnosed. r reads it."
        self.notify("Reading was stopped", timeout=6, severity="warning")
        self.state.changed.publish(self.state)

    def action_read_again(self) -> None:
        """Read and diagnose again; cursor and filter stay where they are."""
        if not self.state.is_busy:
            self.begin_reading()

    def action_leave(self) -> None:
        """Back one screen; on the overview, quit."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.exit()

    def action_help(self) -> None:
        """The keys of this screen."""
        if isinstance(self.screen, MeshScreen):
            self.push_screen(HelpWindow(self.screen))
