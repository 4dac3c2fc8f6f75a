"""What is weak comes first, what is fresh comes later, and the advice gives no cause away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fsrs import Rating

from meshdoctor.drill.drill import Domain, Drill
from meshdoctor.drill.history import Result
from meshdoctor.drill.progress import by_cause
from meshdoctor.drill.spacing import (
    LONGEST,
    Advice,
    advise,
    due_now,
    due_skills,
    rating_of,
    skills,
)
from tests.unit.drill.exams import BEGAN, library

DAY = timedelta(days=1)


def result(drill: str = "D100", *, days: float = 0, points: int = 90, **more: object) -> Result:
    made = Result(
        drill=drill,
        ended=BEGAN + days * DAY,
        seconds=300,
        points=points,
        passed=points >= 50,
        hints=0,
        hypothesis=None,
        right_hypothesis=None,
        mode="app",
    )
    return replace(made, **more)  # type: ignore[arg-type]  # the fields are named by the tests


def advice(results: list[Result], days: float, drills: tuple[Drill, ...] | None = None) -> Advice:
    every = drills or library(2)
    found = advise(every, skills(every, results, BEGAN + days * DAY), BEGAN + days * DAY)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("made", "rating"),
    [
        (result(points=0), Rating.Again),
        (result(points=90, passed=False), Rating.Again),
        (result(points=79), Rating.Hard),
        (result(points=100, right_hypothesis=False), Rating.Hard),
        (result(points=80), Rating.Good),
        (result(points=100), Rating.Good),
        (result(points=100, right_hypothesis=True), Rating.Easy),
    ],
    ids=["lost", "caught", "hints", "guessed", "good", "full", "easy"],
)
def test_an_attempt_is_rated_by_what_it_shows(made: Result, rating: Rating) -> None:
    assert rating_of(made) is rating


def test_what_was_failed_comes_again_the_next_day_and_what_was_solved_later() -> None:
    found = {
        skill.id: skill
        for skill in skills(library(2), [result("D100", points=0), result("D200")], BEGAN)
    }
    failed, solved, untouched = (found[f"cause-{name}"] for name in ("0-0", "1-0", "2-0"))
    assert failed.due == BEGAN + DAY
    assert solved.due is not None
    assert solved.due > BEGAN + DAY
    assert (untouched.due, untouched.known, untouched.last) == (None, None, None)


def test_every_further_success_puts_it_off_for_longer_up_to_a_bound() -> None:
    history: list[Result] = []
    when, waits = BEGAN, []
    for _ in range(8):
        history.append(replace(result(), ended=when))
        (skill,) = (s for s in skills(library(2), history, when) if s.results)
        assert skill.due is not None
        waits.append((skill.due - when).days)
        when = skill.due
    assert waits == sorted(waits)
    assert waits[0] < 4
    assert waits[-1] == LONGEST


def test_the_weakest_of_what_is_due_comes_first() -> None:
    history = [result("D100", points=0), result("D200"), result("D300", points=60)]
    found = skills(library(2), history, BEGAN + 20 * DAY)
    due = due_skills(found, BEGAN + 20 * DAY)
    assert [skill.id for skill in due] == ["cause-0-0", "cause-2-0", "cause-1-0"]
    known = [skill.known for skill in due]
    assert known == sorted(known, key=lambda one: one or 0)
    assert advice(history, 20).drill == "D100"


def test_a_drill_of_two_causes_is_due_once_for_the_weaker() -> None:
    first, second, *_ = library(2)
    both = replace(second, causes=(*first.causes, *second.causes))
    history = [result(both.id, points=0), result(first.id, points=90, days=1), result("D200")]
    now = BEGAN + 20 * DAY
    due = due_now(skills((first, both, *library(2)[2:]), history, now), now)
    assert [one.drill for one in due] == [both.id, "D200"]


def test_what_was_just_failed_is_the_weakest_though_it_was_just_seen() -> None:
    now = BEGAN + 3 * DAY
    history = [result("D100", points=0, days=3), result("D200"), result("D300", points=60)]
    rows = by_cause(skills(library(2), history, now), now)
    assert [row.cause for row in rows] == ["cause-0-0", "cause-2-0", "cause-1-0"]
    assert [row.lasts for row in rows] == ["no day", "1 day", "2 days"]
    assert [row.due for row in rows] == ["in 1 day", "now", "now"]


def test_the_advice_says_why_in_figures_and_names_no_cause() -> None:
    said = advice([result("D100", points=40)], 3)
    assert said.drill == "D100"
    assert said.why.startswith("not passed with 40 points 3 days ago, due for 2 days, ")
    assert "% likely still known" in said.why
    for one in library(2):
        assert not any(cause in said.why for cause in one.causes)
        assert one.title not in said.why


def test_while_nothing_is_due_new_drills_of_the_least_practised_domain_come_next() -> None:
    drills = library(2)
    first = advice([], 0)
    assert first.drill == "D100"
    after = advice([result("D100")], 0.1)
    assert next(one for one in drills if one.id == after.drill).domain is not Domain.INSTALLATION


def test_another_drill_of_the_same_cause_practises_it_as_well() -> None:
    drills = tuple(replace(one, causes=("the-cause",)) for one in library(1))
    said = advice([result("D100", points=0)], 2, drills)
    assert said.drill == "D200"
    every = [result(one.id, points=0, days=index / 100) for index, one in enumerate(drills)]
    assert advice(every, 2, drills).drill == "D100"


def test_when_all_is_done_and_fresh_it_says_what_comes_next() -> None:
    drills = library(1)
    history = [result(one.id, points=100, right_hypothesis=True) for one in drills[:-1]]
    said = advice([*history, result(drills[-1].id)], 0.5, drills)
    assert said.drill == drills[-1].id
    assert "nothing is due; this one comes first, in 1 day" in said.why


def test_a_drill_that_breaks_nothing_is_practised_for_itself() -> None:
    drills = tuple(replace(one, causes=()) for one in library(1))
    found = skills(drills, [result("D200", points=0)], BEGAN)
    assert [skill.id for skill in found] == ["D100", "D200", "D300", "D400"]
    assert [skill.id for skill in found if skill.results] == ["D200"]


def test_attempts_at_drills_that_are_gone_change_nothing() -> None:
    drills = library(1)
    assert skills(drills, [result("D999")], BEGAN) == skills(drills, [], BEGAN)
    assert advise((), (), BEGAN) is None
