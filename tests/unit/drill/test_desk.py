"""The desk: what a candidate who plays with kubectl asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.drill.desk import Desk, choices_of
from meshdoctor.drill.drill_text import grade_lines
from meshdoctor.drill.grade_document import grade_document, grade_from
from meshdoctor.drill.library import drill_for, drills
from meshdoctor.drill.play import Play
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.stopwatch import Stopwatch
from meshdoctor.serve.control_path import ControlError

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill

NOW = [0.0]


def d08() -> Drill:
    found = drill_for("D08")
    assert found is not None
    return found


@pytest.fixture
def desk() -> Desk:
    NOW[0] = 100.0
    watch = Stopwatch(lambda: NOW[0])
    return Desk(Play(d08(), beginning(d08()), clock=watch), watch=watch)


def ask(desk: Desk, verb: str, **given: object) -> Any:
    return desk.answer(verb, given)


def mend(desk: Desk) -> None:
    for edit in d08().reference.edits:
        edit.apply(desk.play.world.cluster)


def test_a_grade_is_the_same_on_the_other_side(desk: Desk) -> None:
    grade = desk.play.grade()
    assert grade_from(grade_document(grade)) == grade
    assert list(grade_lines(grade_from(ask(desk, "check")))) == list(grade_lines(grade))


def test_the_time_stands_still_from_a_check_that_passes(desk: Desk) -> None:
    mend(desk)
    NOW[0] += 60
    assert ask(desk, "check")["points"] == 100
    NOW[0] += 3600
    assert ask(desk, "status")["seconds"] == 60
    assert ask(desk, "stop")["points"] == 100


def test_the_time_runs_on_where_the_check_fails_or_the_mesh_changes(desk: Desk) -> None:
    NOW[0] += 60
    assert not ask(desk, "check")["passed"]
    NOW[0] += 60
    assert ask(desk, "status")["seconds"] == 120
    mend(desk)
    assert ask(desk, "check")["passed"]
    NOW[0] += 3600
    ask(desk, "reset")
    assert ask(desk, "status")["seconds"] == 3720
    assert [loss["what"] for loss in ask(desk, "check")["losses"]] == ["time"]


def test_the_end_tells_what_was_right(desk: Desk) -> None:
    ended = ask(desk, "stop")
    assert (ended["hypothesis"], ended["right_hypothesis"]) == (None, None)
    ask(desk, "suppose", cause="subset-not-defined")
    assert ask(desk, "stop")["right_hypothesis"] is True
    ask(desk, "suppose", cause="subset-selects-no-pods")
    assert ask(desk, "stop")["right_hypothesis"] is False
    assert d08().title in ended["explanation"]


def test_a_hypothesis_is_neither_right_nor_wrong_where_there_is_no_cause_to_find() -> None:
    one = drill_for("D27")
    assert one is not None
    assert not one.causes
    desk = Desk(Play(one, beginning(one)))
    ask(desk, "suppose", cause="subset-not-defined")
    ended = ask(desk, "stop")
    assert (ended["hypothesis"], ended["right_hypothesis"]) == ("subset-not-defined", None)
    assert ended["causes"] == []


def test_nothing_but_the_end_gives_the_answer_away(desk: Desk) -> None:
    told = str([ask(desk, verb) for verb in ("status", "task", "questions", "reset")])
    told += str(ask(desk, "suppose", cause="subset-not-defined"))
    told += str(ask(desk, "answer", number=3, text="Pod shop/x"))
    assert d08().title not in told
    for question in d08().questions[2:]:
        assert question.because not in told
        assert question.answers[0] not in told


@pytest.mark.parametrize(
    ("verb", "given", "says"),
    [
        ("sing", {}, "nobody knows how to 'sing' here"),
        ("answer", {"number": 0, "text": "x"}, "there is no question 0; there are 1 to 4"),
        ("answer", {}, "there is no question None"),
        ("suppose", {}, "no root cause is called ''"),
    ],
    ids=["verb", "zero", "nothing", "no-cause"],
)
def test_what_makes_no_sense_is_refused(
    verb: str, given: dict[str, Any], says: str, desk: Desk
) -> None:
    with pytest.raises(ControlError, match=says):
        ask(desk, verb, **given)


def test_the_right_choice_is_not_always_the_same_letter() -> None:
    found = {
        choices_of(question).index(question.answers[0])
        for drill in drills()
        for question in drill.questions
        if question.answers[0] in question.choices
    }
    assert len(found) > 1
