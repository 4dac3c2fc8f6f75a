from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.subset_selection import ANALYZER
from meshdoctor.model.kinds import DAEMON_SET, DEPLOYMENT, POD, STATEFUL_SET
from tests.build import istio_object, mesh, pod
from tests.unit.analyze.traffic_build import (
    RATINGS,
    app_deployment,
    client,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    route_to,
    server,
    shop,
)

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.proxy import Proxy

V2 = f"outbound|8080|v2|{RATINGS}"
TO = f"destination {RATINGS}:8080 subset v2"


def rule(**labels: str) -> dict[str, Any]:
    subsets = [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": labels}]
    return istio_object("DestinationRule", "ratings", host="ratings", subsets=subsets)


def reached(*more: dict[str, Any], labels: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [*shop(), route_to("ratings", subset="v2"), rule(**(labels or {"version": "v2"})), *more]


def v2_pod() -> dict[str, Any]:
    labels = {"app": "ratings", "version": "v2"}
    return pod("ratings-v2-abc-1", owner="ratings-v2", labels=labels, ip="10.244.0.8")


def caller() -> Proxy:
    return client(*no_healthy_upstream(V2))


def test_a_subset_that_selects_a_pod_is_in_order() -> None:
    snapshot = mesh(reached(v2_pod()), proxies=[client(line(V2)), server()])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0116", TO) in passed(ANALYZER, snapshot)


def test_a_subset_whose_labels_no_pod_carries_is_the_rules_fault() -> None:
    snapshot = mesh(reached(), proxies=[caller(), server()])
    assert named(ANALYZER, snapshot) == [("MD0116", TO, "DestinationRule shop/ratings")]


def test_the_fix_is_the_label_that_pods_carry() -> None:
    objects = reached(v2_pod(), labels={"version": "v2.0"})
    (found,) = problems(ANALYZER, mesh(objects, proxies=[caller(), server()]))
    path = "/spec/subsets/1/labels/version"
    assert f'"path": "{path}", "value": "v2"' in found.fills["command"]
    assert f'"path": "{path}", "value": "v2.0"' in found.fills["undo"]


def test_a_slash_in_a_label_is_escaped_in_the_fix() -> None:
    subset = {"name": "v2", "labels": {"app.kubernetes.io/version": "2.0"}}
    two = istio_object("DestinationRule", "ratings", host="ratings", subsets=[subset])
    objects = shop()
    for item in objects:
        if item["metadata"]["name"] == "ratings-v1-abc-1":
            item["metadata"]["labels"]["app.kubernetes.io/version"] = "2.0.1"
    objects += [route_to("ratings", subset="v2"), two]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[caller(), server()]))
    assert "/spec/subsets/0/labels/app.kubernetes.io~1version" in found.fills["command"]


def test_a_workload_of_the_subset_at_zero_is_at_fault_itself() -> None:
    down = app_deployment("ratings-v2", "ratings", "v2", replicas=0)
    snapshot = mesh(reached(down), proxies=[caller(), server()])
    assert named(ANALYZER, snapshot) == [("MD0114", TO, "Deployment shop/ratings-v2")]


def test_a_workload_of_the_subset_that_gets_no_pods_is_not_the_rules_fault() -> None:
    stuck = app_deployment("ratings-v2", "ratings", "v2")
    snapshot = mesh(reached(stuck), proxies=[caller(), server()])
    assert named(ANALYZER, snapshot) == [("MD0115", TO, "Deployment shop/ratings-v2")]


def test_a_subset_of_a_service_without_any_pod_is_not_judged() -> None:
    objects = [
        *shop(without=("Pod ratings-v1-abc-1",)),
        route_to("ratings", subset="v2"),
        rule(version="v2"),
    ]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[caller()]))) == []


def test_a_subset_that_contradicts_the_services_selector_selects_nothing() -> None:
    objects = reached(v2_pod(), labels={"app": "other", "version": "v2"})
    assert [f.code for f in problems(ANALYZER, mesh(objects, proxies=[caller()]))] == ["MD0116"]


def test_a_subset_that_no_route_leads_to_is_not_judged() -> None:
    objects = [*shop(), rule(version="v2")]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[client(), server()]))) == []


@pytest.mark.parametrize("kind", [POD, DEPLOYMENT, STATEFUL_SET, DAEMON_SET])
def test_a_subset_is_not_called_empty_while_a_kind_of_workload_is_unread(kind: Kind) -> None:
    snapshot = mesh(reached(), proxies=[caller()], unread=[kind])
    assert named(ANALYZER, snapshot) == []
