"""Workloads answer edits as on a cluster."""

from __future__ import annotations

import pytest

from meshdoctor.drill.edits import EditError
from meshdoctor.drill.objects import (
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    controller_of,
    labels_of,
    status_of,
)
from tests.unit.drill.playing import RATINGS, edit, names, play, pods, ready

RESTART = f"- restart: {{object: {RATINGS}}}"


def test_a_restart_makes_a_replica_set_and_a_pod_of_it() -> None:
    world = play("healthy")
    before = names(pods(world, "ratings"))
    edit(world, RESTART)
    (pod,) = pods(world, "ratings")
    owner = controller_of(pod)
    code = labels_of(pod)["pod-template-hash"]
    assert names([pod]) != before
    assert (owner["kind"], owner["name"]) == ("ReplicaSet", f"ratings-v1-{code}")
    assert names([pod])[0].startswith(f"ratings-v1-{code}-")
    replica_set = world.objects.get(REPLICA_SETS, "shop", f"ratings-v1-{code}")
    assert replica_set is not None
    assert owner["uid"] == replica_set["metadata"]["uid"]
    assert ready(pod) == "2/2"
    deployment = world.objects.get(DEPLOYMENTS, "shop", "ratings-v1")
    assert deployment is not None
    status = status_of(deployment)
    assert status["observedGeneration"] == deployment["metadata"]["generation"]
    assert (status["updatedReplicas"], status["readyReplicas"]) == (1, 1)


def test_the_same_edits_give_the_same_names() -> None:
    scale = f"- scale: {{object: {RATINGS}, replicas: 3}}"
    first, second = (names(pods(play("healthy", scale), "ratings")) for _ in range(2))
    assert first == second
    assert len(set(first)) == 3


def test_scaling_to_zero_leaves_no_pod_and_no_endpoint() -> None:
    world = play("healthy", f"- scale: {{object: {RATINGS}, replicas: 0}}")
    assert pods(world, "ratings") == []
    assert len(pods(world, "web")) == 1


def test_a_deleted_pod_is_replaced_under_another_name() -> None:
    world = play("healthy")
    (old,) = names(pods(world, "ratings"))
    edit(world, f"- delete: {{object: Pod shop/{old}}}")
    (new,) = names(pods(world, "ratings"))
    assert new != old
    assert new.rpartition("-")[0] == old.rpartition("-")[0]


def test_a_pod_that_is_relabelled_leaves_its_replica_set_which_makes_another() -> None:
    world = play("healthy")
    (old,) = names(pods(world, "ratings"))
    edit(world, f"- label: {{object: Pod shop/{old}, set: {{version: v9}}}}")
    left, made = sorted(pods(world, "ratings"), key=lambda pod: names([pod]) != [old])
    assert (names([left]), controller_of(left)) == ([old], {})
    assert labels_of(made)["version"] == "v1"
    assert controller_of(made)["kind"] == "ReplicaSet"
    assert ready(made) == "2/2"
    edit(world, f"- label: {{object: Pod shop/{old}, set: {{version: v1}}}}")
    (kept,) = pods(world, "ratings")
    assert names([kept]) == [old]
    assert controller_of(kept)["name"] == old.rpartition("-")[0]


def test_a_label_that_no_selector_names_leaves_a_pod_where_it_is() -> None:
    world = play("healthy")
    (old,) = names(pods(world, "ratings"))
    edit(world, f"- label: {{object: Pod shop/{old}, set: {{team: red}}}}")
    (kept,) = pods(world, "ratings")
    assert (names([kept]), controller_of(kept)["kind"]) == ([old], "ReplicaSet")


def test_what_belonged_to_a_deleted_deployment_goes_with_it() -> None:
    world = play("healthy", f"- delete: {{object: {RATINGS}}}")
    assert pods(world, "ratings") == []
    left = world.objects.all(REPLICA_SETS, "shop")
    assert not [one for one in left if controller_of(one).get("name") == "ratings-v1"]
    assert len(pods(world, "web")) == 1


def test_an_image_that_no_node_has_keeps_the_old_pod_serving() -> None:
    image = f"- set-image: {{object: {RATINGS}, container: app, image: none:9}}"
    world = play("healthy", image)
    assert sorted(ready(pod) for pod in pods(world, "ratings")) == ["1/2", "2/2"]
    edit(world, f"- set-image: {{object: {RATINGS}, container: app, image: 'docker.io/lab/app:1'}}")
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]


def test_a_namespace_goes_with_all_that_is_in_it() -> None:
    world = play("healthy", "- delete: {object: Namespace shop}")
    assert not [key for key in world.objects.by_key if list(world.objects.all(key, "shop"))]
    assert list(world.objects.all(PODS, "pay"))


def test_edits_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(EditError, match="Deployment shop/none is not there"):
        play("healthy", "- restart: {object: Deployment shop/none}")


def test_a_deployment_that_would_not_select_its_own_pods_is_refused() -> None:
    relabelled = "{spec: {template: {metadata: {labels: {version: v9}}}}}"
    with pytest.raises(EditError, match="`selector` does not match template `labels`"):
        play("healthy", f"- patch: {{object: {RATINGS}, patch: {relabelled}}}")
    more = "{spec: {template: {metadata: {labels: {team: red}}}}}"
    (pod,) = pods(play("healthy", f"- patch: {{object: {RATINGS}, patch: {more}}}"), "ratings")
    assert labels_of(pod)["team"] == "red"


STATEFUL_SET = """
- apply:
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: store, namespace: shop}
    spec:
      replicas: 2
      serviceName: store
      selector: {matchLabels: {app: store}}
      template:
        metadata: {labels: {app: store}}
        spec: {containers: [{name: app, image: "docker.io/lab/app:1"}]}
"""


def test_pods_of_a_stateful_set_have_ordinals_and_keep_them() -> None:
    world = play("healthy", STATEFUL_SET)
    assert names(pods(world, "store")) == ["store-0", "store-1"]
    uids = [pod["metadata"]["uid"] for pod in pods(world, "store")]
    edit(world, "- restart: {object: StatefulSet shop/store}")
    assert names(pods(world, "store")) == ["store-0", "store-1"]
    assert not {pod["metadata"]["uid"] for pod in pods(world, "store")} & set(uids)
    edit(world, "- scale: {object: StatefulSet shop/store, replicas: 1}")
    assert names(pods(world, "store")) == ["store-0"]
