"""A mesh that is put back as the drill began."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import drills, recording_of
from meshdoctor.drill.objects import PODS, Objects
from meshdoctor.drill.serving import beginning, broken
from meshdoctor.drill.world import World
from tests.unit.drill.playing import RATINGS, edit, play

if TYPE_CHECKING:
    from meshdoctor.serve.object_store import Object


def plain(objects: Objects) -> dict[object, Object]:
    """Every object without its resourceVersion, which never goes back."""
    return {
        (key, name): {
            **item,
            "metadata": {k: v for k, v in item["metadata"].items() if k != "resourceVersion"},
        }
        for key, items in objects.by_key.items()
        for name, item in items.items()
    }


def test_everything_comes_back_and_what_was_made_is_gone() -> None:
    world = play("healthy")
    before = plain(world.objects)
    recorded = world.snapshot()
    edit(
        world,
        f"""
        - label: {{object: Namespace shop, set: {{istio-injection: null}}}}
        - restart: {{object: {RATINGS}}}
        - delete: {{object: Service shop/ratings}}
        - delete: {{object: Namespace pay}}
        - apply: {{apiVersion: v1, kind: Namespace, metadata: {{name: extra}}}}
        """,
    )
    assert plain(world.objects) != before
    assert world.has_changed
    world.reset()
    assert plain(world.objects) == before
    assert plain(Objects(world.cluster.store.everything())) == before
    assert not world.has_changed
    assert world.snapshot() is recorded


def test_controllers_work_on_afterwards() -> None:
    world = play("missing-sidecar", f"- delete: {{object: {RATINGS}}}")
    world.reset()
    edit(world, f"- scale: {{object: {RATINGS}, replicas: 0}}")
    before = plain(world.objects)
    edit(world, f"- scale: {{object: {RATINGS}, replicas: 2}}")
    made = {key for key in plain(world.objects) if key not in before}
    assert sum(key[0] == ("", "pods") for key in made if isinstance(key, tuple)) == 2


@pytest.mark.parametrize("name", [one.id for one in drills()])
def test_a_drill_that_was_reset_is_graded_as_at_its_beginning(name: str) -> None:
    one = next(one for one in drills() if one.id == name)
    world = beginning(one)
    grader = Grader()
    before = grader.grade(one, world)
    changed = world.has_changed
    for step in one.reference.edits:
        step.apply(world.cluster)
    assert grader.grade(one, world).passed
    world.reset()
    assert grader.grade(one, world) == before
    assert world.has_changed is changed


def test_a_drill_begins_with_the_same_names_however_late_it_is_broken() -> None:
    drill = next(one for one in drills() if one.id == "D05")
    late = World.from_recording(recording_of(drill))
    clock = late.cluster.clock
    late.cluster.clock = replace(clock, started=clock.started - 90)
    assert set(broken(late, drill).objects.by_key[PODS]) == set(
        beginning(drill).objects.by_key[PODS]
    )
    assert late.cluster.now() > clock.start
