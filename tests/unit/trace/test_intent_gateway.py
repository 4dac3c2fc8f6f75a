from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.kinds import GATEWAY
from meshdoctor.model.trace import Basis
from tests import build
from tests.unit.trace.intent_build import (
    FRONT,
    Asked,
    aged,
    gateway,
    gateway_pod,
    http_server,
    rule,
    shares,
    slice_of,
    tls_server,
    to,
)

OK = {"ok": 1.0}
RATINGS = "ratings.shop.svc.cluster.local"
KEYS = {"tls.crt": "UkVEQUNURUQ=", "tls.key": "UkVEQUNURUQ="}


def public(*rules: dict[str, Any], name: str = "front", **spec: Any) -> dict[str, Any]:
    """A VirtualService for shop.example.com at the Gateway."""
    hosts = spec.pop("hosts", ["shop.example.com"])
    gateways = spec.pop("gateways", ["doorway"])
    return rule(name, hosts=hosts, gateways=gateways, http=list(rules) or [to(RATINGS)], **spec)


class TestPlaintext:
    def test_a_request_goes_to_where_the_bound_rule_leads(self) -> None:
        found = Asked([gateway(), public()]).enter()
        assert shares(found) == OK
        assert all(hop.basis is Basis.INTENT for hop in found.hops)

    def test_the_pod_s_own_port_is_as_good_as_the_service_s(self) -> None:
        assert shares(Asked([gateway(), public()]).enter(port=8080)) == OK

    def test_a_host_that_no_server_has_is_nr(self) -> None:
        mesh = Asked([gateway(http_server("other.example.com")), public()])
        found = mesh.enter()
        assert shares(found) == {"404 NR": 1.0}
        assert found.outcomes[0].objects == ("Gateway shop/doorway",)

    def test_a_gateway_without_a_rule_is_nr(self) -> None:
        assert shares(Asked([gateway()]).enter()) == {"404 NR": 1.0}

    def test_a_rule_for_the_mesh_alone_does_not_count(self) -> None:
        mesh = Asked([gateway(), public(gateways=["mesh"])])
        assert shares(mesh.enter()) == {"404 NR": 1.0}

    def test_a_port_without_a_server_is_refused(self) -> None:
        found = Asked([gateway(), public()]).enter(port=9999)
        assert found.outcomes[0].details == "connection refused"
        assert found.fails

    def test_a_gateway_that_selects_other_pods_opens_nothing(self) -> None:
        mesh = Asked([gateway(), public()])
        mesh.objects[0]["spec"]["selector"] = {"istio": "typo"}
        assert mesh.enter().outcomes[0].details == "connection refused"

    def test_wildcards_give_way_to_the_host_itself(self) -> None:
        wide = public({"directResponse": {"status": 418}}, name="wide", hosts=["*.example.com"])
        server = http_server("*.example.com")
        mesh = Asked([gateway(server), wide, public()])
        assert shares(mesh.enter()) == OK
        assert shares(mesh.enter(host="other.example.com")) == {"418": 1.0}

    @pytest.mark.parametrize(("first", "outcome"), [("10", {"418": 1.0}), ("30", OK)])
    def test_rules_for_one_host_are_joined_by_age(
        self, first: str, outcome: dict[str, float]
    ) -> None:
        teapot = public({"directResponse": {"status": 418}}, name="z")
        mesh = Asked(
            [
                gateway(),
                aged(public(), "2026-11-20T00:00:00Z"),
                aged(teapot, f"2026-11-{first}T00:00:00Z"),
            ]
        )
        assert shares(mesh.enter()) == outcome

    def test_a_rule_for_a_path_comes_before_an_older_one_for_everything(self) -> None:
        path = [{"uri": {"prefix": "/tea"}}]
        teapot = public({"match": path, "directResponse": {"status": 418}}, name="z")
        objects = [
            gateway(),
            aged(public(), "2026-11-10T00:00:00Z"),
            aged(teapot, "2026-11-20T00:00:00Z"),
        ]
        assert shares(Asked(objects).enter(path="/tea")) == {"418": 1.0}
        assert shares(Asked(objects).enter(path="/")) == OK

    def test_a_namespace_before_the_host_keeps_others_out(self) -> None:
        mesh = Asked([gateway(http_server("pay/shop.example.com")), public()])
        assert shares(mesh.enter()) == {"404 NR": 1.0}
        mesh = Asked([gateway(http_server("shop/shop.example.com")), public()])
        assert shares(mesh.enter()) == OK

    def test_a_redirect_to_https_answers_before_any_rule(self) -> None:
        mesh = Asked([gateway(http_server(tls={"httpsRedirect": True})), public()])
        found = mesh.enter()
        assert shares(found) == {"301": 1.0}
        assert not found.fails


