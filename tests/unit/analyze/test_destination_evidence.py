"""Evidence that something is not there points at the place where it would be."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.destination_facts import callers_hold_no_host
from meshdoctor.analyze.destination_pods import no_ready_endpoint
from meshdoctor.analyze.destinations_in_use import Use, destinations_in_use
from meshdoctor.analyze.pod_evidence import container_names, containers_text
from meshdoctor.model.kinds import POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh, pod
from tests.unit.analyze.traffic_build import (
    TO_RATINGS,
    client,
    dump,
    hosts,
    no_healthy_upstream,
    shop,
)


def slice_of(**more: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "ratings"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "ratings-1", "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        **more,
    }


def ratings(snapshot: Snapshot) -> Use:
    return next(use for use in destinations_in_use(snapshot) if use.destination.port == 8080)


@pytest.mark.parametrize(
    ("more", "pointer", "excerpt"),
    [
        ({"endpoints": None}, "/items/0/endpoints", "null"),
        ({"endpoints": []}, "/items/0/endpoints", "[]"),
        (
            {"endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": False}}]},
            "/items/0/endpoints/0/conditions/ready",
            "false",
        ),
    ],
)
def test_a_slice_without_ready_endpoints_is_shown_by_its_endpoints(
    more: dict[str, Any], pointer: str, excerpt: str
) -> None:
    snapshot = mesh([*shop(), slice_of(**more)])
    (fact,) = no_ready_endpoint(snapshot, ratings(snapshot))
    assert [(item.pointer, item.excerpt) for item in fact.evidence] == [(pointer, excerpt)]


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        (
            {"config": dump({TO_RATINGS: {}}, endpoints={TO_RATINGS: []})},
            "/configs/2/dynamic_endpoint_configs/0/endpoint_config/cluster_name",
        ),
        ({"hosts": hosts({TO_RATINGS: []})}, "/cluster_statuses/0/name"),
    ],
)
def test_a_cluster_without_hosts_is_shown_where_its_hosts_would_stand(
    parts: dict[str, Any], pointer: str
) -> None:
    snapshot = mesh(shop(), proxies=[client(*no_healthy_upstream(), **parts)])
    fact = callers_hold_no_host(snapshot, ratings(snapshot))
    assert [(item.pointer, item.excerpt) for item in fact.evidence] == [(pointer, TO_RATINGS)]


def test_a_pod_without_proxy_is_shown_by_each_of_its_containers() -> None:
    plain = pod("a", proxy=None)
    plain["spec"]["containers"].append({"name": "log"})
    (found,) = mesh([plain]).catalog.of(POD)
    shown = container_names(found)
    assert [(item.pointer, item.excerpt) for item in shown] == [
        ("/items/0/spec/containers/0/name", "app"),
        ("/items/0/spec/containers/1/name", "log"),
    ]
    assert {item.command for item in shown} == {
        "kubectl get pod a -n shop -o "
        "jsonpath='{.spec.initContainers[*].name} {.spec.containers[*].name}'"
    }
    assert containers_text(found) == "its containers are app, log"
