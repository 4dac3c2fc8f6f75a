"""What an exam came to: each task's points by what the task is worth, by domain and in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.drill.drill import Domain
from meshdoctor.drill.exam import PASS_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.drill.exam import Exam, Task

_DIGITS = 6
"""Sums of thirds and sixteenths must not fall short of a mark by a rounding of the machine."""


@dataclass(frozen=True, slots=True)
class DomainScore:
    """What one domain came to."""

    domain: Domain
    tasks: int
    worth: float
    """Percent of the exam."""
    percent: float
    """Of what the domain is worth."""


@dataclass(frozen=True, slots=True)
class Score:
    """What an exam came to."""

    domains: tuple[DomainScore, ...]
    percent: float

    @property
    def passed(self) -> bool:
        """Whether it reaches the pass mark; domains have none of their own."""
        return self.percent >= PASS_MARK


def score(exam: Exam) -> Score:
    """Add an exam up; what was never opened counts nothing.

    Args:
        exam: under way or over.
    """
    by_domain: dict[Domain, list[Task]] = {domain: [] for domain in Domain}
    for task in exam.tasks:
        by_domain[task.domain].append(task)
    domains = tuple(
        DomainScore(domain, len(tasks), sum(one.worth for one in tasks), _percent(tasks))
        for domain, tasks in by_domain.items()
        if tasks
    )
    return Score(domains, _percent(exam.tasks))


def _percent(tasks: Sequence[Task]) -> float:
    worth = sum(task.worth for task in tasks)
    won = sum(task.worth * task.points for task in tasks)
    return round(won / worth, _DIGITS) if worth else 0.0
