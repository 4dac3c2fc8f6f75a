"""Diagnosing beside reading: one snapshot at a time, the newest wins."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot

_REST = 2.0
"""So many times as long as a partial diagnosis took, reading has the processor for itself."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that waits to be diagnosed."""

    snapshot: Snapshot
    whole: bool
    """It holds everything that can be read."""
    ends_reading: bool
    """Nothing more will come of this reading."""
    arrived: float
    """When it came, by the clock of the state."""

    @property
    def is_urgent(self) -> bool:
        """Whether a person waits for it: not so while more is being read."""
        return self.whole or self.ends_reading


class Diagnoser:
    """Diagnoses what it is offered; a newer snapshot takes the place of one that still waits."""

    def __init__(self, app: MeshdoctorApp) -> None:
        """Diagnose for an app, whose reader is told."""
        self._app = app
        self._next: Taken | None = None
        self._urgent = asyncio.Event()
        self._is_working = False
        self._generation = 0

    def offer(self, taken: Taken) -> None:
        """Have a snapshot diagnosed as soon as the one before is done."""
        if self._app.is_leaving:
            return
        self._next = taken
        if taken.is_urgent:
            self._urgent.set()
        if not self._is_working:
            self._is_working = True
            self._app.run_worker(self._work(), group="diagnose", exit_on_error=False)

    def forget(self) -> None:
        """Nobody wants to know any more what is being made."""
        self._next = None
        self._generation += 1

    async def _work(self) -> None:
        try:
            while (taken := self._next) is not None:
                self._next = None
                self._urgent.clear()
                began = monotonic()
                await self._diagnose(taken, self._generation)
                if not taken.is_urgent:
                    await self._rest(_REST * (monotonic() - began))
        finally:
            self._is_working = False

    async def _diagnose(self, taken: Taken, generation: int) -> None:
        made: Diagnosis | Exception
        try:
            made = await self._app.threads.run(partial(self._made, taken.snapshot), "diagnose")
        except Exception as error:
            made = error
        if generation != self._generation:
            return
        if isinstance(made, Exception):
            self._app.reader.not_diagnosed(taken, made)
        else:
            self._app.reader.diagnosed(taken, made)

    def _made(self, snapshot: Snapshot) -> Diagnosis:
        """In a thread; the only place that turns the session to another snapshot."""
        session = self._app.session
        session.take(snapshot)
        return session.diagnosis()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._urgent.wait(), seconds)
