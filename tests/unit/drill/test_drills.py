"""Drills are sound data, and grading goes by what the mesh does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from meshdoctor.drill.drill import Drill, Role
from meshdoctor.drill.drill_text import drill_lines, grade_lines
from meshdoctor.drill.grader import Attempt, Grade, Grader
from meshdoctor.drill.library import documents, drill_for, drills, parse_drill
from meshdoctor.drill.lint import against_rules, by_playing, lint, play
from meshdoctor.drill.lint_schema import against_schema
from meshdoctor.drill.targets import TargetError, parse_target
from meshdoctor.drill.world import World
from meshdoctor.model.trace import Outcome, Place, Walk
from meshdoctor.resources import recordings_root
from meshdoctor.trace.walk import walk

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request

IDS = [drill.id for drill in drills()]


def drill(name: str) -> Drill:
    found = drill_for(name)
    assert found is not None
    return found


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(documents())[f"{name}.yaml"]
    return found


def answered(mesh: Snapshot, request: Request) -> Walk:
    """What the recording shows; once somebody edits, everything is answered."""
    if mesh.proxies:
        return walk(mesh, request)
    outcome = Outcome(200, (), "", 1.0, True, Place.APPLICATION, "it answers")
    return Walk(request, (), (outcome,))


def refused(mesh: Snapshot, request: Request) -> Walk:
    """A walk on which nothing is."""
    because = "nothing answers"
    outcome = Outcome(503, ("UC",), "", 1.0, False, Place.CLIENT_PROXY, because, ("Pod a/b",))
    return Walk(request, (), (outcome,))


def results(grade: Grade) -> dict[str, bool | None]:
    return {check.id: check.passed for check in grade.checks}


def test_every_drill_is_sound() -> None:
    assert lint() == ()


def test_lint_plays_drills_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    one = document("D08")
    kept = [fix for fix in one["fixes"] if fix["role"] != "wrong"]
    lazy = {**one["fixes"][0], "role": "wrong", "fails": ["reviews-answers"]}
    broken = {**one, "fixes": [*kept, lazy]}
    text = yaml.safe_dump(broken)
    monkeypatch.setattr("meshdoctor.drill.lint.drill_files", lambda: [("D08.yaml", text)])
    assert lint() == ()
    (said,) = lint(played=True)
    assert "passes reviews-answers, which should catch it" in said


@pytest.mark.parametrize("name", IDS)
def test_a_drill_that_nobody_touched_is_not_passed(name: str) -> None:
    grade = play(drill(name), None, Grader())
    assert not grade.passed
    assert grade.points == 0
    assert any(check.passed is False for check in grade.checks)


@pytest.mark.parametrize("name", IDS)
def test_right_fixes_pass_and_wrong_ones_are_caught_by_the_checks_that_should(name: str) -> None:
    one = drill(name)
    for fix in one.fixes:
        grade = play(one, fix, Grader())
        if fix.role is Role.WRONG:
            assert not grade.passed
            assert grade.points < 100
            assert {c.id for c in grade.checks if c.passed is False} >= set(fix.fails), fix.says
        else:
            assert (grade.passed, grade.points, grade.losses) == (True, 100, ()), fix.says


def test_lint_tells_a_fix_that_does_not_do_what_the_drill_says() -> None:
    one = drill("D08")
    wrong, right = one.fixes_of(Role.WRONG)[0], one.reference
    swapped = replace(
        one,
        fixes=(
            replace(right, edits=wrong.edits),
            replace(wrong, edits=right.edits),
        ),
    )
    said = list(by_playing("D08.yaml", swapped, Grader()))
    assert "does not pass reviews-answers: 503" in said[0]
    assert "passes reviews-answers, which should catch it" in said[1]
    assert len(said) == 2


@pytest.mark.parametrize("name", IDS)
def test_right_fixes_do_not_pass_when_the_requests_fail(name: str) -> None:
    one = drill(name)
    grade = play(one, one.reference, Grader(refused))
    failed = [check for check in grade.checks if check.passed is False]
    assert not grade.passed
    assert failed[0].because.endswith("503: nothing answers")
    assert failed[0].objects == ("Pod a/b",)


def test_lazy_fixes_of_mutual_tls_are_caught_by_the_walk_and_by_the_objects() -> None:
    one = drill("D24")
    for fix in one.fixes_of(Role.WRONG):
        grade = play(one, fix, Grader())
        for check in fix.fails:
            assert results(grade)[check] is False, (fix.says, check)
        assert {loss.what for loss in grade.losses} & {"permissive", "deleted-policy"}


def test_what_cannot_be_told_is_no_pass() -> None:
    one = drill("D08")

    def unknown(mesh: Snapshot, request: Request) -> Walk:
        return Walk(request, (), ())

    grade = play(one, one.reference, Grader(unknown))
    assert results(grade)["reviews-answers"] is None
    assert not grade.passed


def test_hints_and_time_cost_points_and_the_report_says_so() -> None:
    one = drill("D08")
    world = World.from_recording(recordings_root() / f"{one.recording}.tar.gz")
    for edit in one.reference.edits:
        edit.apply(world.cluster)
    grade = Grader(answered).grade(one, world, Attempt(hints=2, seconds=60.0 * one.minutes + 90))
    assert grade.passed
    assert [(loss.what, loss.points) for loss in grade.losses] == [("hints", 15), ("time", 2)]
    assert grade.points == 83
    text = "\n".join(line.plain for line in grade_lines(grade))
    assert "D08: passed, 83 of 100 points" in text
    assert "-15 points  2 of 3 hints were shown" in text


def test_restarting_everything_costs_points() -> None:
    one = drill("D01")
    world = World.from_recording(recordings_root() / f"{one.recording}.tar.gz")
    for edit in one.reference.edits:
        edit.apply(world.cluster)
    assert not Grader(answered).grade(one, world).losses
    restart = replace(one.reference.edits[1], target=parse_target("Deployment shop/web-v1"))
    restart.apply(world.cluster)
    (loss,) = Grader(answered).grade(one, world).losses
    assert (loss.what, loss.points) == ("restarted-others", 15)
    assert "Deployment shop/web-v1 was restarted" in loss.because


def test_the_task_does_not_give_the_cause_away() -> None:
    one = drill("D08")
    shown = "\n".join(line.plain for line in drill_lines(one))
    assert one.title not in shown
    assert "v3" not in shown
    solved = "\n".join(line.plain for line in drill_lines(one, solution=True))
    assert "kubectl patch virtualservices.networking.istio.io/reviews -n shop" in solved


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hints", ["only one hint"], "hints: has 1 items, at least 3 are needed"),
        ("domain", "cooking", "domain: 'cooking' is not one of"),
        ("documents", ["https://example.com/"], "documents/0: 'https://example.com/' does not"),
        ("id", "first", "id: 'first' does not match"),
        ("task", "TODO: " + "as the exam would word it " * 3, "task: still says TODO"),
    ],
)
def test_the_schema_refuses_what_is_no_drill(field: str, value: object, said: str) -> None:
    broken = {**document("D08"), field: value}
    assert any(said in line for line in against_schema("D08.yaml", broken))
    assert list(against_schema("D08.yaml", document("D08"))) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recording": "none"}, "there is no bundled recording none"),
        ({"causes": ("bad-luck",)}, "no cause is called 'bad-luck'"),
        ({"fixes": ()}, "one fix is the reference"),
        ({"id": "D99"}, "id is 'D99', the file says otherwise"),
        ({"id": "TEAM-1"}, "TEAM-1 is no bundled drill's id"),
    ],
)
def test_lint_finds_what_a_schema_cannot(changes: dict[str, Any], said: str) -> None:
    broken = replace(drill("D08"), **changes)
    assert any(said in line for line in against_rules("D08.yaml", broken))
    assert list(against_rules("D08.yaml", drill("D08"))) == []


def test_an_edit_of_an_unknown_kind_is_refused() -> None:
    broken = document("D08")
    fixes = [{**fix, "edits": [{"delete": {"object": "Route shop/a"}}]} for fix in broken["fixes"]]
    with pytest.raises(TargetError, match="no kind is called 'Route'"):
        parse_drill({**broken, "fixes": fixes})
