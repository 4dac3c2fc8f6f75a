from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.backends import (
    endpoint_slices,
    former_pods_behind,
    pods_behind,
    ready_addresses,
    serves_mesh_itself,
    target_port,
    templates_behind,
    workload_entries_behind,
)
from meshdoctor.model.registry import ServiceHost
from meshdoctor.model.snapshot import Snapshot
from tests.build import deployment, istio_object, mesh, pod, service


def ratings(snapshot: Snapshot, namespace: str = "shop") -> ServiceHost:
    found = snapshot.registry.service(f"ratings.{namespace}.svc.cluster.local")
    assert found is not None
    return found


def names(items: tuple[Any, ...]) -> list[str]:
    return [item.name for item in items]


def test_a_service_selects_pods_of_its_own_namespace() -> None:
    objects = [
        service("ratings"),
        pod("a", labels={"app": "ratings"}),
        pod("b", labels={"app": "other"}, ip="10.244.0.11"),
        pod("c", "pay", labels={"app": "ratings"}, ip="10.244.0.12"),
    ]
    snapshot = mesh(objects)
    assert names(pods_behind(snapshot, ratings(snapshot))) == ["a"]


@pytest.mark.parametrize(
    ("subset", "chosen"),
    [({"version": "v1"}, ["a"]), ({}, ["a", "b"]), ({"version": "v3"}, []), ({"app": "x"}, [])],
)
def test_a_subset_narrows_what_is_selected(subset: dict[str, str], chosen: list[str]) -> None:
    objects = [
        service("ratings"),
        pod("a", labels={"app": "ratings", "version": "v1"}),
        pod("b", labels={"app": "ratings", "version": "v2"}, ip="10.244.0.11"),
        pod("c", labels={"app": "x"}, ip="10.244.0.12"),
    ]
    snapshot = mesh(objects)
    assert names(pods_behind(snapshot, ratings(snapshot), subset)) == chosen


def test_a_pod_that_ended_or_is_being_deleted_serves_no_more() -> None:
    done, leaving = pod("a", labels={"app": "ratings"}), pod("b", labels={"app": "ratings"})
    done["status"]["phase"] = "Failed"
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T07:59:00Z"
    snapshot = mesh([service("ratings"), done, leaving])
    assert pods_behind(snapshot, ratings(snapshot)) == ()
    assert names(former_pods_behind(snapshot, ratings(snapshot))) == ["a", "b"]


def test_a_service_without_selector_selects_nothing() -> None:
    snapshot = mesh([service("ratings", selector={}), pod("a"), deployment("d")])
    host = ratings(snapshot)
    assert (pods_behind(snapshot, host), templates_behind(snapshot, host)) == ((), ())


def test_templates_are_selected_whatever_their_replicas() -> None:
    objects = [
        service("ratings"),
        deployment("up", labels={"app": "ratings", "version": "v1"}),
        deployment("down", labels={"app": "ratings", "version": "v2"}, replicas=0),
        deployment("other", labels={"app": "other"}),
    ]
    snapshot = mesh(objects)
    host = ratings(snapshot)
    assert names(templates_behind(snapshot, host)) == ["down", "up"]
    assert names(templates_behind(snapshot, host, {"version": "v2"})) == ["down"]


def test_workload_entries_are_selected_by_their_labels() -> None:
    entry = istio_object("WorkloadEntry", "vm", labels={"app": "ratings"})
    other = istio_object("WorkloadEntry", "box", labels={"app": "other"})
    snapshot = mesh([service("ratings"), entry, other])
    assert names(workload_entries_behind(snapshot, ratings(snapshot))) == ["vm"]


@pytest.mark.parametrize(("own", "found"), [("ratings", ["vm"]), ("other", [])])
def test_labels_of_the_object_beat_those_in_the_spec_of_a_workload_entry(
    own: str, found: list[str]
) -> None:
    entry = istio_object("WorkloadEntry", "vm", labels={"app": "other" if found else "ratings"})
    entry["metadata"]["labels"] = {"app": own}
    snapshot = mesh([service("ratings"), entry])
    assert names(workload_entries_behind(snapshot, ratings(snapshot))) == found


@pytest.mark.parametrize(("target", "number"), [(8000, 8000), ("web", 8080), ("gone", None)])
def test_a_target_port_is_a_number_or_the_name_of_a_container_port(
    target: int | str, number: int | None
) -> None:
    served = pod("a", labels={"app": "ratings"})
    served["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": 8080}]
    listed = [{"port": 80, "targetPort": target}]
    snapshot = mesh([service("ratings", ports=listed), served])
    host = ratings(snapshot)
    assert target_port(host.ports[0], pods_behind(snapshot, host)[0]) == number


def test_endpoints_that_say_nothing_are_ready() -> None:
    item = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "ratings-abc",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": "ratings"},
        },
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.3"]},
        ],
    }
    snapshot = mesh([service("ratings"), item])
    slices = endpoint_slices(snapshot, ratings(snapshot))
    assert list(ready_addresses(slices)) == ["10.0.0.1", "10.0.0.3"]


def gateway_template(**metadata: Any) -> dict[str, Any]:
    item = deployment("edge", labels={"app": "ratings"})
    item["spec"]["template"]["metadata"] |= metadata
    return item


@pytest.mark.parametrize(
    "objects",
    [
        [gateway_template(annotations={"inject.istio.io/templates": "gateway"})],
        [pod("a", labels={"app": "ratings"}, containers=[{"name": "istio-proxy"}])],
        [pod("a", labels={"app": "istiod"}), service("ratings", selector={"app": "istiod"})],
    ],
    ids=["gateway template", "gateway pod", "istiod"],
)
def test_services_of_gateways_and_istiod_belong_to_the_mesh(objects: list[dict[str, Any]]) -> None:
    own = [] if any(item["kind"] == "Service" for item in objects) else [service("ratings")]
    snapshot = mesh([*own, *objects])
    assert serves_mesh_itself(snapshot, ratings(snapshot))


@pytest.mark.parametrize("namespace", ["istio-system", "kube-system"])
def test_services_of_system_namespaces_belong_to_the_mesh(namespace: str) -> None:
    snapshot = mesh([service("ratings", namespace)])
    assert serves_mesh_itself(snapshot, ratings(snapshot, namespace))


def test_an_applications_service_does_not_belong_to_the_mesh() -> None:
    objects = [service("ratings"), deployment("ratings"), pod("a", labels={"app": "ratings"})]
    snapshot = mesh(objects)
    assert not serves_mesh_itself(snapshot, ratings(snapshot))
