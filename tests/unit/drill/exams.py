"""Drills by the dozen for tests of exams, made of the bundled ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meshdoctor.drill.drill import Domain, Drill
from meshdoctor.drill.exam_draw import drawn_exam
from meshdoctor.drill.exam_files import ExamFiles
from meshdoctor.drill.library import drill_for
from meshdoctor.drill.sitting import Sitting

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.drill.exam import Exam
    from meshdoctor.drill.grader import Grader

BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)


def model(name: str = "D08") -> Drill:
    """A bundled drill."""
    found = drill_for(name)
    assert found is not None
    return found


def library(each: int = 13) -> tuple[Drill, ...]:
    """As many drills of each domain, every one with a cause of its own."""
    pattern = model()
    return tuple(
        replace(
            pattern,
            id=f"D{100 * (place + 1) + number}",
            title=f"The secret of {domain} {number}",
            task=f"Task {number} of {domain}: mend what clients of reviews see in the shop.",
            domain=domain,
            weight=4 + number % 4,
            causes=(f"cause-{place}-{number}",),
        )
        for place, domain in enumerate(Domain)
        for number in range(each)
    )


@dataclass
class Clock:
    """Time that passes when it is told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds

    def now(self) -> datetime:
        """The time of day."""
        return BEGAN + timedelta(seconds=self.seconds - 1000.0)


@dataclass
class Held:
    """An exam in a folder of its own."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    drills: tuple[Drill, ...] = field(default_factory=library)
    grader: Grader | None = None

    @property
    def files(self) -> ExamFiles:
        """Where it is kept."""
        return ExamFiles(self.folder)

    def begin(self, tasks: int = 16, seed: int = 7) -> Sitting:
        """Begin an exam."""
        return self.sit(drawn_exam(self.drills, BEGAN, seed=seed, tasks=tasks))

    def sit(self, exam: Exam) -> Sitting:
        """Sit an exam."""
        return Sitting(
            exam,
            self.files,
            library=self.drills,
            clock=self.clock,
            now=self.clock.now,
            grader=self.grader,
        )


def mend(sitting: Sitting, index: int) -> None:
    """Open a task, apply its reference fix, and say that it is done."""
    play = sitting.open(index)
    for edit in play.drill.reference.edits:
        edit.apply(play.world.cluster)
    sitting.leave(is_done=True)
