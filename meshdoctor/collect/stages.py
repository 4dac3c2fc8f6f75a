"""Progress of a collection, stage by stage: what is done, and what was not when it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.collect.api import Step
from meshdoctor.collect.read_reasons import timed_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.collect.api import Sink

OBJECTS, ISTIOD, PROXIES, LOGS, ZTUNNELS = "objects", "istiod", "proxies", "logs", "ztunnels"
_MISSED = {ISTIOD: "istiod", PROXIES: "proxies", LOGS: "logs", ZTUNNELS: "ztunnels"}
"""What a stage's line is about when it was not finished, as a folder of a recording."""


@dataclass(slots=True)
class Stages:
    """How many of how many are done, stage by stage."""

    sink: Sink
    totals: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)

    def expect(self, stage: str, number: int) -> None:
        """Add to what a stage has to do."""
        self.totals[stage] = self.totals.get(stage, 0) + number
        self.finished.setdefault(stage, 0)

    def done(self, stage: str, what: str) -> None:
        """One thing of a stage is finished, read or not."""
        self.finished[stage] = self.finished.get(stage, 0) + 1
        self.sink.step(Step(stage, what, self.finished[stage], self.totals.get(stage, 0)))

    def unfinished(self) -> Iterable[tuple[str, int, int]]:
        """Each stage that has something left, how much, and of how many."""
        for stage, total in self.totals.items():
            left = total - self.finished.get(stage, 0)
            if left > 0:
                yield stage, left, total

    def say_unfinished(self, why: str) -> None:
        """Tell the sink, one line a stage, what was not read when the collection was ended.

        Objects are left out: each kind has a line of its own.

        Args:
            why: ``interrupted``, or that the time was up.
        """
        for stage, left, total in self.unfinished():
            if stage in _MISSED:
                words = f"{left} of {total} were not read to the end: {why}"
                self.sink.miss(_MISSED[stage], timed_out(words))
