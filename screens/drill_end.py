"""What stands at the end of an attempt: the verdict, the explanation, a solution to copy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshdoctor.drill.drill_text import solution_commands
from meshdoctor.drill.history import Result
from screens.drill_grade import headline
from screens.drill_time import clock

if TYPE_CHECKING:
    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.play import Play


def right_hypothesis(play: Play) -> bool | None:
    """Whether the candidate named a root cause of the drill; None where none was named."""
    if not play.drill.causes or play.hypothesis is None:
        return None
    return play.hypothesis in play.drill.causes


def result_of(play: Play, grade: Grade, now: datetime | None = None) -> Result:
    """An attempt for the history.

    Args:
        play: the attempt.
        grade: what came of it.
        now: when it ended.
    """
    return Result(
        drill=play.drill.id,
        ended=now or datetime.now(UTC),
        seconds=play.seconds,
        points=grade.points,
        passed=grade.passed,
        hints=play.hints,
        hypothesis=play.hypothesis,
        right_hypothesis=right_hypothesis(play),
        mode="app",
    )


def _hypothesis_line(play: Play) -> str:
    causes = " and ".join(play.drill.causes)
    match right_hypothesis(play):
        case True:
            return f"✓ Your hypothesis was right: {play.hypothesis}"
        case False:
            return f"✗ Your hypothesis was {play.hypothesis}; it is {causes}"
    return f"– You named no root cause; it is {causes}" if causes else ""


def end_text(play: Play, grade: Grade) -> str:
    """Everything that was kept back, now that the attempt has ended."""
    drill = play.drill
    parts = [
        headline(grade),
        drill.title,
        "",
        _hypothesis_line(play),
        f"Time {clock(play.seconds)} of {drill.minutes}:00, {play.hints} of 3 hints",
        *(f"  -{loss.points} points: {loss.because}" for loss in grade.losses),
        "",
        "Why",
        drill.explanation,
        "",
        "Easily taken for",
        drill.look_alike,
        "",
        "A solution",
        drill.reference.says,
        solution_commands(drill),
        "",
        "Documents that the exam allows",
        *(f"  {page}" for page in drill.documents),
    ]
    return "\n".join(parts)
