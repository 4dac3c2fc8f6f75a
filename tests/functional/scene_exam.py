"""Exams for the app's tests: drills made by the dozen, and a clock that is told the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.app.exam_app import ExamApp
from meshdoctor.drill.exam import Ending, TaskState
from meshdoctor.drill.grader import CheckResult, Grade, Loss
from tests.functional.drilling import make, play_screen
from tests.unit.drill.exams import Held, library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.drill.sitting import Sitting


def held_in(folder: Path) -> Held:
    """An exam whose drills are told apart, kept in a folder."""
    return Held(folder, drills=library(8))


def app_in(held: Held, sitting: Sitting | None = None) -> ExamApp:
    """The app in an exam, whose clock stands still unless it is told otherwise."""
    return ExamApp(sitting or held.begin(), held.clock, held.clock.now)


async def mend(pilot: Pilot[None]) -> None:
    """Apply the reference fix of the drill that is played, by keys."""
    for edit in play_screen(pilot).desk.play.drill.reference.edits:
        await make(pilot, edit)


def marked(sitting: Sitting, points: Sequence[int | None], *, used: float = 5000) -> Sitting:
    """An exam that is over, with these points by task; None for one that was never opened."""
    exam = sitting.exam
    tasks = tuple(
        task
        if won is None
        else replace(
            task,
            state=TaskState.DONE,
            seconds=300.0 + won,
            hypothesis="cause-0-0" if won % 2 else None,
            grade=_grade(task.drill, won),
        )
        for task, won in zip(exam.tasks, points, strict=True)
    )
    sitting.exam = replace(exam, tasks=tasks, used=used, ended=exam.began, ending=Ending.HANDED_IN)
    return sitting


def _grade(drill: str, won: int) -> Grade:
    checks = (
        CheckResult("answers", "The client reaches reviews", won > 40, "503: no healthy upstream"),
        CheckResult("kept", "The subset v1 is what it was", True, "it is what it was"),
    )
    losses = (Loss("restarted", 10, "Workloads were restarted: Deployment shop/web-v1"),)
    return Grade(drill, checks, () if won == 100 else losses, won)
