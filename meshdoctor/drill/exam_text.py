"""An exam as styled lines: its tasks, its result against the mark, its review."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from meshdoctor.drill.drill_text import drill_lines, explanation_lines, fix_lines, grade_lines
from meshdoctor.drill.exam import PASS_MARK
from meshdoctor.drill.exam_score import score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.exam import Exam, Task
    from meshdoctor.drill.exam_score import Score

BAR = 30
"""Cells."""
_WON, _LOST, _MARK = "█", "·", "│"


def percent_text(percent: float) -> str:
    """A percentage that never looks like more than it is."""
    return f"{math.floor(percent * 10) / 10:.1f} %"


def bar(percent: float, width: int = BAR) -> str:
    """A bar with the pass mark in it, which reads without colour.

    Args:
        percent: 0 to 100.
        width: in cells.
    """
    won = int(width * percent / 100)
    cells = [_WON] * won + [_LOST] * (width - won)
    cells[int(width * PASS_MARK / 100)] = _MARK
    return "".join(cells)


def mark_line(width: int = BAR) -> str:
    """What stands beneath bars: where the mark is."""
    return f"{' ' * int(width * PASS_MARK / 100)}{_MARK} pass mark {PASS_MARK} %"


def clock_text(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``1:59:07``; a begun second counts as whole."""
    whole = math.ceil(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def task_lines(exam: Exam, library: Mapping[str, Drill]) -> Iterator[Text]:
    """The tasks of an exam, as the candidate reads them: without causes.

    Args:
        exam: as it was drawn.
        library: the drills, by id.
    """
    number = len(exam.tasks)
    word = "task" if number == 1 else "tasks"
    yield Text(f"{number} {word}, {exam.minutes} minutes, seed {exam.seed}", "bold")
    for place, task in enumerate(exam.tasks, start=1):
        drill = library[task.drill]
        yield Text("")
        head = f"Task {place} of {number}  {drill.id}  {task.domain}  {percent_text(task.worth)}"
        yield Text(head, "bold")
        yield from list(drill_lines(drill))[2:]


def result_lines(exam: Exam) -> Iterator[Text]:
    """What an exam came to, by domain, against the pass mark.

    Args:
        exam: one that is over.
    """
    found = score(exam)
    yield Text(verdict(found), "bold")
    opened = sum(task.grade is not None for task in exam.tasks)
    sat = "" if exam.sittings == 1 else f", in {exam.sittings} sittings"
    yield Text(
        f"{exam.ending or 'under way'} after {clock_text(exam.used)} of "
        f"{clock_text(exam.minutes * 60)}{sat}; {opened} of {len(exam.tasks)} tasks opened; "
        f"seed {exam.seed}; exam {exam.id}"
    )
    yield Text("")
    for one in found.domains:
        line = f"{one.domain:20}{bar(one.percent)} {percent_text(one.percent):>8}"
        yield Text(f"{line} of {one.worth:.0f} %")
    yield Text(f"{'in all':20}{bar(found.percent)} {percent_text(found.percent):>8}", "bold")
    yield Text(" " * 20 + mark_line())


def verdict(found: Score) -> str:
    """Whether an exam was passed, in a sentence."""
    word = "Passed" if found.passed else "Not passed"
    return f"{word}: {percent_text(found.percent)}, pass mark {PASS_MARK} %"


def review_lines(task: Task, number: int, drill: Drill) -> Iterator[Text]:
    """One task afterwards: what failed and why, what was lost, what would have mended it.

    Args:
        task: of an exam that is over.
        number: its place in the exam, from 1.
        drill: the drill behind it.
    """
    won = percent_text(task.worth * task.points / 100)
    yield Text(
        f"Task {number}  {drill.id}  {drill.domain}  "
        f"{task.points} of 100 points: {won} of {percent_text(task.worth)}",
        "bold",
    )
    yield Text(drill.title, "bold")
    yield Text("")
    yield Text(drill.task)
    yield Text("")
    if task.grade is None:
        yield Text("It was not opened, and counts nothing.", "yellow")
    else:
        yield from list(grade_lines(task.grade))[1:]
        yield Text(f"It was open for {clock_text(task.seconds)}.")
    if drill.causes:
        yield Text(_hypothesis_text(task, drill))
    yield Text("")
    yield Text("What mends it", "bold")
    yield from fix_lines(drill)
    yield from explanation_lines(drill)


def _hypothesis_text(task: Task, drill: Drill) -> str:
    causes = " and ".join(drill.causes)
    if task.hypothesis is None:
        return f"Cause: {causes}; no hypothesis was given."
    word = "right" if task.hypothesis in drill.causes else "wrong"
    return f"Cause: {causes}; the hypothesis {task.hypothesis} was {word}."
