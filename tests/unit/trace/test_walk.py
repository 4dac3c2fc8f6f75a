from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from meshdoctor.model.trace import Basis, Place, Verdict
from tests import build
from tests.unit.parse.envoy import dumps
from tests.unit.trace.trace_build import (
    DELIVERED,
    HOST,
    OUT,
    PANIC_OFF,
    SERVER_IP,
    Mesh,
    certificate,
    endpoint,
    ends,
    host_status,
    inbound_chain,
    rbac_rule,
)


def plain(name: str = "ratings-v1") -> dict[str, Any]:
    return build.pod("ratings", ip=SERVER_IP, labels={"app": "ratings"}, proxy=None)


def test_a_healthy_mesh_delivers_and_names_every_hop_in_order() -> None:
    found = Mesh().walk()
    assert ends(found) == [DELIVERED]
    assert [hop.what for hop in found.hops] == [
        "name",
        "listener",
        "route",
        "cluster",
        "transport socket",
        "network",
        "filter chain",
        "cluster",
        "application",
    ]
    assert not found.fails
    assert (found.differences, found.unknown) == ((), ())
    assert all(hop.evidence or hop.basis is Basis.INTENT for hop in found.hops[:3])


class TestClient:
    def test_a_cluster_that_is_not_held_is_nc_at_the_route_s_virtual_service(self) -> None:
        lost = OUT.replace("||", "|v3|")
        metadata = dumps.back_pointer("virtual-service", "ratings")
        mesh = Mesh(routes=[dumps.to(lost, metadata=metadata)])
        mesh.objects.append(build.istio_object("VirtualService", "ratings", hosts=["ratings"]))
        found = mesh.walk()
        assert ends(found) == [(503, "NC")]
        assert found.outcomes[0].objects == ("VirtualService shop/ratings",)

    def test_the_gateway_api_asks_for_500_where_a_cluster_is_not_held(self) -> None:
        route = {"cluster": "none", "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}
        found = Mesh(routes=[{"match": {"prefix": "/"}, "route": route}]).walk()
        assert ends(found) == [(500, "NC")]

    def test_a_path_that_no_route_takes_is_nr(self) -> None:
        mesh = Mesh(routes=[dumps.to(OUT, prefix="/api")])
        assert ends(mesh.walk(path="/")) == [(404, "NR")]
        assert ends(mesh.walk(path="/api/x")) == [DELIVERED]

    @pytest.mark.parametrize(
        ("headers", "delivered"),
        [({"x-user": "anna"}, True), ({"x-user": "bob"}, False), ({}, False)],
    )
    def test_headers_decide_between_routes(
        self, headers: dict[str, str], *, delivered: bool
    ) -> None:
        wanted = [{"name": "x-user", "string_match": {"exact": "anna"}}]
        match = {"prefix": "/", "headers": wanted}
        found = Mesh(routes=[{"match": match, "route": {"cluster": OUT}}]).walk(headers=headers)
        assert found.fails is not delivered

    def test_weights_share_the_requests(self) -> None:
        weighted = {
            "clusters": [
                {"name": OUT, "weight": 75},
                {"name": "gone", "weight": 25},
                {"name": "idle", "weight": 0},
            ]
        }
        route = {"match": {"prefix": "/"}, "route": {"weighted_clusters": weighted}}
        found = Mesh(routes=[route]).walk()
        assert ends(found) == [DELIVERED, (503, "NC")]
        assert [outcome.share for outcome in found.outcomes] == [0.75, 0.25]

    def test_a_fault_ends_its_part_and_the_rest_goes_on(self) -> None:
        fault = {"abort": {"http_status": 555, "percentage": {"numerator": 30}}}
        entry = dumps.to(OUT, typed_per_filter_config={"envoy.filters.http.fault": fault})
        found = Mesh(routes=[entry]).walk()
        assert ends(found) == [DELIVERED, (555, "FI")]
        assert found.outcomes[1].share == pytest.approx(0.3)

    def test_a_delay_is_a_flag_on_what_is_delivered(self) -> None:
        fault = {"delay": {"fixed_delay": "2s", "percentage": {"numerator": 100}}}
        entry = dumps.to(OUT, typed_per_filter_config={"envoy.filters.http.fault": fault})
        assert ends(Mesh(routes=[entry]).walk()) == [(None, "DI")]

    def test_an_unknown_host_under_registry_only_is_a_direct_response_of_the_sidecar_s(
        self,
    ) -> None:
        blocked = {"match": {"prefix": "/"}, "direct_response": {"status": 502}}
        mesh = Mesh(catch_all=dumps.host("block_all", blocked))
        policy = {"mode": "REGISTRY_ONLY"}
        mesh.objects.append(build.istio_object("Sidecar", "default", outboundTrafficPolicy=policy))
        found = mesh.walk(host="api.partner.example")
        assert ends(found) == [(502, "")]
        assert found.outcomes[0].details == "direct_response"
        assert found.outcomes[0].objects == ("Sidecar shop/default",)

    def test_a_redirect_is_no_failure(self) -> None:
        entry = {"match": {"prefix": "/"}, "redirect": {"response_code": "FOUND"}}
        found = Mesh(routes=[entry]).walk()
        assert ends(found) == [(302, "")]
        assert not found.fails

    def test_a_client_whose_dump_was_not_read_gives_way_to_its_objects(self) -> None:
        found = Mesh(client_read=False).walk()
        assert (ends(found), found.is_known) == ([DELIVERED], True)
        client = [hop for hop in found.hops if hop.place is Place.CLIENT_PROXY]
        assert client
        assert all(hop.basis is Basis.INTENT for hop in client)
        assert "config_dump" in found.unknown[0].what
        assert not found.unknown[0].decisive

    def test_a_client_without_a_sidecar_goes_by_the_endpoint_slices(self) -> None:
        mesh = Mesh(client=build.pod("client", owner="client-v1", ip="10.244.0.10", proxy=None))
        assert not mesh.walk().fails
        mesh.inbound = [inbound_chain(tls=True)]
        found = mesh.walk()
        assert found.outcomes[0].details == "connection reset by peer"
        assert "Deployment shop/client-v1" in found.outcomes[0].objects

    def test_a_port_that_capture_leaves_out_passes_the_sidecar_by(self) -> None:
        mesh = Mesh(inbound=[inbound_chain(tls=True)])
        key = "traffic.sidecar.istio.io/excludeOutboundPorts"
        mesh.client["metadata"]["annotations"][key] = "8080"
        assert mesh.walk().outcomes[0].details == "connection reset by peer"
        mesh.client["metadata"]["annotations"][key] = "80,18080"
        assert ends(mesh.walk()) == [DELIVERED]


class TestHosts:
    def test_no_endpoint_is_uh(self) -> None:
        found = Mesh(endpoints=[]).walk()
        assert ends(found) == [(503, "UH")]
        assert found.outcomes[0].details == "no_healthy_upstream"

    def test_an_unready_endpoint_is_uh_unless_the_panic_threshold_says_otherwise(self) -> None:
        unready = [endpoint(health_status="UNHEALTHY")]
        assert ends(Mesh(endpoints=unready).walk()) == [(503, "UH")]
        panicking = Mesh(endpoints=unready)
        panicking.cluster = {"transport_socket_matches": dumps.automatic_tls()}
        assert ends(panicking.walk()) == [DELIVERED]

    def test_an_ejected_host_is_uh_until_it_comes_back(self) -> None:
        found = Mesh(hosts=[host_status(ejected=True)]).walk()
        assert ends(found) == [(503, "UH"), DELIVERED]
        assert (found.outcomes[0].condition, found.outcomes[1].share) == ("", 0.0)
        assert found.outcomes[1].condition

    def test_one_ejected_host_of_two_leaves_the_other(self) -> None:
        other = "10.244.0.99"
        hosts = [host_status(ejected=True, address=other), host_status()]
        found = Mesh(hosts=hosts, endpoints=[endpoint(), endpoint(other)]).walk()
        assert ends(found) == [DELIVERED]

    def test_a_limit_adds_an_overflow_under_load_only(self) -> None:
        limits = {"thresholds": [{"max_connections": 1, "max_requests": 4294967295}]}
        mesh = Mesh()
        metadata = dumps.back_pointer("destination-rule", "ratings")
        mesh.objects.append(build.istio_object("DestinationRule", "ratings", host="ratings"))
        assert mesh.cluster is not None
        mesh.cluster |= {"circuit_breakers": limits, "metadata": metadata}
        found = mesh.walk()
        assert ends(found) == [DELIVERED, (503, "UO")]
        assert not found.fails
        assert found.outcomes[1].objects == ("DestinationRule shop/ratings",)

    def test_a_timeout_counts_as_far_as_the_host_s_counters_tell(self) -> None:
        route = {"cluster": OUT, "timeout": "0.5s"}
        routes = [{"match": {"prefix": "/"}, "route": route}]
        slow = Mesh(routes=routes, hosts=[host_status(rq_total=8, rq_timeout=8)])
        assert ends(slow.walk()) == [(504, "UT")]
        half = Mesh(routes=routes, hosts=[host_status(rq_total=8, rq_timeout=2)])
        assert ends(half.walk()) == [DELIVERED, (504, "UT")]
        assert ends(Mesh(routes=routes, hosts=[host_status(rq_total=8)]).walk()) == [DELIVERED]

    def test_an_endpoint_without_its_pod_never_answers_and_is_out_of_date(self) -> None:
        found = Mesh(endpoints=[endpoint("10.244.0.77")]).walk()
        assert ends(found) == [(0, "DC"), (503, "URX,UF")]
        assert found.outcomes[1].condition
        assert any("10.244.0.77" in item.text for item in found.differences)

    def test_a_host_that_no_connection_ever_reached_never_answers(self) -> None:
        outside = dumps.lb_endpoint(dumps.socket("203.0.113.9", 8080))
        dead = host_status("203.0.113.9", cx_total=4, cx_connect_fail=3)
        found = Mesh(endpoints=[outside], hosts=[dead]).walk()
        assert ends(found)[0] == (0, "DC")
        alive = host_status("203.0.113.9", cx_total=4, rq_total=4)
        assert ends(Mesh(endpoints=[outside], hosts=[alive]).walk()) == [DELIVERED]


class TestTls:
    def test_plaintext_meets_a_strict_server(self) -> None:
        mesh = Mesh(inbound=[inbound_chain(tls=True)], cluster={"common_lb_config": PANIC_OFF})
        mesh.objects.append(
            build.istio_object("PeerAuthentication", "default", mtls={"mode": "STRICT"})
        )
        found = mesh.walk()
        assert ends(found) == [(503, "UC")]
        assert found.outcomes[0].objects == ("PeerAuthentication shop/default",)
        assert found.differences == ()

    def test_automatic_tls_follows_the_endpoint(self) -> None:
        mesh = Mesh(inbound=[inbound_chain(tls=True)])
        assert ends(mesh.walk()) == [DELIVERED]
        mesh.endpoints = [endpoint(tls="disabled")]
        assert ends(mesh.walk()) == [(503, "UC")]

    def test_forced_mutual_tls_meets_a_pod_without_a_sidecar(self) -> None:
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA")}
        found = Mesh(cluster=forced, server=plain(), server_read=False).walk()
        assert ends(found) == [(503, "URX,UF")]
        assert "WRONG_VERSION_NUMBER" in found.outcomes[0].details
        automatic = Mesh(server=plain(), server_read=False, endpoints=[endpoint(tls="")])
        assert ends(automatic.walk()) == [DELIVERED]

    def test_forced_mutual_tls_meets_a_port_that_takes_plaintext_only(self) -> None:
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA")}
        found = Mesh(cluster=forced, inbound=[inbound_chain(tls=False)]).walk()
        assert ends(found) == [(503, "URX,UF")]
        assert "WRONG_VERSION_NUMBER" in found.outcomes[0].details

    def test_a_server_of_another_name_is_not_accepted(self) -> None:
        names = ("spiffe://cluster.local/ns/shop/sa/somebody",)
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA", sans=names)}
        found = Mesh(cluster=forced).walk()
        assert ends(found) == [(503, "URX,UF")]
        assert "CERTIFICATE_VERIFY_FAILED" in found.outcomes[0].details
        right = ("spiffe://cluster.local/ns/shop/sa/default",)
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA", sans=right)}
        assert ends(Mesh(cluster=forced).walk()) == [DELIVERED]

    def test_a_certificate_out_of_date_is_refused(self) -> None:
        mesh = Mesh(server_certs=(certificate(build.NOW - timedelta(hours=1)),))
        assert ends(mesh.walk()) == [(503, "URX,UF")]
        mesh.server_certs = (certificate(build.NOW + timedelta(hours=1)),)
        assert ends(mesh.walk()) == [DELIVERED]

    def test_the_name_in_the_certificate_counts_not_the_one_expected(self) -> None:
        names = ("spiffe://cluster.local/ns/shop/sa/somebody",)
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA", sans=names)}
        other = certificate(build.NOW + timedelta(hours=1), names[0])
        assert ends(Mesh(cluster=forced, server_certs=(other,)).walk()) == [DELIVERED]

    def test_an_inbound_port_that_capture_leaves_out_gets_tls_it_cannot_read(self) -> None:
        mesh = Mesh()
        key = "traffic.sidecar.istio.io/excludeInboundPorts"
        mesh.server["metadata"]["annotations"][key] = "8080"
        assert ends(mesh.walk()) == [(503, "URX,UF")]

    def test_without_retries_there_is_no_urx(self) -> None:
        forced = {"transport_socket": dumps.upstream_tls("default", "ROOTCA")}
        mesh = Mesh(cluster=forced, server=plain(), server_read=False, routes=[dumps.to(OUT)])
        assert ends(mesh.walk()) == [(503, "UF")]


class TestServer:
    def test_a_network_policy_lets_nothing_through(self) -> None:
        policy = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "closed", "namespace": "shop"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        }
        found = Mesh(objects=[policy]).walk()
        assert ends(found) == [(0, "DC"), (503, "URX,UF")]
        assert found.outcomes[0].objects == ("NetworkPolicy shop/closed",)
        open_policy = {**policy, "spec": {"podSelector": {}, "ingress": [{}]}}
        assert ends(Mesh(objects=[open_policy]).walk()) == [DELIVERED]

    def test_a_refused_application_is_a_status_of_the_server_s_proxy(self) -> None:
        refusing = host_status(cx_total=5, cx_connect_fail=5)
        found = Mesh(inbound_hosts=[refusing]).walk()
        (outcome,) = found.outcomes
        assert (outcome.status, outcome.flags, outcome.delivered) == (503, (), False)
        assert (outcome.details, outcome.origin_flags) == ("via_upstream", ("UF",))
        assert outcome.place is Place.SERVER_PROXY
        assert outcome.objects[0] == "Service shop/ratings"

    def test_a_crashed_container_takes_no_connection(self) -> None:
        mesh = Mesh()
        mesh.server["status"]["containerStatuses"][0]["state"] = {
            "waiting": {"reason": "CrashLoopBackOff"}
        }
        found = mesh.walk()
        assert (found.outcomes[0].status, found.fails) == (503, True)
        assert "CrashLoopBackOff" in found.outcomes[0].because

    def test_a_server_whose_dump_was_not_read_is_walked_by_its_objects(self) -> None:
        mesh = Mesh(server_read=False, endpoints=[endpoint(tls="disabled")])
        found = mesh.walk()
        assert ends(found) == [DELIVERED]
        assert any(h.basis is Basis.INTENT and h.place is Place.SERVER_PROXY for h in found.hops)
        assert not found.unknown[0].decisive
        mesh.objects.append(
            build.istio_object("PeerAuthentication", "default", mtls={"mode": "STRICT"})
        )
        assert ends(mesh.walk()) == [(503, "UC")]

    def test_a_listener_that_was_never_sent_takes_nothing(self) -> None:
        mesh = Mesh()
        mesh.inbound = [
            dumps.chain(
                dumps.tcp("BlackHoleCluster"), filter_chain_match={"destination_port": 15006}
            )
        ]
        found = mesh.walk()
        assert found.fails
        assert found.outcomes[0].origin_details or "TLS_error" in found.outcomes[0].details


