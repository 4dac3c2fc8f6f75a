"""What to practise next: every cause is a card, and what is likely forgotten comes first.

The times come from FSRS (docs/adr/0013-fsrs-for-spaced-repetition.md), of the history alone: the
same history and moment give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fsrs import Card, Rating, Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.drill.drill import Domain, Drill
    from meshdoctor.drill.history import Result

LONGEST = 60
"""Days: whoever prepares for an exam wants to see everything again before it."""
_WELL = 80
"""Points from which on an attempt counts as good."""

_SCHEDULER = Scheduler(
    desired_retention=0.9,
    # A drill takes minutes, not seconds: what failed comes again the next day.
    learning_steps=(),
    relearning_steps=(),
    maximum_interval=LONGEST,
    enable_fuzzing=False,
)


@dataclass(frozen=True, slots=True)
class Skill:
    """A root cause that can be practised; a drill that breaks nothing is a skill of its own."""

    id: str
    """Of the cause, or of the drill."""
    domains: tuple[Domain, ...]
    drills: tuple[str, ...]
    """Which practise it, by id."""
    results: tuple[Result, ...] = ()
    """Attempts at those, the oldest first."""
    known: float | None = None
    """How likely it is known now, 0 to 1; None before it was practised."""
    lasts: float = 0.0
    """Days for which nine in ten would still know it: the less, the weaker."""
    due: datetime | None = None
    """When it should be practised again; None before it was practised."""

    @property
    def last(self) -> Result | None:
        """The latest attempt."""
        return self.results[-1] if self.results else None

    def is_due(self, now: datetime) -> bool:
        """Whether it should be practised again by now."""
        return self.due is not None and self.due <= now


def rating_of(result: Result) -> Rating:
    """How well an attempt went, in the words of the scheduler."""
    if not result.passed:
        return Rating.Again
    if result.points < _WELL or result.right_hypothesis is False:
        return Rating.Hard
    is_easy = result.points == 100 and result.right_hypothesis is True
    return Rating.Easy if is_easy else Rating.Good


def skills(library: Sequence[Drill], results: Iterable[Result], now: datetime) -> tuple[Skill, ...]:
    """Every skill with what is known of it, by id.

    Args:
        library: the drills.
        results: the history; attempts at drills that are gone do not count.
        now: the time of day.
    """
    by_drill: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda one: one.ended):
        by_drill.setdefault(result.drill, []).append(result)
    teaching: dict[str, list[Drill]] = {}
    for drill in library:
        for name in drill.causes or (drill.id,):
            teaching.setdefault(name, []).append(drill)
    return tuple(_skill(name, teaching[name], by_drill, now) for name in sorted(teaching))


def _skill(
    name: str, teaching: list[Drill], by_drill: dict[str, list[Result]], now: datetime
) -> Skill:
    attempts = [result for drill in teaching for result in by_drill.get(drill.id, ())]
    attempts.sort(key=lambda one: one.ended)
    domains = tuple(dict.fromkeys(drill.domain for drill in teaching))
    skill = Skill(name, domains, tuple(drill.id for drill in teaching), tuple(attempts))
    if not attempts:
        return skill
    card = Card(card_id=0, due=attempts[0].ended)
    for attempt in attempts:
        card, _ = _SCHEDULER.review_card(card, rating_of(attempt), attempt.ended.astimezone(UTC))
    known = _SCHEDULER.get_card_retrievability(card, now)
    return replace(skill, known=known, lasts=card.stability or 0.0, due=card.due)


@dataclass(frozen=True, slots=True)
class Advice:
    """Which drill to do now, and why; it names no cause, for that would give the drill away."""

    drill: str
    why: str


def due_skills(found: Iterable[Skill], now: datetime) -> tuple[Skill, ...]:
    """The skills that should be practised again by now, the weakest first."""
    due = [skill for skill in found if skill.is_due(now)]
    return tuple(sorted(due, key=lambda one: (one.known or 0.0, one.due or now, one.id)))


def due_now(found: Iterable[Skill], now: datetime) -> tuple[Advice, ...]:
    """A drill for each skill that is due, the weakest first.

    Args:
        found: the skills.
        now: the time of day.
    """
    due: dict[str, Skill] = {}
    for skill in due_skills(found, now):
        # A drill of two causes is there once, for the weaker of them.
        due.setdefault(_least_practised(skill), skill)
    return tuple(Advice(name, _why_due(skill, now)) for name, skill in due.items())


def advise(library: Sequence[Drill], found: Sequence[Skill], now: datetime) -> Advice | None:
    """Which drill to do now: what is due, then what is new, then what is due soonest.

    Args:
        library: the drills.
        found: their skills.
        now: the time of day.

    Returns:
        None where there are no drills.
    """
    if due := due_now(found, now):
        return due[0]
    if new := _first_new(library, found):
        return Advice(new.id, f"nothing is due, and you have not done this one: {new.domain}")
    later = [skill for skill in found if skill.due is not None]
    if not later:
        return None
    soonest = min(later, key=lambda one: (one.due or now, one.id))
    wait = days((soonest.due or now) - now)
    why = f"every drill was done and nothing is due; this one comes first, in {wait}"
    return Advice(_least_practised(soonest), why)


def _first_new(library: Sequence[Drill], found: Sequence[Skill]) -> Drill | None:
    """The first drill nobody did, in the domain that was practised least for its size."""
    new = {skill.id for skill in found if not skill.results}
    done: dict[Domain, list[bool]] = {}
    for drill in library:
        is_done = not new.intersection(drill.causes or (drill.id,))
        done.setdefault(drill.domain, []).append(is_done)
    share = {domain: sum(flags) / len(flags) for domain, flags in done.items()}
    left = [drill for drill in library if new.intersection(drill.causes or (drill.id,))]
    return min(left, key=lambda one: (share[one.domain], one.minutes, one.id), default=None)


def _least_practised(skill: Skill) -> str:
    """The drill of a skill that was done least often, then longest ago."""

    def done(name: str) -> tuple[int, datetime, str]:
        ends = [result.ended for result in skill.results if result.drill == name]
        return len(ends), max(ends, default=datetime.min.replace(tzinfo=UTC)), name

    return min(skill.drills, key=done)


def _why_due(skill: Skill, now: datetime) -> str:
    last = skill.last
    assert last is not None
    assert skill.due is not None
    went = "passed" if last.passed else "not passed"
    ago, late = days(now - last.ended), now - skill.due
    since = "due now" if late < timedelta(days=1) else f"due for {days(late)}"
    known = f"{100 * (skill.known or 0):.0f} % likely still known"
    return f"{went} with {last.points} points {ago} ago, {since}, {known}"


def days(span: timedelta) -> str:
    """A span in words: ``2 hours``, ``1 day``, ``12 days``."""
    hours = max(int(span.total_seconds() // 3600), 0)
    number, word = (hours, "hour") if hours < 24 else (hours // 24, "day")
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
