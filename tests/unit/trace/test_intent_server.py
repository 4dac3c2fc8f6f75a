from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.trace import Basis, Place
from tests import build
from tests.unit.trace.intent_build import V1, Asked, policy, rule, shares, slice_of, to

OK = {"ok": 1.0}


def one_server(*objects: dict[str, Any], **parts: Any) -> Asked:
    return Asked(list(objects), endpoints=slice_of("ratings", "shop", V1), **parts)


def peers(mode: str) -> dict[str, Any]:
    return build.istio_object("PeerAuthentication", "default", mtls={"mode": mode})


def speaks(mode: str, **tls: Any) -> dict[str, Any]:
    return policy(trafficPolicy={"tls": {"mode": mode, **tls}})


def bare() -> dict[str, Any]:
    return build.pod("ratings-v1", proxy=None, ip=V1, labels={"app": "ratings"})


class TestMutualTls:
    @pytest.mark.parametrize(
        ("server", "client", "outcome"),
        [
            ("STRICT", None, OK),
            ("STRICT", "ISTIO_MUTUAL", OK),
            ("STRICT", "DISABLE", {"503 UC": 1.0}),
            ("STRICT", "SIMPLE", {"503 URX,UF": 1.0}),
            ("PERMISSIVE", "DISABLE", OK),
            ("DISABLE", None, OK),
            ("DISABLE", "ISTIO_MUTUAL", {"503 URX,UF": 1.0}),
        ],
    )
    def test_what_the_client_sends_must_fit_what_the_server_takes(
        self, server: str, client: str | None, outcome: dict[str, float]
    ) -> None:
        rules = [speaks(client)] if client else []
        assert shares(one_server(peers(server), *rules).walk()) == outcome

    def test_mutual_tls_to_a_pod_without_a_sidecar_fails(self) -> None:
        mesh = one_server(speaks("ISTIO_MUTUAL"), v1=bare())
        found = mesh.walk()
        assert shares(found) == {"503 URX,UF": 1.0}
        assert found.outcomes[0].objects[0] == "DestinationRule shop/ratings"
        assert shares(one_server(v1=bare()).walk()) == OK

    def test_a_name_that_the_server_does_not_have_fails_the_handshake(self) -> None:
        names = ["spiffe://cluster.local/ns/shop/sa/other"]
        mesh = one_server(speaks("ISTIO_MUTUAL", subjectAltNames=names))
        assert shares(mesh.walk()) == {"503 URX,UF": 1.0}
        names = ["spiffe://cluster.local/ns/shop/sa/default"]
        mesh = one_server(speaks("ISTIO_MUTUAL", subjectAltNames=names))
        assert shares(mesh.walk()) == OK


class TestPolicies:
    @staticmethod
    def allow(*principals: str) -> dict[str, Any]:
        rules = [{"from": [{"source": {"principals": list(principals)}}]}]
        return build.istio_object("AuthorizationPolicy", "who-may", rules=rules)

    def test_a_caller_that_no_rule_names_is_denied(self) -> None:
        found = one_server(self.allow("cluster.local/ns/shop/sa/other")).walk()
        assert shares(found) == {"403": 1.0}
        assert found.outcomes[0].objects == ("AuthorizationPolicy shop/who-may",)
        assert shares(one_server(self.allow("cluster.local/ns/shop/sa/default")).walk()) == OK

    def test_a_policy_without_rules_denies_and_is_named(self) -> None:
        found = one_server(build.istio_object("AuthorizationPolicy", "nobody")).walk()
        assert shares(found) == {"403": 1.0}
        assert found.outcomes[0].objects == ("AuthorizationPolicy shop/nobody",)

    @pytest.mark.parametrize(
        ("port", "outcome"), [("http", OK), ("", OK), ("tcp-main", {"0": 1.0}), ("tls", {"0": 1.0})]
    )
    def test_a_rule_about_requests_matches_nothing_at_a_port_for_bytes_whoever_calls(
        self, port: str, outcome: dict[str, float]
    ) -> None:
        rules = [{"to": [{"operation": {"methods": ["GET"]}}]}]
        ports = [{"name": port, "port": 8080, "targetPort": 8080, "protocol": "TCP"}]
        mesh = one_server(
            build.istio_object("AuthorizationPolicy", "get", rules=rules),
            client=build.pod("client", proxy=None, ip="10.244.0.10"),
            service=build.service("ratings", ports=ports),
        )
        mesh.endpoints["ports"][0]["name"] = port
        assert shares(mesh.walk()) == outcome

    def test_a_policy_of_the_last_seconds_spares_old_connections(self) -> None:
        fresh = self.allow("cluster.local/ns/shop/sa/other")
        fresh["metadata"]["creationTimestamp"] = build.NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert shares(one_server(fresh).walk()) == {"403": 1.0, "ok": 0.0}

    @pytest.mark.parametrize(
        ("claims", "token", "outcome"),
        [
            ({}, False, OK),
            ({"iss": "good"}, True, OK),
            ({"iss": "bad"}, True, {"401": 1.0}),
            ({}, None, {"ok": 1.0, "401": 0.0}),
        ],
        ids=["no token", "its issuer", "another issuer", "not known"],
    )
    def test_a_token_of_another_issuer_is_refused(
        self, claims: dict[str, str], *, token: bool | None, outcome: dict[str, float]
    ) -> None:
        rules = [{"issuer": "good", "jwksUri": "https://good/keys"}]
        mesh = one_server(build.istio_object("RequestAuthentication", "jwt", jwtRules=rules))
        assert shares(mesh.walk(claims=claims, has_token=token)) == outcome

    def test_keys_that_nobody_can_read_refuse_every_token(self) -> None:
        rules = [{"issuer": "good", "jwks": "garbage"}]
        mesh = one_server(build.istio_object("RequestAuthentication", "jwt", jwtRules=rules))
        found = mesh.walk(claims={"iss": "good"}, has_token=True)
        assert shares(found) == {"401": 1.0}


