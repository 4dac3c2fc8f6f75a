"""One live read: collect under a deadline, and tell what there is so far."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from meshdoctor.live.intake import Intake
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener

_LOOK_EVERY = 0.1
"""Seconds between two looks at the clock and at the person."""
_FIRST_SO_FAR = 1.0
"""Seconds after which a first verdict is worth its cost."""
_GRACE = 3.0
"""Seconds that collectors have to leave in order once they are told to stop."""
_SHARE = 5
"""A snapshot so far may take at most one part in this many of the time."""


@dataclass(slots=True)
class Reading:
    """Runs a collection to its end, its deadline, or the person's wish."""

    intake: Intake
    listener: Listener
    snapshot: Callable[[], Snapshot]
    """Makes a snapshot of what is there so far."""
    deadline: float | None
    """Seconds for everything."""
    began: float = field(default_factory=monotonic)
    """When these seconds began, by the monotonic clock."""
    stopped: str = ""
    """Why it ended early; empty when it did not."""
    _next_so_far: float = _FIRST_SO_FAR

    async def run(self, collection: Coroutine[Any, Any, Any]) -> None:
        """Run a collection; when it is stopped, what it has read stays in the intake.

        Raises:
            SourceError: nothing can be read at all.
        """
        task = asyncio.ensure_future(collection)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_EVERY)
                if not task.done():
                    self._look()
                if self.stopped:
                    break
        except asyncio.CancelledError:
            # Ctrl-C reaches the loop as the cancellation of its main task.
            self.stopped = "interrupted"
        if not task.done():
            task.cancel(self.stopped)
            await asyncio.wait({task}, timeout=_GRACE)
        if task.done() and not task.cancelled():
            task.result()

    def _look(self) -> None:
        elapsed = monotonic() - self.began
        if self.listener.wants_to_stop():
            self.stopped = "interrupted"
        elif self.intake.cannot_record:
            self.stopped = "it cannot be written"
        elif self.deadline is not None and elapsed >= self.deadline:
            self.stopped = f"the time was up ({self.deadline:g}s)"
        elif elapsed >= self._next_so_far and self._worth_telling():
            self.listener.so_far(self.snapshot())
            cost = monotonic() - self.began - elapsed
            self._next_so_far = elapsed + max(1.0, _SHARE * cost)

    def _worth_telling(self) -> bool:
        """Objects are there, and some proxies: less than that proves nothing."""
        if self.intake.writer is not None or not self.listener.wants_so_far():
            return False
        done, total = self.intake.stages.get("proxies", (0, 0))
        objects = self.intake.stages.get("objects", (0, 1))
        return objects[0] == objects[1] and 0 < done < total
