"""A drill and a grade as styled lines."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from meshdoctor.drill.drill import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.drill import Drill, Fix
    from meshdoctor.drill.grader import Grade

_MARKS = {True: ("passed", "green"), False: ("failed", "red"), None: ("unknown", "yellow")}


def drill_lines(drill: Drill, *, solution: bool = False) -> Iterator[Text]:
    """A drill's task; with the solution also what gives it away.

    Args:
        drill: the drill.
        solution: whether hints, fix and explanation are shown.
    """
    yield Text(f"{drill.id}  {drill.domain}  {drill.weight} %  {drill.minutes} minutes", "bold")
    yield Text("")
    yield Text(drill.task)
    for line in drill.seen.commands:
        yield Text(f"  {line}", "cyan")
    if solution:
        yield from solution_lines(drill)
        yield from explanation_lines(drill)


def solution_lines(drill: Drill) -> Iterator[Text]:
    """The hints and the right fixes of a drill.

    Args:
        drill: the drill.
    """
    yield Text("")
    for number, hint in enumerate(drill.hints, start=1):
        yield Text(f"Hint {number}: {hint}")
    yield from fix_lines(drill)


def fix_lines(drill: Drill) -> Iterator[Text]:
    """The right fixes of a drill, as kubectl's commands.

    Args:
        drill: the drill.
    """
    for fix in drill.fixes:
        if fix.role is not Role.WRONG:
            yield Text("")
            yield Text(f"{fix.role.capitalize()}: {fix.says}")
            yield from _commands(fix)


def explanation_lines(drill: Drill) -> Iterator[Text]:
    """What a drill was about, once it is over, and where to read of it.

    Args:
        drill: the drill.
    """
    yield Text("")
    yield Text(drill.title, "bold")
    yield Text(drill.explanation)
    yield Text(f"Easily taken for: {drill.look_alike}")
    for page in drill.documents:
        yield Text(page, "cyan")


def solution_commands(drill: Drill) -> str:
    """The reference fix as commands, and what each is given on its standard input."""
    return "\n".join(line.plain for line in _commands(drill.reference))


def _commands(fix: Fix) -> Iterator[Text]:
    for edit in fix.edits:
        words, given = edit.kubectl()
        yield Text(f"  kubectl {shlex.join(words)}", "cyan")
        for line in given.splitlines():
            yield Text(f"    {line}", "cyan")


def grade_lines(grade: Grade) -> Iterator[Text]:
    """What passed, what did not and why, and what was lost besides.

    Args:
        grade: of one attempt.
    """
    verdict = "passed" if grade.passed else "not passed"
    yield Text(f"{grade.drill}: {verdict}, {grade.points} of 100 points", "bold")
    for check in grade.checks:
        word, colour = _MARKS[check.passed]
        line = Text(f"  {word:8}", colour)
        line.append(check.says, "default")
        yield line
        if check.passed is not True:
            yield Text(f"          {check.because}")
    for loss in grade.losses:
        yield Text(f"  -{loss.points} points  {loss.because}", "yellow")
