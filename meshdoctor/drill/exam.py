"""An exam as data: the tasks that were drawn, how far the candidate is, and what it came to."""

from __future__ import annotations

# msgspec looks the types of the fields up at run time.
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from meshdoctor.drill.drill import Domain
from meshdoctor.drill.grader import Grade

TASKS = 16
"""As many as the exam of today has, roughly."""
MINUTES = 120
PASS_MARK = 68
"""Percent, as the Linux Foundation sets it for the Istio Certified Associate exam since 2025."""


class ExamError(ValueError):
    """An exam that cannot be held; the message is one line."""


class TaskState(StrEnum):
    """How far the candidate is with a task."""

    NOT_OPENED = "not opened"
    OPENED = "opened"
    DONE = "done"
    """By the candidate's own word; the mesh is graded as it stands all the same."""


class Ending(StrEnum):
    """Why an exam ended."""

    HANDED_IN = "handed in"
    TIME_UP = "time up"


@dataclass(frozen=True, slots=True)
class Task:
    """One task of an exam."""

    drill: str
    """Its id."""
    domain: Domain
    worth: float
    """Percent of the exam."""
    state: TaskState = TaskState.NOT_OPENED
    is_flagged: bool = False
    """The candidate wants to come back to it."""
    seconds: float = 0.0
    """How long it was open."""
    hypothesis: str | None = None
    """The root cause that the candidate committed to, by id."""
    grade: Grade | None = None
    """Of the mesh as the candidate last left it; None before, and while it is open."""

    @property
    def points(self) -> int:
        """Of 100; 0 for what was never opened."""
        return self.grade.points if self.grade is not None else 0


@dataclass(frozen=True, slots=True)
class Exam:
    """One exam, under way or over."""

    id: str
    seed: int
    """Draws the same tasks again, as long as the drills are the same."""
    minutes: int
    began: datetime
    tasks: tuple[Task, ...]
    used: float = 0.0
    """Seconds; they run only while the exam is open."""
    sittings: int = 1
    """One more each time it was gone on with."""
    ended: datetime | None = None
    ending: Ending | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was handed in, or its time is up."""
        return self.ended is not None


def resumed(exam: Exam) -> Exam:
    """An exam that is gone on with in a further sitting."""
    return replace(exam, sittings=exam.sittings + 1)
