"""Drawing an exam: so many tasks of each domain, no two of one cause, the same for one seed."""

from __future__ import annotations

import secrets
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

from meshdoctor.drill.drill import DOMAIN_SHARES, Domain
from meshdoctor.drill.exam import MINUTES, TASKS, Exam, ExamError, Task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from meshdoctor.drill.drill import Drill

_SEEDS = 1_000_000
_TRIES = 200
"""Orders in which drills are looked at before a draw is called impossible."""


def places(number: int) -> dict[Domain, int]:
    """How many tasks each domain gets, by largest remainder; of sixteen 3, 6, 4 and 3.

    Args:
        number: of tasks.
    """
    whole = {domain: number * share // 100 for domain, share in DOMAIN_SHARES.items()}
    # The longer remainder first, then the bigger domain.
    by_rest = sorted(DOMAIN_SHARES.items(), key=lambda item: (-(number * item[1] % 100), -item[1]))
    for domain, _ in by_rest[: number - sum(whole.values())]:
        whole[domain] += 1
    return whole


def draw(library: Iterable[Drill], seed: int, number: int = TASKS) -> tuple[Drill, ...]:
    """Draw drills, in the order in which the exam has them.

    Args:
        library: the drills to draw from.
        seed: the same seed draws the same drills of the same library, on any machine.
        number: of tasks.

    Raises:
        ExamError: there are not so many drills with causes of their own.
    """
    wanted, drills = places(number), tuple(library)
    there = Counter(drill.domain for drill in drills)
    for domain, count in wanted.items():
        if there[domain] < count:
            raise ExamError(
                f"{number} tasks take {count} drills of {domain}; there are {there[domain]}"
            )
    for attempt in range(_TRIES):
        drawn = _drawn(_mixed(drills, f"{seed}/{attempt}"), wanted)
        if len(drawn) == number:
            return tuple(_mixed(drawn, f"{seed}/order"))
    raise ExamError(f"there are no {number} drills in the exam's proportions without a cause twice")


def _mixed(drills: Iterable[Drill], salt: str) -> list[Drill]:
    """In an order that only the salt and each drill's id decide, so that it stays for ever."""
    return sorted(drills, key=lambda one: sha256(f"{salt}/{one.id}".encode()).digest())


def _drawn(drills: list[Drill], wanted: dict[Domain, int]) -> list[Drill]:
    left, causes = Counter(wanted), set[str]()
    drawn: list[Drill] = []
    for drill in drills:
        if left[drill.domain] > 0 and causes.isdisjoint(drill.causes):
            left[drill.domain] -= 1
            causes.update(drill.causes)
            drawn.append(drill)
    return drawn


def tasks_of(drawn: tuple[Drill, ...]) -> tuple[Task, ...]:
    """The tasks of an exam: domains count as in the exam, drills in them by their weight."""
    weights = Counter[Domain]()
    for drill in drawn:
        weights[drill.domain] += drill.weight
    shares = sum(DOMAIN_SHARES[domain] for domain in weights)
    return tuple(
        Task(
            drill=one.id,
            domain=one.domain,
            worth=100 * DOMAIN_SHARES[one.domain] / shares * one.weight / weights[one.domain],
        )
        for one in drawn
    )


def drawn_exam(
    library: Iterable[Drill],
    began: datetime,
    *,
    seed: int | None = None,
    tasks: int = TASKS,
    minutes: int = MINUTES,
) -> Exam:
    """An exam that is about to begin.

    Args:
        library: the drills to draw from.
        began: now.
        seed: of the draw; any where it is None.
        tasks: how many.
        minutes: how long.

    Raises:
        ExamError: the drills do not suffice.
    """
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    drawn = draw(library, seed, tasks)
    return Exam(f"{began:%Y%m%d-%H%M%S}-{seed}", seed, minutes, began, tasks_of(drawn))
