"""What a person sees on stderr while a mesh is read: stages, counts, the first verdict."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Progress

_REDRAW_EVERY = 0.05
"""Seconds between two changes of the status line: more often only costs time."""


class Waiting:
    """A listener that keeps a status line, and says the first verdict when it is there."""

    def __init__(self, name: str, status: Status | None, scope: Scope | None) -> None:
        """Listen.

        Args:
            name: name of what is read.
            status: the line on a terminal; None when nobody watches.
            scope: what is being diagnosed; None when nothing is.
        """
        self._name, self._status, self._scope = name, status, scope
        self._began, self._drawn = monotonic(), 0.0
        self._stages: dict[str, Progress] = {}
        self._verdict = ""
        self._newest: Snapshot | None = None
        self._lock, self._done = Lock(), Event()
        self._thread: Thread | None = None

    def progress(self, progress: Progress) -> None:
        """Redraw the line, now and then."""
        self._stages[progress.stage] = progress
        now = monotonic()
        if self._status is not None and now - self._drawn >= _REDRAW_EVERY:
            self._drawn = now
            self._status.update(self.line())

    def line(self) -> str:
        """``Reading kind: objects 34, proxies 14/60, 3s (ctrl+c keeps what was read)``."""
        counts = ", ".join(
            f"{step.stage} {step.done}" + (f"/{step.total}" if step.total else "")
            for step in self._stages.values()
        )
        seconds = monotonic() - self._began
        verdict = f"\n  so far: {self._verdict}" if self._verdict else ""
        return (
            f"Reading {self._name}: {counts}, {seconds:.0f}s (ctrl+c uses what was read){verdict}"
        )

    def so_far(self, snapshot: Snapshot) -> None:
        """Diagnose what there is beside the reading; the newest snapshot wins."""
        with self._lock:
            self._newest = snapshot
            if self._thread is None:
                # A daemon: the answer must not wait for a guess at it.
                self._thread = Thread(target=self._diagnose, daemon=True, name="so far")
                self._thread.start()

    def wants_so_far(self) -> bool:
        """Until there is a first verdict; never where nothing is diagnosed."""
        return self._scope is not None and not self._verdict

    def wants_to_stop(self) -> bool:
        """Ctrl-C is heard by the reading loop itself."""
        return False

    def finish(self) -> None:
        """Say nothing more: the whole answer is there."""
        self._done.set()

    def _diagnose(self) -> None:
        from meshdoctor.diagnose.diagnosis import diagnose
        from meshdoctor.model.diagnosis import Scope

        while True:
            with self._lock:
                snapshot, self._newest = self._newest, None
                if snapshot is None or self._done.is_set():
                    self._thread = None
                    return
            found = diagnose(snapshot, self._scope or Scope())
            if found.root_causes and not self._verdict and not self._done.is_set():
                first = found.root_causes[0]
                self._verdict = f"{first.objects[0]}: {first.id}"
                read = f"{found.proxies_read} of {found.proxies_total} proxies read"
                click.echo(f"meshdoctor: so far ({read}): {self._verdict}", err=True)


@contextmanager
def waiting(name: str, scope: Scope | None = None) -> Iterator[Waiting]:
    """A listener for the time of reading; the status line only where a person watches."""
    if not sys.stderr.isatty():
        listener = Waiting(name, None, scope)
        try:
            yield listener
        finally:
            listener.finish()
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(f"Reading {name}…") as status:
        listener = Waiting(name, status, scope)
        try:
            yield listener
        finally:
            listener.finish()
