from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Request, Walk
from meshdoctor.trace.walk import walk
from tests import build
from tests.unit.trace.trace_build import SERVER_IP

WAYPOINT = "istio.io/use-waypoint"


def ambient(name: str, ip: str) -> dict[str, Any]:
    item = build.pod(name, ip=ip, labels={"app": name}, proxy=None, nodeName="n1")
    item["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}
    return item


def walked(*objects: dict[str, Any], ztunnel: bool = True, waypoint: str = "") -> Walk:
    service = build.service("callee")
    service["metadata"]["labels"] = {WAYPOINT: waypoint} if waypoint else {}
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "callee-1",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": "callee"},
        },
        "endpoints": [{"addresses": [SERVER_IP]}],
    }
    tunnel = build.pod("ztunnel-1", "istio-system", labels={"app": "ztunnel"}, nodeName="n1")
    mesh = build.mesh(
        [
            build.namespace("shop"),
            service,
            slices,
            ambient("caller", "10.244.0.11"),
            ambient("callee", SERVER_IP),
            *([tunnel] if ztunnel else []),
            *objects,
        ]
    )
    client = mesh.catalog.find(POD, "shop", "caller")
    assert client is not None
    return walk(mesh, Request(client=client, host="callee", port=8080))


def policy(**rule: Any) -> dict[str, Any]:
    return build.istio_object("AuthorizationPolicy", "only", rules=[rule])


def network_policy(port: int) -> dict[str, Any]:
    ingress = [{"ports": [{"port": port, "protocol": "TCP"}]}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "some-port", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "callee"}}, "ingress": ingress},
    }


def test_two_pods_in_ambient_mode_reach_each_other_even_under_strict() -> None:
    assert not walked().fails
    strict = build.istio_object("PeerAuthentication", "default", mtls={"mode": "STRICT"})
    assert not walked(strict).fails


def test_without_a_ztunnel_on_the_node_nothing_gets_through() -> None:
    found = walked(ztunnel=False)
    assert found.outcomes[0].details == "connection timed out"


@pytest.mark.parametrize(("port", "fails"), [(8080, True), (15008, False)])
def test_a_network_policy_must_let_the_tunnel_s_port_through(port: int, *, fails: bool) -> None:
    found = walked(network_policy(port))
    assert found.fails is fails
    if fails:
        assert found.outcomes[0].objects == ("NetworkPolicy shop/some-port",)


def test_ztunnel_never_allows_by_a_rule_about_http() -> None:
    assert walked(policy(to=[{"operation": {"methods": ["GET"]}}])).fails
    names = ["cluster.local/ns/shop/sa/default"]
    assert not walked(policy(**{"from": [{"source": {"principals": names}}]})).fails


class TestWaypoint:
    def gateway(
        self, *, ready: bool, serves: str = "service", protocol: str = "HBONE"
    ) -> list[dict[str, Any]]:
        labels = {
            "gateway.networking.k8s.io/gateway-name": "wp",
            "gateway.istio.io/managed": "istio.io-mesh-controller",
        }
        pod = build.pod("wp-1", ip="10.244.0.40", labels=labels, proxy=None, ready=ready)
        pod["spec"]["serviceAccountName"] = "wp"
        pod["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2"}]
        gateway = build.istio_object(
            "Gateway", "wp", group="gateway.networking.k8s.io", listeners=[{"protocol": protocol}]
        )
        gateway["metadata"]["labels"] = {"istio.io/waypoint-for": serves}
        return [gateway, pod]

    def test_one_that_is_not_there_is_passed_by(self) -> None:
        found = walked(waypoint="wp")
        assert not found.fails
        assert any(hop.what == "waypoint" for hop in found.hops)

    @pytest.mark.parametrize("ready", [True, False])
    def test_one_without_a_ready_pod_ends_the_request(self, *, ready: bool) -> None:
        found = walked(*self.gateway(ready=ready), waypoint="wp")
        assert found.fails is not ready

    def test_its_own_policies_judge_the_request(self) -> None:
        target = [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "wp"}]
        rules = [{"to": [{"operation": {"methods": ["POST"]}}]}]
        own = build.istio_object("AuthorizationPolicy", "post", rules=rules, targetRefs=target)
        found = walked(own, *self.gateway(ready=True), waypoint="wp")
        assert [o.status for o in found.outcomes] == [403]
        assert found.outcomes[0].objects == ("AuthorizationPolicy shop/post",)

    @pytest.mark.parametrize(
        ("serves", "method", "status"),
        [("service", "POST", 403), ("all", "POST", 403), ("workload", "POST", None)],
    )
    def test_policies_bound_to_the_service_judge_where_a_waypoint_serves_it(
        self, serves: str, method: str, status: int | None
    ) -> None:
        target = [{"group": "", "kind": "Service", "name": "callee"}]
        rules = [{"to": [{"operation": {"methods": [method]}}]}]
        own = build.istio_object("AuthorizationPolicy", "post", rules=rules, targetRefs=target)
        found = walked(own, *self.gateway(ready=True, serves=serves), waypoint="wp")
        assert [o.status for o in found.outcomes] == [status]

    def test_an_allow_policy_without_rules_denies_at_the_waypoint_and_is_named(self) -> None:
        target = [{"group": "", "kind": "Service", "name": "callee"}]
        own = build.istio_object("AuthorizationPolicy", "nobody", targetRefs=target)
        found = walked(own, *self.gateway(ready=True), waypoint="wp")
        assert found.outcomes[0].objects == ("AuthorizationPolicy shop/nobody",)

    @pytest.mark.parametrize(("account", "fails"), [("wp", False), ("default", True)])
    def test_the_server_s_ztunnel_sees_the_waypoint_and_not_its_caller(
        self, account: str, *, fails: bool
    ) -> None:
        names = [f"cluster.local/ns/shop/sa/{account}"]
        selected = policy(**{"from": [{"source": {"principals": names}}]})
        assert walked(selected, *self.gateway(ready=True), waypoint="wp").fails is fails

    def test_a_gateway_that_is_no_waypoint_is_passed_by(self) -> None:
        assert walked(*self.gateway(ready=False), waypoint="wp").fails
        found = walked(*self.gateway(ready=False, protocol="HTTP"), waypoint="wp")
        assert not found.fails
        (hop,) = [hop for hop in found.hops if hop.what == "waypoint"]
        assert "does not serve it: passed by" in hop.because

    def test_none_opts_out(self) -> None:
        found = walked(*self.gateway(ready=False), waypoint="none")
        assert not found.fails
