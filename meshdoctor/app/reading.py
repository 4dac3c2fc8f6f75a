"""Reading the source once: what comes on the way is diagnosed and shown, esc keeps it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from meshdoctor.app.diagnosing import Taken
from meshdoctor.app.listening import ThreadListener
from meshdoctor.model.source_error import SourceError
from screens.nothing import cannot_be_read
from screens.state import Phase

if TYPE_CHECKING:
    from textual.worker import Worker

    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot


class Reader:
    """Reads everything of the session's source, at most once at a time."""

    def __init__(self, app: MeshdoctorApp) -> None:
        """Read for an app."""
        self._app = app
        self._state = app.state
        self.listener: ThreadListener | None = None
        """Whom the source tells; None while nothing is read."""
        self._heard: ThreadListener | None = None
        """Whose snapshots count: also after reading has failed, those that were on their way."""
        self._worker: Worker[None] | None = None
        self._said = ""
        """Why reading failed last: tries that fail alike are not told again."""

    def begin_anew(self) -> None:
        """Read everything because a person wants it: whatever fails is told."""
        self._said = ""
        self.begin()

    def begin(self) -> None:
        """Read everything; what is shown stays until that is done."""
        self._state.begin()
        self.listener = self._heard = ThreadListener(self._app.post_message)
        self._worker = self._app.run_worker(
            self._read(self.listener), group="read", exclusive=True, exit_on_error=False
        )
        self._app.changed(now=True)

    def stop(self) -> None:
        """The first time, ask to end with what there is; the second time, do not wait for that."""
        if self.listener is not None and not self._state.stopping:
            self._state.stopping = True
            self.listener.stop()
        else:
            self._abandon()
        self._app.changed(now=True)

    def so_far(self, listener: ThreadListener, snapshot: Snapshot) -> None:
        """Have what was read so far diagnosed, unless something better has come already."""
        if listener is self._heard and not self._state.is_whole:
            self._offer(snapshot, whole=False, ends_reading=False)

    def _offer(self, snapshot: Snapshot, *, whole: bool, ends_reading: bool) -> None:
        arrived = self._state.clock()
        self._app.diagnoser.offer(Taken(snapshot, whole, ends_reading, arrived))

    async def _read(self, listener: ThreadListener) -> None:
        await self._app.follower.stop()
        source = self._app.session.source
        try:
            snapshot = await self._app.threads.run(partial(source.read, listener), "read")
        except SourceError as error:
            self._failed(str(error), was_stopped=listener.wants_to_stop())
        except Exception as error:
            self._failed(f"meshdoctor itself failed: {error!r}", was_stopped=False)
        else:
            self._came(snapshot, was_stopped=listener.wants_to_stop())
        self.listener = None
        self._app.changed(now=True)

    def _came(self, snapshot: Snapshot, *, was_stopped: bool) -> None:
        self._heard = None
        if was_stopped and self._state.is_whole:
            # Everything, though older, is worth more than the beginning of something newer.
            self._ended(Phase.READY)
            self._app.follower.start()
            return
        if was_stopped:
            self._app.notify("Reading was stopped", timeout=6, severity="warning")
        self._state.phase = Phase.DIAGNOSING
        self._offer(snapshot, whole=not was_stopped, ends_reading=True)

    def diagnosed(self, taken: Taken, diagnosis: Diagnosis) -> None:
        """Show what the diagnoser has made."""
        state = self._state
        state.show(taken.snapshot, diagnosis, whole=taken.whole, arrived=taken.arrived)
        # Reading may have failed meanwhile: half an answer is better than none.
        state.failure = ""
        if taken.ends_reading:
            state.phase, state.stopping = Phase.READY, False
            self._said = ""
            if taken.whole:
                self._app.follower.start()
            self._app.refresh_bindings()
        self._app.changed(now=True)

    def not_diagnosed(self, taken: Taken, error: Exception) -> None:
        """Say that meshdoctor itself failed; while more is being read, the next may succeed."""
        if taken.is_urgent:
            self.failed(f"meshdoctor itself failed: {error!r}")

    def failed(self, reason: str) -> None:
        """Say why reading came to nothing; what was shown stays."""
        state = self._state
        state.phase, state.stopping = Phase.FAILED, False
        if state.diagnosis is None:
            state.failure = cannot_be_read(reason, state)
        if reason != self._said:
            self._said = reason
            self._app.say_error(reason, "Not read")
        self._app.changed(now=True)

    def _failed(self, reason: str, *, was_stopped: bool) -> None:
        if was_stopped:
            self._ended(Phase.FAILED)
            return
        self.failed(reason)
        if self._state.is_live and self._state.is_whole:
            self._app.follower.lost(self.begin)

    def _abandon(self) -> None:
        """Do not wait for what is under way; whatever it comes to is not looked at."""
        if self._worker is not None:
            self._worker.cancel()
        self.listener = self._heard = None
        self._app.diagnoser.forget()
        self._ended(Phase.FAILED)

    def _ended(self, phase: Phase) -> None:
        state = self._state
        state.phase, state.stopping = phase, False
        if state.diagnosis is None:
            number = state.files_read
            read = f"{number} files, " if number or not state.is_live else ""
            state.failure = f"Stopped after {read}nothing was diagnosed. r reads it."
            if not read:
                state.failure = "Stopped, nothing was diagnosed. r reads it."
        self._app.notify("Reading was stopped", timeout=6, severity="warning")
