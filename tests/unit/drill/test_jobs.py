"""Jobs come to an end, unless a classic sidecar keeps their pods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.drill.controllers import settled
from meshdoctor.drill.edits import EditError
from meshdoctor.drill.objects import AUTOSCALERS, DEPLOYMENTS, JOBS, PODS, labels_of, status_of
from tests.unit.drill.playing import edit, names, play, pods, proxy, ready

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.world import World

JOB = """
- apply:
    apiVersion: batch/v1
    kind: Job
    metadata: {name: export, namespace: %(space)s}
    spec:
      completions: %(completions)s
      parallelism: %(parallelism)s
      template:
        metadata: {labels: {app: export}, annotations: {%(annotations)s}}
        spec:
          restartPolicy: Never
          containers: [{name: work, image: "docker.io/lab/app:1", command: [%(command)s]}]
"""
PLAIN = {
    "space": "shop",
    "completions": 1,
    "parallelism": 1,
    "annotations": "",
    "command": "work",
}
NATIVE = 'sidecar.istio.io/nativeSidecar: "true"'
CLASSIC = 'sidecar.istio.io/nativeSidecar: "false"'
QUIT = "sh, -c, work; curl -XPOST localhost:15020/quitquitquit"
SETTING = """
- patch:
    object: Deployment istio-system/istiod
    type: strategic
    patch:
      spec:
        template:
          spec:
            containers: [{name: discovery, env: [{name: ENABLE_NATIVE_SIDECARS, %s}]}]