class TestPolicies:
    def policy(self, **rule: Any) -> dict[str, Any]:
        return build.istio_object("AuthorizationPolicy", "allow", rules=[rule])

    def guarded(self, **rule: Any) -> Mesh:
        filters = (rbac_rule("allow"),)
        chains = [inbound_chain(tls=tls, filters=filters) for tls in (True, False)]
        return Mesh(inbound=chains, objects=[self.policy(**rule)])

    def test_an_identity_that_no_rule_allows_is_denied_by_the_server(self) -> None:
        names = ["cluster.local/ns/shop/sa/web"]
        found = self.guarded(**{"from": [{"source": {"principals": names}}]}).walk()
        assert ends(found) == [(403, "")]
        assert found.outcomes[0].origin_details == "rbac_access_denied_matched_policy[none]"
        assert found.outcomes[0].objects == ("AuthorizationPolicy shop/allow",)
        names = ["cluster.local/ns/shop/sa/default"]
        allowed = self.guarded(**{"from": [{"source": {"principals": names}}]})
        assert ends(allowed.walk()) == [DELIVERED]

    def test_method_and_path_are_the_request_s(self) -> None:
        operation = {"methods": ["GET"], "paths": ["/open/*"]}
        mesh = self.guarded(to=[{"operation": operation}])
        assert ends(mesh.walk(path="/open/x?y=1")) == [DELIVERED]
        assert ends(mesh.walk(path="/open/x", method="POST")) == [(403, "")]

    def test_an_unknown_token_gives_both_ways_only_where_a_rule_asks_for_one(self) -> None:
        wanted = {"from": [{"source": {"requestPrincipals": ["*"]}}]}
        provider = {"issuer": "https://issuer.example", "local_jwks": {"inline_string": "{}"}}
        jwt = {
            "name": "envoy.filters.http.jwt_authn",
            "typed_config": dumps.typed(
                "filters.http.jwt_authn.v3.JwtAuthentication", providers={"origins-0": provider}
            ),
        }
        filters = (jwt, rbac_rule("allow"))
        mesh = Mesh(inbound=[inbound_chain(tls=True, filters=filters)])
        mesh.objects.append(self.policy(**wanted))
        assert set(ends(mesh.walk(has_token=None))) == {(403, ""), DELIVERED, (401, "")}
        assert ends(mesh.walk(has_token=False)) == [(403, "")]
        good = {"iss": "https://issuer.example", "sub": "anna"}
        assert ends(mesh.walk(has_token=True, claims=good)) == [DELIVERED]
        found = mesh.walk(has_token=True, claims={"iss": "https://other.example"})
        assert ends(found) == [(401, "")]
        assert "issuer_is_not_configured" in found.outcomes[0].origin_details

    def test_old_connections_outlive_a_change_of_the_listener_for_a_while(self) -> None:
        mesh = self.guarded(**{"from": [{"source": {"namespaces": ["pay"]}}]})
        assert ends(mesh.walk()) == [(403, "")]
        mesh.inbound_updated = "2026-11-21T07:59:50Z"
        found = mesh.walk()
        assert ends(found) == [(403, ""), DELIVERED]
        assert found.outcomes[1].condition

    def test_a_policy_that_the_proxy_does_not_hold_is_a_difference_with_its_age(self) -> None:
        found = Mesh(objects=[self.policy(**{"from": [{"source": {"namespaces": ["x"]}}]})]).walk()
        assert ends(found) == [DELIVERED]
        (difference,) = found.differences
        assert difference.objects == ("AuthorizationPolicy shop/allow",)
        assert difference.age == 2930.0

    def test_what_a_proxy_holds_of_a_deleted_policy_is_a_difference(self) -> None:
        mesh = self.guarded()
        mesh.objects.clear()
        found = mesh.walk()
        assert "not there any more" in found.differences[0].text


