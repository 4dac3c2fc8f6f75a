"""Following a live mesh after it was read once; a lost cluster is tried again, ever more rarely."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.worker import WorkerError

from meshdoctor.app.diagnosing import Taken
from meshdoctor.app.listening import ThreadListener
from meshdoctor.model.source_error import SourceError
from screens.state import Following

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.worker import Worker

    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.model.snapshot import Snapshot

_PATIENCE = 2.0
"""Seconds that one waits for a follower to end before everything is read anew."""
_LOST = "Following stopped: what was read stays"
_SAID_FOR = 15
"""Seconds; the header says it for as long as it is so."""


class Follower:
    """Keeps what is shown current, until it is paused or everything is read anew."""

    FIRST_WAIT: ClassVar[float] = 2.0
    """Seconds before a lost cluster is tried again for the first time."""
    LONGEST_WAIT: ClassVar[float] = 60.0

    def __init__(self, app: MeshdoctorApp) -> None:
        """Follow for an app."""
        self._app = app
        self._state = app.state
        self.listener: ThreadListener | None = None
        """Whom the source tells; None while it is not followed."""
        self._worker: Worker[None] | None = None
        self._wait = 0.0
        self._said = ""

    def start(self) -> None:
        """Follow from now on, unless that is paused or there is nothing to follow."""
        state = self._state
        if self.listener or not state.is_live or state.following is Following.PAUSED:
            return
        self.listener = ThreadListener(self._app.post_message)
        self._wait = 0.0
        self._said = ""
        self._worker = self._app.run_worker(
            self._follow(self.listener), group="follow", exit_on_error=False
        )

    async def stop(self) -> None:
        """Follow no longer; waits a little for the source to notice."""
        worker = self._end()
        if worker is not None:
            with suppress(TimeoutError, WorkerError):
                await asyncio.wait_for(worker.wait(), _PATIENCE)
            worker.cancel()

    def toggle(self) -> None:
        """Pause, or go on."""
        if self._state.following is Following.PAUSED:
            self._state.following = Following.OFF
            self.start()
        else:
            self._end()
            self._state.following = Following.PAUSED
        self._app.changed(now=True)

    def _end(self) -> Worker[None] | None:
        worker, self._worker = self._worker, None
        if self.listener is not None:
            self.listener.stop()
            self.listener = None
        if worker is not None and self._state.following is Following.LOST:
            # It only waits for its next try.
            worker.cancel()
        if self._state.following is not Following.PAUSED:
            self._state.following = Following.OFF
        return worker if worker is not None and worker.is_running else None

    def heard(self) -> None:
        """The cluster answers: what is shown is how the mesh is."""
        self._is_back()
        self._state.current_at = self._state.clock()

    def so_far(self, snapshot: Snapshot) -> None:
        """Have what has changed diagnosed."""
        self._is_back()
        taken = Taken(snapshot, whole=True, ends_reading=False, arrived=self._state.clock())
        self._app.diagnoser.offer(taken)

    def _is_back(self) -> None:
        self._wait = 0.0
        if self._said:
            self._said = ""
            self._app.notify("The cluster answers again", timeout=3)

    def lost(self, read_again: Callable[[], None]) -> None:
        """Reading anew came to nothing: try that again, ever more rarely, until it succeeds."""
        if self._state.following is not Following.PAUSED:
            self._is_lost()
            self._worker = self._app.run_worker(
                self._after_wait(read_again), group="follow", exit_on_error=False
            )

    async def _after_wait(self, read_again: Callable[[], None]) -> None:
        await asyncio.sleep(self._wait)
        read_again()

    def _is_lost(self) -> None:
        self._wait = min(max(2 * self._wait, self.FIRST_WAIT), self.LONGEST_WAIT)
        self._state.following = Following.LOST
        self._state.retry_at = self._state.clock() + self._wait

    async def _follow(self, listener: ThreadListener) -> None:
        while (reason := await self._try(listener)) and not listener.wants_to_stop():
            self._is_lost()
            if reason != self._said:
                self._said = reason
                self._app.say_error(reason, _LOST, timeout=_SAID_FOR)
            self._app.changed(now=True)
            await asyncio.sleep(self._wait)
        if listener is self.listener:
            # The source has nothing more to tell.
            self.listener, self._state.following = None, Following.OFF
            self._app.changed(now=True)

    async def _try(self, listener: ThreadListener) -> str:
        """Follow until it ends; why it failed, or nothing when it did not."""
        source, threads = self._app.session.source, self._app.threads
        try:
            if self._wait:
                await threads.run(source.check, "check")
            if listener.wants_to_stop():
                return ""
            self._state.following = Following.ON
            self._app.changed(now=True)
            await threads.run(partial(source.follow, listener), "follow")
        except SourceError as error:
            return str(error)
        except Exception as error:
            return f"meshdoctor itself failed: {error!r}"
        return ""
