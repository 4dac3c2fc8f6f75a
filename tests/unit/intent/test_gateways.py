"""Which proxies a Gateway configures."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.gateways import (
    configures,
    gateway_pods,
    gateway_workloads,
    is_router,
    makes_gateways,
)
from meshdoctor.model.kinds import GATEWAY, POD
from tests.build import deployment, istio_object, mesh, pod

EDGE = {"istio": "edge"}


def running(name: str, space: str = "shop", *, words: tuple[str, ...] = (), **more: Any) -> Any:
    """A pod that is nothing but a proxy, started with these words."""
    container = {"name": "istio-proxy", "args": list(words)}
    labels = more.pop("labels", EDGE)
    return pod(name, space, proxy=None, labels=labels, containers=[container], **more)


def sidecar(name: str, *words: str) -> dict[str, Any]:
    item = pod(name, labels=EDGE, ip="10.244.0.77")
    item["spec"]["initContainers"][0]["args"] = list(words)
    return item


def gateway(**spec: Any) -> dict[str, Any]:
    return istio_object("Gateway", "edge", **spec)


def chosen(*objects: dict[str, Any]) -> list[str]:
    snapshot = mesh(objects)
    return [item.name for item in gateway_pods(snapshot, snapshot.catalog.of(GATEWAY)[0])]


class TestGatewayPods:
    def test_a_selector_is_looked_for_in_every_namespace(self) -> None:
        objects = [running("a"), running("b", "pay"), running("c", labels={"istio": "other"})]
        assert chosen(*objects, gateway(selector=EDGE)) == ["b", "a"]

    @pytest.mark.parametrize("spec", [{}, {"selector": {}}, {"selector": None}])
    def test_without_a_selector_it_is_for_every_router(self, spec: dict[str, Any]) -> None:
        objects = [running("a"), running("b", labels={}), sidecar("c", "proxy", "sidecar")]
        assert chosen(*objects, gateway(**spec)) == ["a", "b"]

    def test_sidecars_are_no_routers_even_with_the_labels(self) -> None:
        assert chosen(sidecar("a", "proxy", "sidecar"), gateway(selector=EDGE)) == []

    def test_waypoints_are_no_routers(self) -> None:
        words = ("proxy", "waypoint", "--domain")
        assert chosen(running("a", words=words), gateway()) == []

    def test_a_router_beside_another_container_is_one(self) -> None:
        assert chosen(sidecar("a", "proxy", "router"), gateway(selector=EDGE)) == ["a"]

    def test_pods_that_ran_to_their_end_are_left_out(self) -> None:
        ended = running("a")
        ended["status"]["phase"] = "Failed"
        assert chosen(ended, gateway()) == []

    @pytest.mark.parametrize(("value", "names"), [("true", ["a"]), ("false", ["b", "a"])])
    def test_istiod_may_look_in_the_gateways_own_namespace_only(
        self, value: str, names: list[str]
    ) -> None:
        env = [{"name": "PILOT_SCOPE_GATEWAY_TO_NAMESPACE", "value": value}]
        control = pod(
            "istiod-1",
            "istio-system",
            proxy=None,
            labels={"app": "istiod"},
            containers=[{"name": "discovery", "env": env}],
        )
        assert chosen(control, running("a"), running("b", "pay"), gateway()) == names


class TestGatewayWorkloads:
    def test_a_template_of_nothing_but_a_proxy_is_one_without_any_pod(self) -> None:
        edge = deployment("edge", labels=EDGE, containers=[{"name": "istio-proxy"}])
        snapshot = mesh([edge, deployment("app"), gateway(selector=EDGE)])
        (found,) = gateway_workloads(snapshot)
        assert (found.name, makes_gateways(found)) == ("edge", True)
        assert configures(snapshot, snapshot.catalog.of(GATEWAY)[0], found)

    def test_a_pod_of_nothing_but_a_proxy_makes_its_owner_one(self) -> None:
        snapshot = mesh([running("edge-1", owner="edge")])
        assert [str(item) for item in gateway_workloads(snapshot)] == ["Deployment shop/edge"]

    def test_ztunnel_and_applications_are_none(self) -> None:
        ztunnel = deployment(
            "ztunnel", labels={"app": "ztunnel"}, containers=[{"name": "istio-proxy"}]
        )
        assert gateway_workloads(mesh([ztunnel, deployment("app"), pod("a-1")])) == ()

    def test_the_arguments_decide_where_they_are_known(self) -> None:
        objects = [running("a", words=("proxy", "sidecar")), running("b")]
        assert [is_router(item) for item in mesh(objects).catalog.of(POD)] == [False, True]