def virtual_service(**more: Any) -> dict[str, Any]:
    route = {"route": [{"destination": {"host": "ratings"}}]}
    return build.istio_object("VirtualService", "r", hosts=["ratings"], http=[route], **more)


def test_a_virtual_service_whose_routes_are_not_held_is_a_difference() -> None:
    found = Mesh(objects=[virtual_service()]).walk()
    (difference,) = found.differences
    assert difference.objects == ("VirtualService shop/r",)
    held = dumps.to(OUT, metadata=dumps.back_pointer("virtual-service", "r"))
    assert Mesh(objects=[virtual_service()], routes=[held]).walk().differences == ()
    outside = virtual_service(gateways=["front"])
    assert Mesh(objects=[outside]).walk().differences == ()


def test_every_failing_walk_has_a_hop_that_fails() -> None:
    broken = [
        Mesh(endpoints=[]),
        Mesh(cluster=None),
        Mesh(inbound=[inbound_chain(tls=True)], cluster={}),
        Mesh(inbound_hosts=[host_status(cx_total=5, cx_connect_fail=5)]),
    ]
    for mesh in broken:
        found = mesh.walk()
        assert found.fails
        assert any(hop.verdict is Verdict.FAILS for hop in found.hops)


def test_shares_of_what_happens_anyway_make_a_whole() -> None:
    hosts = [endpoint(), endpoint("10.244.0.77"), endpoint("10.244.0.78")]
    found = Mesh(endpoints=hosts).walk()
    total = sum(outcome.share for outcome in found.outcomes if not outcome.condition)
    assert total == pytest.approx(1.0)
    assert HOST in found.hops[0].because
