"""After a write nothing is known of proxies; before it the recording is what it is."""

from __future__ import annotations

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.drill.view import NOT_AVAILABLE
from meshdoctor.model.kinds import POD
from tests.unit.drill.playing import RATINGS, edit, play

TOUCH = "- label: {object: Namespace shop, set: {beside: it}}"
ROUTED = (
    "- patch: {object: VirtualService shop/reviews, type: json, patch: "
    "[{op: replace, path: /spec/http/0/route/0/destination/subset, value: v2}]}"
)


def test_until_somebody_writes_the_snapshot_is_the_recording() -> None:
    world = play("subset-not-defined")
    assert world.snapshot() is world.start_snapshot
    assert world.snapshot().proxies


def test_after_a_write_proxies_are_not_available_and_said_to_be_so() -> None:
    world = play("subset-not-defined", TOUCH)
    mesh = world.snapshot()
    assert not mesh.proxies
    assert all(istiod.syncs is None for istiod in mesh.istiods)
    missing = [one for one in mesh.not_read if one.what.startswith("proxies/")]
    assert len(missing) == len(world.start_snapshot.proxies)
    assert {one.reason for one in missing} == {NOT_AVAILABLE}


def test_files_of_proxies_are_withheld_after_a_write_and_objects_are_not() -> None:
    world = play("subset-not-defined")
    (dump,) = [
        path for path in world.cluster.mesh.files if "/client" in path and "config_dump" in path
    ]
    assert world.cluster.file(dump)
    edit(world, TOUCH)
    assert world.cluster.file(dump) is None
    assert world.cluster.problem(dump) == NOT_AVAILABLE
    assert world.cluster.file("kubernetes/core/v1/pods.json")


def test_a_cause_that_objects_show_is_found_until_it_is_mended() -> None:
    world = play("subset-not-defined", TOUCH)
    assert [c.id for c in diagnose(world.snapshot()).root_causes] == ["subset-not-defined"]
    edit(world, ROUTED)
    assert [c.id for c in diagnose(world.snapshot()).root_causes] == []


def test_new_pods_are_in_the_snapshot() -> None:
    world = play("healthy", f"- scale: {{object: {RATINGS}, replicas: 2}}")
    found = [pod for pod in world.snapshot().catalog.of(POD) if pod.labels.get("app") == "ratings"]
    assert len(found) == 2
    assert {str(world.snapshot().workloads.owning(pod)) for pod in found} == {RATINGS}


def test_a_snapshot_is_the_same_one_until_the_next_write() -> None:
    world = play("healthy", TOUCH)
    first = world.snapshot()
    assert world.snapshot() is first
    edit(world, "- label: {object: Namespace shop, set: {beside: that}}")
    assert world.snapshot() is not first
    assert world.snapshot().now >= first.now
