"""An exam as JSON, for programs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.drill import Role
from meshdoctor.drill.exam import PASS_MARK
from meshdoctor.drill.exam_score import score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.exam import Exam, Task
    from meshdoctor.drill.grader import Grade

_DIGITS = 2


def tasks_json(exam: Exam, library: Mapping[str, Drill]) -> dict[str, Any]:
    """The tasks of an exam as the candidate reads them: without causes.

    Args:
        exam: as it was drawn.
        library: the drills, by id.
    """
    return {
        "seed": exam.seed,
        "minutes": exam.minutes,
        "tasks": [
            {
                **_head(task, number),
                "task": library[task.drill].task,
                "commands": list(library[task.drill].seen.commands),
            }
            for number, task in enumerate(exam.tasks, start=1)
        ],
    }


def review_json(exam: Exam, library: Mapping[str, Drill]) -> dict[str, Any]:
    """An exam that is over: its score, and of each task what failed and what mends it.

    Args:
        exam: the exam.
        library: the drills, by id; tasks of drills that are gone have no solution.
    """
    found = score(exam)
    return {
        "exam": exam.id,
        "seed": exam.seed,
        "began": exam.began.isoformat(),
        "ended": exam.ended.isoformat() if exam.ended else None,
        "ending": exam.ending,
        "minutes": exam.minutes,
        "seconds": round(exam.used, _DIGITS),
        "sittings": exam.sittings,
        "percent": round(found.percent, _DIGITS),
        "pass_mark": PASS_MARK,
        "passed": found.passed,
        "domains": [
            {
                "domain": one.domain,
                "tasks": one.tasks,
                "worth": round(one.worth, _DIGITS),
                "percent": round(one.percent, _DIGITS),
            }
            for one in found.domains
        ],
        "tasks": [
            {**_head(task, number), **_review(task, library.get(task.drill))}
            for number, task in enumerate(exam.tasks, start=1)
        ],
    }


def _head(task: Task, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "drill": task.drill,
        "domain": task.domain,
        "worth": round(task.worth, _DIGITS),
    }


def _review(task: Task, drill: Drill | None) -> dict[str, Any]:
    return {
        "state": task.state,
        "flagged": task.is_flagged,
        "seconds": round(task.seconds, _DIGITS),
        "points": task.points,
        "hypothesis": task.hypothesis,
        **(_graded(task.grade) if task.grade else {"passed": False, "checks": [], "losses": []}),
        "solution": _solution(drill) if drill else None,
    }


def _graded(grade: Grade) -> dict[str, Any]:
    return {
        "passed": grade.passed,
        "checks": [
            {"id": one.id, "says": one.says, "passed": one.passed, "because": one.because}
            for one in grade.checks
        ],
        "losses": [
            {"what": one.what, "points": one.points, "because": one.because} for one in grade.losses
        ],
    }


def _solution(drill: Drill) -> dict[str, Any]:
    return {
        "title": drill.title,
        "causes": list(drill.causes),
        "fixes": [
            {
                "role": fix.role,
                "says": fix.says,
                "commands": [
                    {"kubectl": shlex.join(words), "stdin": given}
                    for words, given in (edit.kubectl() for edit in fix.edits)
                ],
            }
            for fix in drill.fixes
            if fix.role is not Role.WRONG
        ],
        "explanation": drill.explanation,
        "look_alike": drill.look_alike,
        "documents": list(drill.documents),
    }
