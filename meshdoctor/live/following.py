"""Keep a live mesh current: watch its objects, read again what istiod pushed to since."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.rereading import Rereading
from meshdoctor.collect.sync_changes import changed_proxies
from meshdoctor.collect.watch import follow as watch_objects
from meshdoctor.live.asking import collect_options
from meshdoctor.live.planning import planned
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import is_istiod
from meshdoctor.model.source_error import SourceError
from meshdoctor.parse.errors import ParseError
from meshdoctor.source import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from meshdoctor.collect.artifact import Artifact
    from meshdoctor.collect.transport import Transport
    from meshdoctor.live.mesh_reader import MeshReader
    from meshdoctor.model.resource import Resource
    from meshdoctor.source import Listener

_LOOK_EVERY = 0.2
_SETTLE = 1.0
"""Seconds after a change in which istiod usually pushes what follows from it."""
_SHARE = 3
"""Reading again may take at most one part in this many of the time."""
_BEAT = 5.0
"""Seconds between two words that nothing changed."""
_LATER = 10.0
"""Seconds after which istiod is asked once more, for a push that came late."""


async def follow(reader: MeshReader, listener: Listener) -> None:
    """Follow until the listener wants to stop; each change is told by ``so_far``.

    Raises:
        SourceError: the cluster is lost.
    """
    reader.intake.listener = listener
    async with reader.connected() as api:
        await _Following(reader, listener, api).run()


@dataclass(slots=True)
class _Chore:
    """Something that is done again and again, never twice at once."""

    is_due: Callable[[], bool]
    work: Callable[[], Coroutine[Any, Any, None]]
    task: asyncio.Task[None] | None = None

    def tend(self) -> None:
        """See whether it is done, and whether it is time for it again; what it raised is raised."""
        if self.task is not None and self.task.done():
            done, self.task = self.task, None
            done.result()
        if self.task is None and self.is_due():
            self.task = asyncio.ensure_future(self.work())


@dataclass(slots=True)
class _Following:
    """One mesh while it is followed."""

    reader: MeshReader
    listener: Listener
    api: Transport
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _lost: list[str] = field(default_factory=list)
    _again_at: float | None = None
    _next_beat: float = 0.0

    async def run(self) -> None:
        """Watch, read again and see whether the cluster lives, side by side: none waits.

        Raises:
            SourceError: the cluster is lost, or nothing of it can be watched.
        """
        watching = asyncio.ensure_future(
            watch_objects(self.api, self.reader.intake.lists, self._take, on_lost=self._note_lost)
        )
        chores = (_Chore(self._is_due, self._refresh), _Chore(self._is_beat, self._heartbeat))
        try:
            while not self.listener.wants_to_stop():
                if watching.done():
                    watching.result()
                    raise SourceError(f"nothing can be watched: {'; '.join(self._lost[:1])}")
                await asyncio.sleep(_LOOK_EVERY)
                for chore in chores:
                    chore.tend()
        finally:
            running = [watching, *(chore.task for chore in chores if chore.task is not None)]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _is_beat(self) -> bool:
        return monotonic() >= self._next_beat

    async def _heartbeat(self) -> None:
        """Say now and then that watching goes on: what was read before is still so.

        Watches that break are opened again and again: only asking tells whether anybody answers.
        """
        await self.api.reach()
        self._next_beat = monotonic() + _BEAT
        kinds = len(self.reader.intake.lists)
        self.listener.progress(Progress("watched", "objects", kinds - len(self._lost), kinds))

    def _take(self, artifact: Artifact) -> None:
        self.reader.intake.keep(artifact)
        self._changed.set()

    def _note_lost(self, path: str, error: ReadError) -> None:
        self._lost.append(f"{path}: {error.reason}")
        # It was read, and is as true as that: what is missing is what has changed since.
        self.reader.intake.miss(f"watch/{path}", error)

    def _is_due(self) -> bool:
        late = self._again_at is not None and monotonic() >= self._again_at
        return self._changed.is_set() or late

    async def _refresh(self) -> None:
        """Read what changed, then tell; a change meanwhile brings the next round."""
        late = not self._changed.is_set()
        if not late:
            # Show the objects at once; the proxies need a moment to be told by istiod.
            self._drop_gone()
            self._tell()
            await asyncio.sleep(_SETTLE)
        self._changed.clear()
        self._again_at = None if late else monotonic() + _LATER
        began = monotonic()
        if await self._read_again():
            self._tell()
        await asyncio.sleep(min(30.0, (monotonic() - began) * (_SHARE - 1)))

    async def _read_again(self) -> bool:
        """Istiods first; then the proxies that they pushed to, that are new, or that failed."""
        reader, intake = self.reader, self.reader.intake
        before, missing = dict(intake.syncz), dict(intake.missing)
        plan = planned(reader)
        rereading = Rereading(self.api, intake, collect_options(reader.options))
        await rereading.read([pod for pod in self._pods() if is_istiod(pod)])
        pushed: set[tuple[str, str]] = set()
        for path, after in intake.syncz.items():
            try:
                pushed |= changed_proxies(before.get(path, b"[]"), after)
            except ParseError:
                # It is in the snapshot's not-read list already.
                continue
        known = reader.plan.names
        reader.plan = plan
        again = [
            pod
            for pod in plan.pods
            if (pod.namespace, pod.name) in pushed or (pod.namespace, pod.name) not in known
        ]
        await rereading.read(again)
        return bool(again) or before != intake.syncz or missing != intake.missing

    def _pods(self) -> tuple[Resource, ...]:
        return self.reader.intake.assembly.resources.get(POD, ("", ()))[1]

    def _drop_gone(self) -> None:
        """Forget proxies, istiods and ztunnels whose pods are gone."""
        there = {(pod.namespace, pod.name) for pod in self._pods()}
        assembly = self.reader.intake.assembly
        for room in ("proxies", "istiod", "ztunnels"):
            gone = [name for name in assembly.parts_of(room) if name not in there]
            for namespace, name in gone:
                self.reader.intake.drop(room, namespace, name)

    def _tell(self) -> None:
        self.listener.so_far(self.reader.snapshot())
