"""Where a candidate's writes go: one at a time, beside the app's loop, and each can be undone."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from meshdoctor.drill.edits import EditError
from meshdoctor.drill.manifests import ManifestError
from screens.drill_time import time_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meshdoctor.drill.edits import Edit
    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.play import Play
    from meshdoctor.drill.world import Moment
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.cluster import Cluster
    from screens.state import MeshState

    Writing = Callable[[Cluster], Iterable[Edit]]
    """Makes the edits of what was typed; they are read and written in one go."""

UNCHANGED = "nothing was changed"


class Desk:
    """One attempt's mesh, written to and looked at; the state follows each write."""

    def __init__(self, play: Play, state: MeshState) -> None:
        """Write to a play's mesh.

        Args:
            play: the attempt.
            state: what the screens look at; it is told after each write.
        """
        self.play = play
        self.state = state
        self.doing = ""
        """What is being done now; empty for nothing."""
        self._done: list[tuple[str, Moment]] = []

    @property
    def edits(self) -> int:
        """How many writes can be undone."""
        return len(self._done)

    def banner(self) -> str:
        """What the header says: the drill, the time that is left, what is being done."""
        doing = f" · {self.doing}…" if self.doing else ""
        return f"drill {self.play.drill.id} · {time_left(self.play)}{doing}"

    async def look(self) -> None:
        """Look at the mesh as it stands."""
        await self._beside("looking at the mesh", lambda: "")

    async def write(self, doing: str, done: str, writing: Writing) -> str:
        """Write, and let the controllers settle.

        Args:
            doing: what is being done, as in "applying".
            done: what it was, for whoever undoes it.
            writing: makes the edits.

        Returns:
            Why it was refused, in which case nothing was written; empty when it was made.
        """
        return await self._beside(doing, partial(self._write, done, writing))

    async def undo(self) -> str:
        """Take the last write back; what it was, empty when there is none."""
        if not self._done:
            return ""
        done, moment = self._done[-1]
        if await self._beside("undoing", partial(self._go_back, moment)):
            return ""
        self._done.pop()
        return done

    async def start_over(self) -> str:
        """Put the mesh back as it was at the beginning; why not, empty when it was done."""
        why = await self._beside("starting over", partial(self._go_back, self.play.world.first))
        if not why:
            self._done.clear()
        return why

    async def grade(self) -> Grade:
        """Grade the mesh as it stands."""
        self._begin("grading")
        try:
            return await asyncio.to_thread(self.play.grade)
        finally:
            self._end()

    def _begin(self, doing: str) -> None:
        self.doing = doing
        self.state.changed.publish(self.state)

    def _end(self) -> None:
        self.doing = ""
        self.state.changed.publish(self.state)

    async def _beside(self, doing: str, work: Callable[[], str]) -> str:
        """Work in a thread, then show the mesh as it stands; why the work was refused."""
        if self.doing:
            return f"wait a moment: {self.doing}"
        self._begin(doing)
        try:
            why, mesh, diagnosis = await asyncio.to_thread(self._work, work)
            if mesh is not self.state.snapshot:
                self.state.show(mesh, diagnosis, whole=True, arrived=self.state.clock())
        except Exception as error:
            why = f"meshdoctor itself failed: {error!r}"
        finally:
            self._end()
        return why

    def _work(self, work: Callable[[], str]) -> tuple[str, Snapshot, Diagnosis]:
        # Imported here: it takes a moment, which the first paint need not wait for.
        from meshdoctor.drill.unjudged import unjudged

        why = work()
        mesh = self.play.world.snapshot()
        return why, mesh, unjudged(mesh)

    def _write(self, done: str, writing: Writing) -> str:
        world = self.play.world
        moment = world.moment()
        try:
            for edit in writing(world.cluster):
                edit.apply(world.cluster)
        except (EditError, ManifestError) as error:
            world.go_back(moment)
            return str(error)
        if world.objects is moment.objects:
            return UNCHANGED
        self._done.append((done, moment))
        return ""

    def _go_back(self, moment: Moment) -> str:
        self.play.world.go_back(moment)
        return ""
