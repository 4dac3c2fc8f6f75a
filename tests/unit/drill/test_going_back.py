"""A played mesh can be put back as it stood: undo, and starting over."""

from __future__ import annotations

from dataclasses import replace

from meshdoctor.drill.drill_text import solution_commands
from meshdoctor.drill.edits import parse_edits
from meshdoctor.drill.hypotheses import hypotheses, words_of
from meshdoctor.drill.library import drill_for, drills
from meshdoctor.drill.object_rows import object_rows
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.view import BROKEN_SINCE, NOT_AVAILABLE
from tests.unit.drill.playing import RATINGS, edit, names, play, pods

LABEL = "- label: {object: Namespace shop, set: {istio-injection: null}}"
RESTART = f"- restart: {{object: {RATINGS}}}"


def test_going_back_takes_away_what_controllers_did_as_well() -> None:
    world = play("healthy")
    before = names(pods(world, "ratings"))
    moment = world.moment()
    edit(world, f"{LABEL}\n{RESTART}")
    assert names(pods(world, "ratings")) != before
    world.go_back(moment)
    assert names(pods(world, "ratings")) == before
    assert not world.has_changed
    assert world.snapshot() is world.start_snapshot


def test_a_moment_between_two_edits_keeps_the_first() -> None:
    world = play("healthy")
    edit(world, LABEL)
    moment = world.moment()
    edit(world, RESTART)
    world.go_back(moment)
    assert world.has_changed
    assert world.objects is moment.objects
    edit(world, RESTART)
    (pod,) = pods(world, "ratings")
    assert [one["name"] for one in pod["spec"]["containers"]] == ["app"]


def test_a_namespace_that_was_deleted_comes_back_with_all_that_was_in_it() -> None:
    world = play("healthy")
    before = names(pods(world, "ratings"))
    edit(world, "- delete: {object: Namespace shop}")
    assert pods(world, "ratings") == []
    world.go_back(world.first)
    assert names(pods(world, "ratings")) == before
    assert world.cluster.has_namespace("shop")


def test_what_a_drill_broke_stays_broken_and_is_told_from_what_the_candidate_did() -> None:
    one = drill_for("D08")
    assert one is not None
    world = beginning(replace(one, setup=parse_edits([{"restart": {"object": RATINGS}}])))
    first = names(pods(world, "ratings"))
    said = {item.reason for item in world.snapshot().not_read}
    assert BROKEN_SINCE in said
    assert NOT_AVAILABLE not in said
    edit(world, RESTART)
    said = {item.reason for item in world.snapshot().not_read}
    assert NOT_AVAILABLE in said
    assert BROKEN_SINCE not in said
    world.go_back(world.first)
    assert names(pods(world, "ratings")) == first
    assert BROKEN_SINCE in {item.reason for item in world.snapshot().not_read}


def test_rows_say_what_kubectl_shows_and_what_became_of_an_object() -> None:
    world = play("healthy")
    now = world.snapshot().now
    assert not any(row.change for row in object_rows(world, now))
    edit(world, RESTART)
    found = {str(row.target): row for row in object_rows(world, now)}
    assert "ready 1/1" in found[RATINGS].status
    assert found[RATINGS].change == "changed"
    (pod,) = pods(world, "ratings")
    assert found[f"Pod shop/{pod['metadata']['name']}"].change == "new"
    assert found["Deployment shop/client-v1"].change == ""


def test_a_hypothesis_is_one_of_many_and_the_right_one_is_among_them() -> None:
    for one in drills():
        found = [cause.id for cause in hypotheses(one, drills())]
        assert found == sorted(found)
        assert set(one.causes) <= set(found)
        assert not one.causes or len(found) >= 8
        assert all("{" not in words_of(cause) for cause in hypotheses(one, drills()))


def test_a_drill_without_a_cause_offers_none() -> None:
    one = drill_for("D08")
    assert one is not None
    assert hypotheses(replace(one, causes=())) == ()
    assert solution_commands(one).startswith("  kubectl patch")
