"""A live mesh made by hand: what it tells, and when, is played by the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING

from meshdoctor.app import MeshdoctorApp
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.session import Session
from meshdoctor.source import Progress, Saved
from screens.mesh_screen import MeshScreen
from tests.functional.scene import broken, mesh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.model.diagnosis import Diagnosis, Scope
    from meshdoctor.source import Listener

CONTEXT = "prod-eu"
LOST = "the API server of prod-eu does not answer: connection refused (10.0.0.1:6443)"
NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
OPEN = ("read", "follow", "save")
"""Groups of workers that wait for what the test plays next."""
END = "end"
"""Played: the call returns."""
HANG = "hang"
"""Played: the call does not even hear that it is to stop."""

Played = Progress | Snapshot | Exception | str


class Clock:
    """Seconds that pass when the test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.seconds


@dataclass
class LiveMade:
    """A cluster whose answers are played one after the other; each call waits for its own."""

    seen: Snapshot = field(default_factory=mesh)
    """What reading returns at its end, or when it is stopped."""
    name: str = CONTEXT
    is_live: bool = True
    reads: SimpleQueue[Played] = field(default_factory=SimpleQueue)
    follows: SimpleQueue[Played] = field(default_factory=SimpleQueue)
    saves: SimpleQueue[Played] = field(default_factory=SimpleQueue)
    times_read: int = 0
    times_followed: int = 0
    is_open: bool = True
    """False ends whatever hangs, when the test is over."""

    def check(self) -> None:
        """It can be asked."""

    def read(self, listener: Listener) -> Snapshot:
        """What is played, then the snapshot."""
        self.times_read += 1
        self._play(self.reads, listener)
        return self.seen

    def follow(self, listener: Listener) -> None:
        """What is played, until it is stopped."""
        self.times_followed += 1
        self._play(self.follows, listener)

    def save(self, path: Path, listener: Listener) -> Saved:
        """What is played, and a file of eleven bytes."""
        path.write_bytes(b"eleven byte")
        self._play(self.saves, listener)
        return Saved(path, files=212, size=1_234_567, redactions=14, not_read=3)

    def _play(self, queue: SimpleQueue[Played], listener: Listener) -> None:
        while self.is_open:
            try:
                played = queue.get(timeout=0.01)
            except Empty:
                if listener.wants_to_stop():
                    return
                continue
            if played == END:
                return
            if isinstance(played, Exception):
                raise played
            if isinstance(played, Progress):
                listener.progress(played)
            elif isinstance(played, Snapshot):
                listener.so_far(played)
            while played == HANG and self.is_open:
                sleep(0.01)


class LiveSession(Session):
    """A session on it whose diagnoses are made by hand: one for each snapshot, or the usual one."""

    source: LiveMade

    def __init__(self, source: LiveMade | None = None) -> None:
        """Look at a cluster."""
        super().__init__(source or LiveMade())
        self.made: dict[Snapshot, Diagnosis] = {}
        self.usual = broken()

    def diagnosis(self, scope: Scope | None = None) -> Diagnosis:
        """The diagnosis of the snapshot that was taken last."""
        del scope
        return self.made.get(self.snapshot(), self.usual)


def live_app(session: LiveSession, clock: Clock | None = None) -> MeshdoctorApp:
    """The app on a cluster, with a clock that the test turns."""
    return MeshdoctorApp(session, clock=clock or Clock(), now=lambda: NOW)


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until something holds; the test fails when it does not within ten seconds."""
    last = monotonic() + 10
    while not holds():
        assert monotonic() < last, "it never held"
        await pilot.pause(0.01)
    await quiet(pilot)


async def quiet(pilot: Pilot[None]) -> None:
    """Wait until every message has had its effect, whatever is still read or followed."""
    calm = 0
    while calm < 4:
        await pilot.pause(0.01)
        open_now = [worker for worker in pilot.app.workers if not worker.is_finished]
        calm = calm + 1 if all(worker.group in OPEN for worker in open_now) else 0


async def keys(pilot: Pilot[None], *pressed: str) -> None:
    """Press keys one after the other, each when the one before has had its effect."""
    for key in pressed:
        await pilot.press(key)
        await quiet(pilot)


def header(app: MeshdoctorApp) -> str:
    """What the header of the topmost screen with one says."""
    screen = next(each for each in reversed(app.screen_stack) if isinstance(each, MeshScreen))
    return str(screen.query_one("#header").render())