class TestTls:
    def secret(self, namespace: str = "istio-system", **data: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cert", "namespace": namespace},
            "data": data or KEYS,
        }

    def mesh(self, *objects: dict[str, Any], **tls: Any) -> Asked:
        return Asked([gateway(tls_server(**({"credentialName": "cert"} | tls))), *objects])

    def test_a_secret_beside_the_pod_serves(self) -> None:
        mesh = self.mesh(self.secret(), public())
        assert shares(mesh.enter(port=443, tls=True)) == OK

    @pytest.mark.parametrize(
        "secrets", [["nowhere"], ["shop"], ["empty"]], ids=["absent", "elsewhere", "without keys"]
    )
    def test_a_secret_that_is_no_good_resets_the_connection(self, secrets: list[str]) -> None:
        made = {
            "nowhere": [],
            "shop": [self.secret("shop")],
            "empty": [self.secret(other="eA==")],
        }[secrets[0]]
        found = self.mesh(*made, public()).enter(port=443, tls=True)
        assert found.outcomes[0].details == "connection reset by peer"
        assert "Secret istio-system/cert" in found.outcomes[0].objects

    @pytest.mark.parametrize(
        ("name", "ends"),
        [
            ("istio-system/cert", "ok"),
            ("kubernetes://istio-system/cert", "ok"),
            ("shop/cert", "0"),
            ("", "0"),
        ],
    )
    def test_a_gateway_gets_only_secrets_of_its_own_namespace(self, name: str, ends: str) -> None:
        mesh = self.mesh(self.secret(), self.secret("shop"), public(), credentialName=name)
        assert shares(mesh.enter(port=443, tls=True)) == {ends: 1.0}

    def test_certificates_from_files_need_no_secret(self) -> None:
        files = {"serverCertificate": "/etc/certs/tls.crt", "privateKey": "/etc/certs/tls.key"}
        mesh = self.mesh(public(), credentialName="", **files)
        assert shares(mesh.enter(port=443, tls=True)) == OK

    def test_a_name_that_no_server_has_is_closed(self) -> None:
        mesh = self.mesh(self.secret(), public())
        found = mesh.enter(port=443, tls=True, host="other.example.com")
        assert shares(found) == {"0 NR": 1.0}

    def test_plaintext_at_a_port_for_tls_is_closed(self) -> None:
        mesh = self.mesh(self.secret(), public())
        assert shares(mesh.enter(port=443)) == {"0 NR": 1.0}

    def test_tls_at_a_port_for_plaintext_is_an_error_of_the_protocol(self) -> None:
        found = Asked([gateway(), public()]).enter(tls=True)
        assert shares(found) == {"0 DPE": 1.0}

    def test_passthrough_needs_a_tls_rule(self) -> None:
        mesh = Asked([gateway(tls_server(mode="PASSTHROUGH")), public()])
        assert shares(mesh.enter(port=443, tls=True)) == {"0 NR": 1.0}
        match = [{"sniHosts": ["shop.example.com"], "port": 443}]
        mesh.objects[1]["spec"]["tls"] = [{"match": match, **to(RATINGS)}]
        assert shares(mesh.enter(port=443, tls=True)) == {"ok": 1.0}


class TestUnknown:
    def test_routes_of_the_gateway_api_leave_it_unknown(self) -> None:
        mesh = Asked([gateway(), public()])
        labels = {"istio": "front", "gateway.networking.k8s.io/gateway-name": "front"}
        pod = gateway_pod(**labels)
        mesh.objects.append({**pod, "metadata": {**pod["metadata"], "name": "managed"}})
        snapshot = mesh.snapshot()
        managed = next(item for item in snapshot.proxy_pods if item.name == "managed")
        found = mesh.enter(client=managed)
        assert (found.outcomes, found.is_known) == ((), False)

    def test_gateways_that_were_not_read_leave_it_unknown(self) -> None:
        found = Asked([public()], unread=[GATEWAY]).enter()
        assert (found.outcomes, found.is_known) == ((), False)

    def test_a_policy_at_the_gateway_denies(self) -> None:
        deny = build.istio_object(
            "AuthorizationPolicy",
            "shut",
            "istio-system",
            action="DENY",
            selector={"matchLabels": {"istio": "front"}},
            rules=[{"to": [{"operation": {"paths": ["/admin*"]}}]}],
        )
        mesh = Asked([gateway(), public(), deny])
        assert shares(mesh.enter(path="/admin/x")) == {"403": 1.0}
        assert shares(mesh.enter(path="/")) == OK


class TestEgress:
    HOST = "api.partner.net"

    def mesh(self, *, second_hop: bool = True) -> Asked:
        entry = build.istio_object(
            "ServiceEntry",
            "ext",
            hosts=[self.HOST],
            ports=[{"number": 80, "name": "http", "protocol": "HTTP"}],
            resolution="DNS",
        )
        inside = {"gateways": ["mesh"], "port": 80}
        behind = {"gateways": ["doorway"], "port": 80}
        rules = [to("front.istio-system.svc.cluster.local", match=[inside])]
        rules[0]["route"][0]["destination"]["port"] = {"number": 80}
        rules += [to(self.HOST, match=[behind])] if second_hop else []
        way = rule("out", hosts=[self.HOST], gateways=["mesh", "doorway"], http=rules)
        endpoints = slice_of("front", "istio-system", FRONT, port=8080)
        return Asked([entry, way, gateway(http_server(self.HOST)), endpoints])

    def test_a_request_leaves_through_the_egress_gateway(self) -> None:
        found = self.mesh().walk(host=self.HOST, port=80)
        assert shares(found) == OK
        assert [hop.name for hop in found.hops if hop.what == "proxy"] == [
            "client.shop",
            "front.istio-system",
        ]

    def test_a_gateway_without_the_second_hop_is_404(self) -> None:
        found = self.mesh(second_hop=False).walk(host=self.HOST, port=80)
        assert shares(found) == {"404": 1.0}
        assert found.outcomes[0].origin_flags == ("NR",)

    def test_a_gateway_that_leads_to_itself_answers_nobody(self) -> None:
        mesh = self.mesh()
        first = next(one for one in mesh.objects if one["metadata"]["name"] == "out")
        first["spec"]["http"] = [{**first["spec"]["http"][0], "match": [{"port": 80}]}]
        found = mesh.walk(host=self.HOST, port=80)
        assert found.fails
        assert "round and round" in found.outcomes[0].because
        assert found.is_known
