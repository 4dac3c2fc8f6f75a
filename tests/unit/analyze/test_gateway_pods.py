"""Gateways without ready pods, and Gateways without gateways."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.gateway_pods import ANALYZER
from meshdoctor.model.finding import Outcome
from meshdoctor.model.kinds import DEPLOYMENT, GATEWAY, POD
from tests.build import deployment, istio_object, mesh, pod
from tests.unit.analyze.traffic_build import passed, problems

EDGE = {"istio": "edge"}
SUBJECT = "workload Deployment shop/edge"
PROXY = [{"name": "istio-proxy"}]


def edge(replicas: int = 1, **more: Any) -> dict[str, Any]:
    return deployment("edge", labels=EDGE, replicas=replicas, containers=PROXY, **more)


def edge_pod(name: str = "edge-1", *, ready: bool = True) -> dict[str, Any]:
    return pod(name, owner="edge", labels=dict(EDGE), proxy=None, ready=ready, containers=PROXY)


def wish(**selector: str) -> dict[str, Any]:
    return istio_object("Gateway", "public", selector=selector or EDGE, servers=[])


def said(*objects: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    return [(item.code, item.subject) for item in problems(ANALYZER, mesh(objects, **options))]


class TestNoReadyPod:
    def test_a_gateway_that_is_scaled_to_zero_and_wanted_is_a_warning(self) -> None:
        (found,) = problems(ANALYZER, mesh([edge(0), wish()]))
        assert (found.code, found.subject, found.outcome) == ("MD0600", SUBJECT, Outcome.WARN)
        assert found.objects == ("Deployment shop/edge", "Gateway shop/public")
        assert "scaled to 0" in found.message
        assert not found.root

    def test_a_gateway_whose_pod_is_not_ready_is_a_warning(self) -> None:
        assert said(edge(), edge_pod(ready=False), wish()) == [("MD0600", SUBJECT)]

    def test_a_gateway_that_gets_no_pod_is_a_warning(self) -> None:
        assert said(edge(), wish()) == [("MD0600", SUBJECT)]

    def test_a_gateway_of_the_kubernetes_api_names_what_it_serves(self) -> None:
        managed = {"gateway.networking.k8s.io/gateway-name": "public"}
        waypoint = deployment("edge", labels=managed, replicas=0, containers=PROXY)
        owner = istio_object("Gateway", "public", group="gateway.networking.k8s.io")
        (found,) = problems(ANALYZER, mesh([waypoint, owner]))
        assert found.objects == ("Deployment shop/edge", "Gateway shop/public")

    def test_one_ready_pod_among_several_is_enough(self) -> None:
        snapshot = mesh([edge(2), edge_pod(), edge_pod("edge-2", ready=False), wish()])
        assert problems(ANALYZER, snapshot) == []
        assert ("MD0600", SUBJECT) in passed(ANALYZER, snapshot)

    def test_a_gateway_that_is_switched_off_and_nobody_wants_is_in_order(self) -> None:
        assert said(edge(0)) == []

    def test_without_gateways_nobody_knows_whether_it_is_wanted(self) -> None:
        assert said(edge(0), unread=[GATEWAY]) == [("MD0600", SUBJECT)]

    def test_an_application_scaled_to_zero_is_none_of_its_business(self) -> None:
        assert said(deployment("ratings", replicas=0)) == []

    @pytest.mark.parametrize("kind", [POD, DEPLOYMENT])
    def test_without_pods_or_templates_it_says_nothing(self, kind: Any) -> None:
        assert list(ANALYZER.analyze(mesh([edge(0), wish()], unread=[kind]))) == []


class TestTold:
    def test_a_gateway_whose_pods_are_down_is_told_once(self) -> None:
        assert said(edge(0), wish()) == [("MD0600", SUBJECT)]
