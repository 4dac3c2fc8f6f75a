"""Which workload owns a pod."""

from __future__ import annotations

from typing import Any

from meshdoctor.model.kinds import REPLICA_SET
from tests.build import deployment, mesh, pod


def replica_set(name: str, owner: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [{"kind": "Rollout", "name": owner, "controller": True}]
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata}


def names(objects: list[dict[str, Any]], **more: Any) -> list[str]:
    return [str(workload) for workload in mesh(objects, **more).workloads.all]


def test_a_pod_of_a_replica_set_belongs_to_its_deployment() -> None:
    objects = [deployment("web-v1"), pod("web-v1-abc-1", owner="web-v1")]
    assert names([*objects, replica_set("other", None)]) == [
        "Deployment shop/web-v1",
    ]


def test_the_deployments_name_is_known_even_where_replica_sets_were_not_read() -> None:
    objects = [pod("web-v1-abc-1", owner="web-v1")]
    assert names(objects, unread=[REPLICA_SET]) == ["Deployment shop/web-v1"]


def test_a_replica_set_that_was_read_names_its_own_owner() -> None:
    objects = [pod("web-v1-abc-1", owner="web-v1"), replica_set("web-v1-abc", "web-rollout")]
    assert names(objects) == ["Rollout shop/web-rollout"]


def test_a_bare_pod_is_its_own_workload_and_an_idle_deployment_has_none() -> None:
    workloads = mesh([pod("alone"), deployment("idle", replicas=0)]).workloads.all
    assert [(str(w), len(w.pods), w.wanted) for w in workloads] == [
        ("Pod shop/alone", 1, None),
        ("Deployment shop/idle", 0, 0),
    ]