"""


def job(world: World, space: str = "shop") -> Mapping[str, Any]:
    found = world.objects.get(JOBS, space, "export")
    assert found is not None
    return found


def complete(world: World, space: str = "shop") -> bool:
    conditions = status_of(job(world, space)).get("conditions", [])
    return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)


def work_pods(world: World, space: str = "shop") -> list[Mapping[str, Any]]:
    return [
        one for one in world.objects.all(PODS, space) if labels_of(one).get("job-name") == "export"
    ]


@pytest.mark.parametrize(
    ("recording", "changes", "ends"),
    [
        ("classic-sidecars-healthy", {}, False),
        ("classic-sidecars-healthy", {"annotations": NATIVE}, True),
        ("classic-sidecars-healthy", {"command": QUIT}, True),
        ("classic-sidecars-healthy", {"space": "legacy"}, True),
        ("healthy", {}, True),
        ("healthy", {"annotations": CLASSIC}, False),
    ],
    ids=["classic", "native by annotation", "quits", "no sidecar", "native", "made classic"],
)
def test_a_job_ends_unless_a_classic_sidecar_outlives_it(
    recording: str, changes: dict[str, Any], ends: bool
) -> None:
    settings = {**PLAIN, **changes}
    world = play(recording, JOB % settings)
    (pod,) = work_pods(world, settings["space"])
    assert complete(world, settings["space"]) is ends
    assert status_of(pod)["phase"] == ("Succeeded" if ends else "Running")
    status = status_of(job(world, settings["space"]))
    assert (status.get("succeeded", 0), status.get("active", 0)) == ((1, 0) if ends else (0, 1))
    assert ("completionTime" in status) is ends


def test_a_pod_that_a_sidecar_keeps_shows_one_of_two_and_its_work_done() -> None:
    world = play("classic-sidecars-healthy", JOB % PLAIN)
    (pod,) = work_pods(world)
    assert ready(pod) == "1/2"
    states = {one["name"]: list(one["state"]) for one in status_of(pod)["containerStatuses"]}
    assert states == {"work": ["terminated"], "istio-proxy": ["running"]}


@pytest.mark.parametrize(
    ("value", "native"),
    [('value: "true"', True), ('value: "false"', False), ("$patch: delete", True)],
)
def test_the_setting_of_istiod_decides_where_the_pod_does_not(value: str, native: bool) -> None:
    world = play("classic-sidecars-healthy", SETTING % value + JOB % PLAIN)
    (pod,) = work_pods(world)
    assert (proxy(pod).get("restartPolicy") == "Always") is native
    assert complete(world) is native


def test_the_annotation_is_stronger_than_the_setting() -> None:
    settings = {**PLAIN, "annotations": CLASSIC}
    world = play("classic-sidecars-healthy", SETTING % 'value: "true"' + JOB % settings)
    assert not complete(world)


def test_a_job_of_several_completions_runs_so_many_pods() -> None:
    settings = {**PLAIN, "completions": 3, "parallelism": 2, "annotations": NATIVE}
    world = play("classic-sidecars-healthy", JOB % settings)
    assert len(work_pods(world)) == 3
    assert status_of(job(world))["succeeded"] == 3
    hanging = play("classic-sidecars-healthy", JOB % {**PLAIN, "completions": 3, "parallelism": 2})
    assert len(work_pods(hanging)) == 2


def test_a_job_that_was_deleted_takes_its_pods_along() -> None:
    world = play("classic-sidecars-healthy", JOB % PLAIN)
    edit(world, "- delete: {object: Job shop/export}")
    assert work_pods(world) == []


def test_a_pod_of_a_job_that_was_deleted_comes_back_while_the_job_is_not_done() -> None:
    world = play("classic-sidecars-healthy", JOB % PLAIN)
    before = names(work_pods(world))
    edit(world, f"- delete: {{object: Pod shop/{before[0]}}}")
    after = names(work_pods(world))
    assert len(after) == 1
    assert after != before


def test_a_job_that_was_recorded_hanging_rests_until_its_pod_goes() -> None:
    played = play("classic-sidecars-healthy", JOB % PLAIN)
    hanging = replace(played.state(), recorded=played.objects)
    assert settled(hanging).objects is hanging.objects
    (pod,) = work_pods(played)
    after = settled(hanging.remove(PODS, pod)).objects
    (anew,) = [one for one in after.all(PODS, "shop") if labels_of(one).get("job-name") == "export"]
    assert names([anew]) != names([pod])


def test_the_template_of_a_job_cannot_be_changed() -> None:
    world = play("classic-sidecars-healthy", JOB % PLAIN)
    patch = "{spec: {template: {spec: {restartPolicy: OnFailure}}}}"
    with pytest.raises(EditError, match=r"spec\.template is immutable"):
        edit(world, f"- patch: {{object: Job shop/export, patch: {patch}}}")
    edit(world, "- patch: {object: Job shop/export, patch: {spec: {activeDeadlineSeconds: 9}}}")
    assert job(world)["spec"]["activeDeadlineSeconds"] == 9


def test_a_job_whose_pods_are_refused_says_so_and_starts_once_they_are_not() -> None:
    world = play("istiod-down", JOB % PLAIN)
    told = [
        event
        for event in world.objects.all(("", "events"), "shop")
        if event["involvedObject"].get("kind") == "Job"
    ]
    assert len(told) == 1
    assert "failed calling webhook" in told[0]["message"]
    assert work_pods(world) == []
    edit(world, "- scale: {object: Deployment istio-system/istiod, replicas: 1}")
    assert len(work_pods(world)) == 1


def test_telling_the_proxy_to_quit_completes_a_job_that_waits_for_it() -> None:
    world = play("classic-sidecars-healthy", JOB % PLAIN)
    (pod,) = work_pods(world)
    assert world.cluster.quit_proxy("shop", names([pod])[0])
    assert complete(world)
    assert [ready(one) for one in work_pods(world)] == ["0/2"]


def test_telling_the_proxy_of_a_server_to_quit_restarts_it() -> None:
    world = play("classic-sidecars-healthy")
    (pod,) = pods(world, "web")
    assert world.cluster.quit_proxy("shop", names([pod])[0])
    (after,) = pods(world, "web")
    assert (names([after]), ready(after)) == (names([pod]), "2/2")
    counts = {one["name"]: one["restartCount"] for one in status_of(after)["containerStatuses"]}
    assert counts == {"app": 0, "istio-proxy": 1}
    assert not world.cluster.quit_proxy("shop", "nobody")


SCALER = """
- apply:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web, namespace: shop}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-v1}
      minReplicas: 2
      maxReplicas: 3
"""


def replicas(world: World) -> int:
    found = world.objects.get(DEPLOYMENTS, "shop", "web-v1")
    assert found is not None
    count: int = found["spec"]["replicas"]
    return count


@pytest.mark.parametrize(("asked", "got"), [(1, 2), (3, 3), (5, 3), (0, 0)])
def test_an_autoscaler_keeps_its_bounds_and_leaves_nothing_alone(asked: int, got: int) -> None:
    world = play("healthy", SCALER)
    edit(world, f"- scale: {{object: Deployment shop/web-v1, replicas: {asked}}}")
    assert replicas(world) == got


def test_an_autoscaler_says_how_many_it_wants() -> None:
    world = play("healthy", "- scale: {object: Deployment istio-system/istiod, replicas: 3}")
    scaler = world.objects.get(AUTOSCALERS, "istio-system", "istiod")
    assert scaler is not None
    assert status_of(scaler)["desiredReplicas"] == 1
    deployment = world.objects.get(DEPLOYMENTS, "istio-system", "istiod")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 1