class TestNetwork:
    @staticmethod
    def closed(**spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "lock", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": "ratings"}}, **spec},
        }

    def test_a_network_policy_keeps_packets_away(self) -> None:
        found = one_server(self.closed(policyTypes=["Ingress"], ingress=[])).walk()
        assert shares(found) == {"0 DC": 1.0, "503 URX,UF": 0.0}
        assert found.outcomes[0].objects == ("NetworkPolicy shop/lock",)

    def test_one_that_lets_everybody_in_does_not(self) -> None:
        assert shares(one_server(self.closed(policyTypes=["Ingress"], ingress=[{}])).walk()) == OK


class TestApplication:
    def test_one_that_listens_on_localhost_only_is_answered_for_by_its_sidecar(self) -> None:
        mesh = one_server()
        mesh.v1["spec"]["containers"][0]["env"] = [{"name": "BIND", "value": "127.0.0.1"}]
        found = mesh.walk()
        assert [(o.status, o.flags, o.details) for o in found.outcomes] == [
            (503, (), "via_upstream")
        ]
        assert found.outcomes[0].place is Place.SERVER_PROXY

    def test_a_service_that_leads_to_a_port_nobody_declares_may_fail(self) -> None:
        ports = [{"name": "http", "port": 8080, "targetPort": 9999, "protocol": "TCP"}]
        mesh = Asked(
            service=build.service("ratings", ports=ports),
            endpoints=slice_of("ratings", "shop", V1, port=9999),
        )
        assert shares(mesh.walk()) == {"503": 0.5, "ok": 0.5}

    def test_its_hop_rests_on_the_objects_too(self) -> None:
        found = one_server().walk()
        assert found.hops[-1].place is Place.APPLICATION
        assert found.hops[-1].basis is Basis.INTENT


class TestRewrites:
    @staticmethod
    def deny(**operation: Any) -> dict[str, Any]:
        rules = [{"to": [{"operation": operation}]}]
        return build.istio_object("AuthorizationPolicy", "shut", action="DENY", rules=rules)

    @pytest.mark.parametrize(("path", "outcome"), [("/api/x", {"403": 1.0}), ("/other", OK)])
    def test_the_server_s_policies_see_the_path_that_the_route_sends(
        self, path: str, outcome: dict[str, float]
    ) -> None:
        match = [{"uri": {"prefix": "/api/"}}]
        rules = [to(match=match, rewrite={"uri": "/internal/"}), to()]
        mesh = one_server(rule(http=rules), self.deny(paths=["/internal/*"]))
        assert shares(mesh.walk(path=path)) == outcome

    def test_they_see_the_host_that_the_route_sends(self) -> None:
        written = rule(http=[to(rewrite={"authority": "hidden"})])
        assert shares(one_server(written, self.deny(hosts=["hidden"])).walk()) == {"403": 1.0}
        assert shares(one_server(self.deny(hosts=["hidden"])).walk()) == OK


class TestIngress:
    @staticmethod
    def sidecar(*entries: dict[str, Any]) -> dict[str, Any]:
        selector = {"labels": {"app": "ratings"}}
        return build.istio_object(
            "Sidecar", "door", workloadSelector=selector, ingress=list(entries)
        )

    def test_an_ingress_that_leads_to_localhost_reaches_what_listens_there_only(self) -> None:
        port = {"number": 8080, "protocol": "HTTP", "name": "http"}
        mesh = one_server(self.sidecar({"port": port, "defaultEndpoint": "127.0.0.1:8080"}))
        mesh.v1["spec"]["containers"][0]["env"] = [{"name": "BIND", "value": "127.0.0.1"}]
        assert shares(mesh.walk()) == OK
        mesh.objects = []
        assert shares(mesh.walk()) == {"503": 1.0}

    def test_an_ingress_leads_a_port_to_another(self) -> None:
        port = {"number": 8080, "protocol": "HTTP", "name": "http"}
        mesh = one_server(self.sidecar({"port": port, "defaultEndpoint": "0.0.0.0:9999"}))
        found = mesh.walk()
        assert shares(found) == {"503": 0.5, "ok": 0.5}
        assert any(hop.what == "Sidecar" for hop in found.hops)
