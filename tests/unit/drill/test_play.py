"""One attempt at a drill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.library import drill_for
from meshdoctor.drill.play import Play
from meshdoctor.drill.serving import beginning

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill


def drill() -> Drill:
    found = drill_for("D08")
    assert found is not None
    return found


def test_hints_come_one_by_one_and_cost_points() -> None:
    now = [100.0]
    play = Play(drill(), beginning(drill()), clock=lambda: now[0])
    assert play.shown_hints == ()
    assert [play.next_hint() for _ in range(4)] == [*drill().hints, None]
    assert play.shown_hints == drill().hints
    for edit in drill().reference.edits:
        edit.apply(play.world.cluster)
    now[0] += 60
    assert play.seconds == 60
    assert play.grade().points == 70


def test_answers_and_hypotheses_are_told_right_from_wrong() -> None:
    play = Play(drill(), beginning(drill()))
    assert play.answer(1, " nc  and UH ")
    assert not play.answer(1, "UH and NC")
    assert play.answers == {1: "UH and NC"}
    assert play.suppose("subset-not-defined")
    assert not play.suppose("subset-selects-no-pods")
    assert play.hypothesis == "subset-selects-no-pods"
    assert not play.grade().passed
