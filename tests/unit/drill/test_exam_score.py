"""Scores: points by what a task is worth, by domain, against the mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshdoctor.drill.drill import Domain
from meshdoctor.drill.exam import Exam, TaskState
from meshdoctor.drill.exam_draw import drawn_exam
from meshdoctor.drill.exam_score import score
from meshdoctor.drill.grader import Grade
from tests.unit.drill.exams import BEGAN, library


def graded(points: dict[Domain, int], left_out: int = 0) -> Exam:
    """An exam in which every task of a domain has these points, the first ones none at all."""
    exam = drawn_exam(library(), BEGAN, seed=1)
    return replace(
        exam,
        tasks=tuple(
            task
            if number < left_out
            else replace(
                task,
                state=TaskState.DONE,
                grade=Grade(task.drill, (), (), points[task.domain]),
            )
            for number, task in enumerate(exam.tasks)
        ),
    )


def test_domains_count_as_much_as_they_do_in_the_exam() -> None:
    points = {
        Domain.INSTALLATION: 100,
        Domain.TRAFFIC: 50,
        Domain.SECURITY: 0,
        Domain.TROUBLESHOOTING: 80,
    }
    found = score(graded(points))
    assert {one.domain: one.percent for one in found.domains} == points
    assert [one.tasks for one in found.domains] == [3, 6, 4, 3]
    assert found.percent == pytest.approx(20 + 17.5 + 0 + 16)
    assert not found.passed


@pytest.mark.parametrize(("points", "passed"), [(67, False), (68, True), (69, True)])
def test_the_pass_mark_itself_passes(points: int, passed: bool) -> None:
    found = score(graded(dict.fromkeys(Domain, points)))
    assert found.percent == points
    assert found.passed is passed


def test_what_was_not_answered_counts_nothing_and_partial_points_count() -> None:
    full = graded(dict.fromkeys(Domain, 100))
    some = graded(dict.fromkeys(Domain, 100), left_out=4)
    lost = sum(task.worth for task in full.tasks[:4])
    assert score(some).percent == pytest.approx(100 - lost)
    partial = graded(dict.fromkeys(Domain, 40), left_out=4)
    assert score(partial).percent == pytest.approx(0.4 * (100 - lost))


def test_an_exam_of_few_tasks_is_measured_by_the_domains_it_has() -> None:
    exam = drawn_exam(library(), BEGAN, seed=1, tasks=1)
    assert score(exam).percent == 0
    done = replace(exam, tasks=(replace(exam.tasks[0], grade=Grade("D1", (), (), 70)),))
    assert [one.worth for one in score(done).domains] == [100]
    assert score(done).passed
