"""Who is in ambient mode, which waypoint serves whom, and what only a waypoint can judge."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.ambient import Enrolment, enrolments, uses_ambient, ztunnel_daemonset
from meshdoctor.intent.ambient_policies import http_fields
from meshdoctor.intent.waypoints import (
    USE_WAYPOINT_NAMESPACE,
    bindings,
    serving,
    waypoint_of,
    why_not_served,
)
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, KUBERNETES_GATEWAY, SERVICE
from tests.build import istio_object, mesh, namespace, pod, service
from tests.unit.analyze.ambient_build import (
    MODE,
    USE,
    ambient_namespace,
    captured,
    daemonset,
    waypoint,
    ztunnel_pod,
)


def stands(made: dict[str, Any], *spaces: dict[str, Any]) -> str:
    found = enrolments(mesh([*(spaces or [ambient_namespace()]), made]))
    (kind,) = [kind for kind, pods in found.items() if pods]
    return kind.value


def plain(space: str = "till", *, proxy: str | None = None, own: str = "") -> dict[str, Any]:
    made = pod("p-1", space, proxy=proxy)
    if own:
        made["metadata"]["labels"][MODE] = own
    return made


class TestEnrolment:
    def test_a_pod_that_was_taken_in_is_captured_whatever_the_labels_say(self) -> None:
        assert stands(captured("seller", "10.1.0.2"), namespace("till")) == Enrolment.CAPTURED

    def test_a_pod_that_no_ztunnel_serves_yet_is_pending(self) -> None:
        made = captured("seller", "10.1.0.2")
        made["metadata"]["annotations"] = {"ambient.istio.io/redirection": "pending"}
        assert stands(made) == Enrolment.PENDING

    def test_a_pod_of_an_ambient_namespace_is_wanted(self) -> None:
        assert stands(plain()) == Enrolment.WANTED

    def test_a_pods_own_label_beats_its_namespaces(self) -> None:
        assert stands(plain(own="none")) == Enrolment.OPTED_OUT
        assert stands(plain(own="ambient"), namespace("till")) == Enrolment.WANTED

    def test_the_older_annotation_opts_out_as_well(self) -> None:
        made = plain()
        made["metadata"]["annotations"] = {"ambient.istio.io/redirection": "disabled"}
        assert stands(made) == Enrolment.OPTED_OUT

    def test_an_opt_out_where_nothing_asks_is_none(self) -> None:
        assert stands(plain(own="none"), namespace("till")) == Enrolment.OUTSIDE

    @pytest.mark.parametrize("proxy", ["native", "classic"])
    def test_an_injected_sidecar_wins(self, proxy: str) -> None:
        assert stands(plain(proxy=proxy)) == Enrolment.OUTSIDE

    def test_the_hosts_network_stays_out(self) -> None:
        assert stands(pod("p-1", "till", proxy=None, hostNetwork=True)) == Enrolment.OUTSIDE

    def test_kube_system_stays_out(self) -> None:
        assert stands(plain("kube-system"), ambient_namespace("kube-system")) == Enrolment.OUTSIDE

    def test_the_meshs_own_pods_stay_out(self) -> None:
        space = ambient_namespace("istio-system")
        assert stands(ztunnel_pod(), space) == Enrolment.OUTSIDE

    def test_a_mesh_of_sidecars_does_not_use_ambient(self) -> None:
        assert not uses_ambient(mesh([namespace("till"), plain(proxy="native")]))
        assert uses_ambient(mesh([ambient_namespace()]))

    def test_ztunnels_daemonset_is_known_by_its_pods_label(self) -> None:
        found = mesh([daemonset()])
        assert str(ztunnel_daemonset(found)) == "DaemonSet istio-system/ztunnel"
        assert ztunnel_daemonset(mesh()) is None


def labelled_service(**labels: str) -> dict[str, Any]:
    made = service("seller", "till")
    made["metadata"]["labels"] = labels
    return made


def named(*objects: dict[str, Any]) -> str | None:
    found = mesh(objects)
    item = found.catalog.find(SERVICE, "till", "seller")
    assert item is not None
    return str(name) if (name := waypoint_of(found, item)) else None


class TestBinding:
    def test_a_namespaces_label_binds_its_services(self) -> None:
        space = ambient_namespace("till", **{USE: "edge"})
        assert named(space, labelled_service()) == "Gateway till/edge"

    def test_a_services_own_label_beats_its_namespaces(self) -> None:
        space = ambient_namespace("till", **{USE: "edge"})
        assert named(space, labelled_service(**{USE: "own"})) == "Gateway till/own"
        assert named(space, labelled_service(**{USE: "none"})) is None

    def test_the_gateway_may_stand_in_another_namespace(self) -> None:
        labels = {USE: "edge", USE_WAYPOINT_NAMESPACE: "infra"}
        assert named(ambient_namespace(), labelled_service(**labels)) == "Gateway infra/edge"

    def test_a_waypoints_own_service_is_bound_to_nothing(self) -> None:
        own = labelled_service(**{"gateway.networking.k8s.io/gateway-name": "edge"})
        found = mesh([ambient_namespace("till", **{USE: "edge"}), own])
        assert [item.services for item in bindings(found)] == [()]

    @pytest.mark.parametrize(
        ("use", "served"), [("service", True), ("all", True), ("workload", False), ("none", False)]
    )
    def test_waypoint_for_says_whether_services_are_served(self, use: str, served: bool) -> None:
        gateway = waypoint(**{"istio.io/waypoint-for": use})
        found = mesh([ambient_namespace(), labelled_service(**{USE: "edge"}), gateway])
        (binding,) = bindings(found)
        assert (serving(found, binding.services[0]) is not None) is served
        item = found.catalog.find(KUBERNETES_GATEWAY, "till", "edge")
        assert item is not None
        assert (why_not_served(found, binding, item) is None) is served

    @pytest.mark.parametrize(
        ("rule", "served"),
        [
            ({}, False),
            ({"from": "Same"}, False),
            ({"from": "All"}, True),
            ({"from": "Selector", "selector": {"matchLabels": {MODE: "ambient"}}}, True),
            ({"from": "Selector", "selector": {"matchLabels": {"team": "x"}}}, False),
        ],
        ids=["default", "same", "all", "selected", "not-selected"],
    )
    def test_allowed_routes_say_which_namespaces_are_served(
        self, rule: dict[str, Any], served: bool
    ) -> None:
        gateway = waypoint(space="infra")
        gateway["spec"]["listeners"][0]["allowedRoutes"] = {"namespaces": rule}
        labels = {USE: "edge", USE_WAYPOINT_NAMESPACE: "infra"}
        found = mesh([ambient_namespace(), labelled_service(**labels), gateway])
        (binding,) = bindings(found)
        assert (serving(found, binding.services[0]) is not None) is served


def fields(*rules: dict[str, Any]) -> list[str]:
    found = mesh([istio_object("AuthorizationPolicy", "p", rules=list(rules))])
    (policy,) = found.catalog.of(AUTHORIZATION_POLICY)
    items = http_fields(policy)
    assert all(policy.get(*item.path) is not None for item in items)
    return [item.word for item in items]


class TestHttpFields:
    @pytest.mark.parametrize("word", ["methods", "notPaths", "hosts"])
    def test_what_only_http_has_is_named(self, word: str) -> None:
        assert fields({"to": [{"operation": {word: ["x"]}}]}) == [word]

    def test_tokens_and_conditions_on_requests_are_http(self) -> None:
        rule = {
            "from": [{"source": {"requestPrincipals": ["*"]}}],
            "when": [{"key": "request.headers[x]", "values": ["1"]}],
        }
        assert fields(rule) == ["requestPrincipals", "request.headers[x]"]

    def test_what_a_connection_has_is_not(self) -> None:
        rule = {
            "from": [{"source": {"principals": ["a"], "namespaces": ["b"], "ipBlocks": ["::/0"]}}],
            "to": [{"operation": {"ports": ["8080"]}}],
            "when": [{"key": "source.namespace", "values": ["b"]}],
        }
        assert fields(rule) == []
