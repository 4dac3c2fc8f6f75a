"""How far practice has come: by domain and by cause, the weakest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.drill import DOMAIN_SHARES, Domain
from meshdoctor.drill.spacing import days

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.history import Result
    from meshdoctor.drill.spacing import Skill


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """How far practice of one domain has come."""

    domain: Domain
    share: int
    """Percent of the exam."""
    drills: int
    done: int
    """Drills that were done at least once."""
    passed: int
    """Drills whose latest attempt passed."""
    points: int | None
    """Rounded mean of the latest attempts; None before the first."""
    due: int
    """Skills that should be practised again by now."""


@dataclass(frozen=True, slots=True)
class SkillProgress:
    """How well one root cause is known."""

    cause: str
    times: int
    passed: int
    points: int
    """Of the latest attempt."""
    recognised: str
    """How often the hypothesis was right, of how often there was one."""
    lasts: str
    """For how long it will be known, in words."""
    due: str
    """In words."""


def by_domain(
    library: Iterable[Drill], results: Iterable[Result], found: Iterable[Skill], now: datetime
) -> tuple[DomainProgress, ...]:
    """Practice by domain, in the exam's order.

    Args:
        library: the drills.
        results: the history, the oldest first.
        found: the skills made of both.
        now: the time of day.
    """
    latest = {result.drill: result for result in results}
    skills = tuple(found)
    rows: list[DomainProgress] = []
    for domain in Domain:
        drills = [drill.id for drill in library if drill.domain is domain]
        done = [latest[name] for name in drills if name in latest]
        due = sum(skill.is_due(now) for skill in skills if domain in skill.domains)
        rows.append(
            DomainProgress(
                domain=domain,
                share=DOMAIN_SHARES[domain],
                drills=len(drills),
                done=len(done),
                passed=sum(result.passed for result in done),
                points=round(sum(one.points for one in done) / len(done)) if done else None,
                due=due,
            )
        )
    return tuple(rows)


def by_cause(found: Iterable[Skill], now: datetime) -> tuple[SkillProgress, ...]:
    """What was practised, the weakest first; what was not is no row, so that nothing is told.

    Args:
        found: the skills.
        now: the time of day.
    """
    practised = [skill for skill in found if skill.results]
    practised.sort(key=lambda one: (one.lasts, one.id))
    return tuple(_row(skill, skill.results, now) for skill in practised)


def _row(skill: Skill, results: Sequence[Result], now: datetime) -> SkillProgress:
    guesses = [one.right_hypothesis for one in results if one.right_hypothesis is not None]
    due = skill.due or now
    return SkillProgress(
        cause=skill.id,
        times=len(results),
        passed=sum(result.passed for result in results),
        points=results[-1].points,
        recognised=f"{sum(guesses)} of {len(guesses)}" if guesses else "-",
        lasts=days(timedelta(days=round(skill.lasts))) if skill.lasts >= 1 else "no day",
        due="now" if due <= now else f"in {days(due - now)}",
    )


def domain_json(row: DomainProgress) -> dict[str, Any]:
    """A domain's row as JSON."""
    return {
        "domain": row.domain,
        "share": row.share,
        "drills": row.drills,
        "done": row.done,
        "passed": row.passed,
        "points": row.points,
        "due": row.due,
    }


def skill_json(skill: Skill, row: SkillProgress) -> dict[str, Any]:
    """A skill's row as JSON."""
    return {
        "cause": row.cause,
        "domains": list(skill.domains),
        "times": row.times,
        "passed": row.passed,
        "points": row.points,
        "recognised": row.recognised,
        "known": round(skill.known or 0.0, 3),
        "lasts_days": round(skill.lasts, 2),
        "due": skill.due.isoformat() if skill.due else None,
    }
