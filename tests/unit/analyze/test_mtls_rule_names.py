"""DestinationRules that accept other names, or speak TLS of their own."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_destination_rules import ANALYZER
from meshdoctor.model.finding import Finding, Outcome
from tests.build import istiod, service
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    call,
    client,
    objects,
    policy,
    rule,
    server,
    server_pod,
    snapshot,
)
from tests.unit.analyze.traffic_build import passed, problems

RULE = "DestinationRule shop/payments"
OWN = "spiffe://cluster.local/ns/pay/sa/payments"
NAME_CODE, FOREIGN_CODE = "MD0207", "MD0208"


def naming(*names: str, mode: str = "ISTIO_MUTUAL") -> dict[str, Any]:
    return rule(trafficPolicy={"tls": {"mode": mode, "subjectAltNames": list(names)}})


def served(**more: Any) -> dict[str, Any]:
    return server_pod(serviceAccountName="payments", **more)


def distrusted(reason: str = "CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher") -> str:
    failure = f"TLS_error:|268435581:SSL_routines:OPENSSL_internal:{reason}:TLS_error_end"
    return call(503, "URX,UF", details=f"upstream_reset{{{failure}}}", failure=failure)


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1
    return found[0]


class TestNames:
    def test_a_name_that_no_server_has_is_found(self) -> None:
        wrong = "spiffe://cluster.local/ns/pay/sa/payment"
        mesh = snapshot(naming(wrong), server=served(), proxies=[client(distrusted()), server()])
        found = only(problems(ANALYZER, mesh))
        assert (found.code, found.objects[0]) == (NAME_CODE, RULE)
        assert found.fills["identities"] == OWN
        assert found.facts[-1].state.value == "holds"
        assert OWN in found.fills["correct_names"]
        assert wrong in found.fills["restore_names"]

    @pytest.mark.parametrize(
        "names",
        [
            [OWN],
            ["spiffe://cluster.local/ns/pay/sa/other", OWN],
            ["spiffe://cluster.local/ns/pay/*"],
        ],
        ids=["its own", "one of two", "a prefix"],
    )
    def test_the_name_of_its_service_account_is_fine(self, names: list[str]) -> None:
        mesh = snapshot(naming(*names), server=served())
        assert problems(ANALYZER, mesh) == []
        assert (NAME_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_a_trust_domain_that_was_not_read_is_not_held_against_it(self) -> None:
        mine = "spiffe://corp.example/ns/pay/sa/payments"
        assert problems(ANALYZER, snapshot(naming(mine), server=served())) == []
        known = istiod(mesh={"trustDomain": "corp.example"})
        assert problems(ANALYZER, snapshot(naming(mine), server=served(), istiods=[known])) == []
        other = only(problems(ANALYZER, snapshot(naming(OWN), server=served(), istiods=[known])))
        assert other.code == NAME_CODE

    def test_a_rule_without_names_leaves_them_to_istiod(self) -> None:
        mesh = snapshot(rule(mode="ISTIO_MUTUAL"), server=served())
        assert problems(ANALYZER, mesh) == []

    def test_a_dns_name_is_no_identity(self) -> None:
        mesh = snapshot(naming("payments.pay.svc.cluster.local"), server=served())
        assert only(problems(ANALYZER, mesh)).code == NAME_CODE


def port_named(name: str) -> list[Any]:
    port = {"name": name, "port": 8080, "targetPort": 8080, "protocol": "TCP"}
    kept = [item for item in objects() if item["kind"] != "Service"]
    return [*kept, service("payments", "pay", ports=[port])]


class TestForeignTls:
    @pytest.mark.parametrize("mode", ["STRICT", "PERMISSIVE", "DISABLE"])
    def test_simple_tls_to_the_sidecar_of_an_http_port_fails_whatever_it_takes(
        self, mode: str
    ) -> None:
        found = only(problems(ANALYZER, snapshot(rule(mode="SIMPLE"), policy(mode))))
        assert (found.code, found.outcome, found.objects[0]) == (FOREIGN_CODE, Outcome.FAIL, RULE)

    def test_certificates_of_the_users_own_are_found_by_the_failed_handshake(self) -> None:
        mutual = rule(mode="MUTUAL")
        failing = [client(distrusted("TLSV1_ALERT_UNKNOWN_CA")), server()]
        found = only(problems(ANALYZER, snapshot(mutual, policy(), proxies=failing)))
        assert found.code == FOREIGN_CODE
        # The mesh's own CA may have signed them.
        assert problems(ANALYZER, snapshot(mutual, policy())) == []

    def test_an_application_that_speaks_tls_by_itself_behind_a_permissive_sidecar_works(
        self,
    ) -> None:
        from tests.build import mesh

        parts = [*port_named("https"), rule(mode="SIMPLE"), policy("PERMISSIVE")]
        calls = (client(call()), server())
        assert problems(ANALYZER, mesh(parts, proxies=calls)) == []
        strict = mesh([*port_named("https"), rule(mode="SIMPLE"), policy()], proxies=calls)
        assert only(problems(ANALYZER, strict)).code == FOREIGN_CODE

    def test_a_server_without_a_sidecar_may_well_speak_tls(self) -> None:
        plain = server_pod(proxy=None)
        assert problems(ANALYZER, snapshot(rule(mode="SIMPLE"), server=plain)) == []
