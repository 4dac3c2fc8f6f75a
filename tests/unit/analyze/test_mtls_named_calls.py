"""Plaintext to STRICT servers that only a pod's template announces."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_outbound_capture import ANALYZER as EXCLUDED
from meshdoctor.analyze.mtls_plaintext_client import ANALYZER as OUTSIDE
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, Kind
from meshdoctor.model.snapshot import Snapshot
from tests.build import deployment, mesh, namespace, service
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    client,
    client_pod,
    inbound_dump,
    legacy_pod,
    policy,
    refusal,
    server,
    server_pod,
)
from tests.unit.analyze.traffic_build import log, problems, unknowns

LEGACY_CLIENT, CLIENT_OWNER = "Deployment legacy/legacy-v1", "Deployment shop/client-v1"
URL = "http://payments.pay:8080/pay"
OFF = log("2026-11-21T07:59:00.000000Z\tinfo\tEnvoy proxy is ready")
PORTS = "traffic.sidecar.istio.io/excludeOutboundPorts"


def told(made: dict[str, Any], url: str) -> dict[str, Any]:
    made["spec"]["containers"][0]["env"] = [{"name": "UPSTREAM", "value": url}]
    return made


def shop(
    url: str = URL,
    *,
    mode: str = "STRICT",
    legacy: dict[str, Any] | None = None,
    caller: dict[str, Any] | None = None,
    unread: tuple[Kind, ...] = (),
    **servers: Any,
) -> Snapshot:
    return mesh(
        [
            namespace("shop", istio_injection="enabled"),
            namespace("pay", istio_injection="enabled"),
            namespace("legacy"),
            service("payments", "pay"),
            deployment("payments-v1", "pay", labels={"app": "payments"}),
            deployment("client-v1", "shop", labels={"app": "client"}),
            deployment("legacy-v1", "legacy", labels={"app": "legacy"}),
            server_pod(),
            caller or client_pod(),
            told(legacy or legacy_pod(), url),
            policy(mode),
        ],
        proxies=[client(log=OFF), server(**{"log": OFF, **servers})],
        unread=unread,
    )


def excluding(url: str = URL, ports: str = "8080") -> dict[str, Any]:
    made = told(client_pod(), url)
    made["metadata"]["annotations"][PORTS] = ports
    return made


class TestOutsideTheMesh:
    def test_with_logs_off_a_template_that_names_a_strict_server_is_likely(self) -> None:
        (found,) = problems(OUTSIDE, shop())
        assert (found.subject, found.outcome, found.root) == (AT_PAYMENTS, Outcome.FAIL, True)
        assert found.objects == (LEGACY_CLIENT, "PeerAuthentication pay/default")
        fact = found.facts[0]
        assert (fact.id, fact.state) == ("server-refused-plaintext", FactState.SILENT)
        assert [item.excerpt for item in fact.evidence] == [URL]

    @pytest.mark.parametrize(
        ("url", "options"),
        [
            pytest.param("http://other.pay:8080/", {}, id="another host"),
            pytest.param("http://payments.pay:9000/", {}, id="another port"),
            pytest.param("https://payments.pay:8080/", {}, id="TLS of its own"),
            pytest.param(URL, {"mode": "PERMISSIVE"}, id="plaintext is taken"),
            pytest.param(URL, {"config": inbound_dump("raw_buffer", "tls")}, id="not pushed"),
            pytest.param(URL, {"log": None}, id="the log is unread"),
        ],
    )
    def test_who_would_not_be_refused_for_sure_is_not_blamed(
        self, url: str, options: dict[str, Any]
    ) -> None:
        assert problems(OUTSIDE, shop(url, **options)) == []

    def test_without_destination_rules_another_fault_may_come_first(self) -> None:
        assert problems(OUTSIDE, shop(unread=(DESTINATION_RULE,))) == []

    def test_a_log_that_speaks_and_shows_no_refusal_outweighs_the_template(self) -> None:
        assert problems(OUTSIDE, shop(log=server().log)) == []

    def test_a_refusal_in_the_log_is_the_only_finding_of_its_client(self) -> None:
        (found,) = problems(OUTSIDE, shop(log=log(refusal())))
        assert found.facts[0].state is FactState.HOLDS

    def test_a_client_of_the_mesh_that_bypasses_its_sidecar_comes_first(self) -> None:
        (found,) = problems(OUTSIDE, shop(caller=excluding()))
        assert (found.outcome, found.root) == (Outcome.WARN, False)
        assert CLIENT_OWNER in found.message


class TestPastTheSidecar:
    @pytest.mark.parametrize(
        ("text", "state"),
        [
            pytest.param(OFF, FactState.SILENT, id="logs are off"),
            pytest.param(None, FactState.UNREAD, id="the log is unread"),
        ],
    )
    def test_a_template_that_names_an_excluded_strict_server_is_likely(
        self, text: Any, state: FactState
    ) -> None:
        (found,) = problems(EXCLUDED, shop(caller=excluding(), log=text))
        assert (found.subject, found.outcome) == (AT_PAYMENTS, Outcome.FAIL)
        assert found.objects == (CLIENT_OWNER, "PeerAuthentication pay/default")
        assert {f.id: f.state for f in found.facts}["server-refused-plaintext"] is state

    @pytest.mark.parametrize(
        "caller",
        [
            pytest.param(excluding("http://other.pay:8080/"), id="another host"),
            pytest.param(excluding("https://payments.pay:8080/"), id="TLS of its own"),
            pytest.param(told(client_pod(), URL), id="nothing is excluded"),
            pytest.param(excluding(ports="9000"), id="another port is excluded"),
        ],
    )
    def test_other_templates_are_not_blamed(self, caller: dict[str, Any]) -> None:
        assert problems(EXCLUDED, shop(caller=caller)) == []

    def test_an_exclusion_that_no_template_makes_use_of_stays_unknown(self) -> None:
        mesh = shop(caller=excluding("http://other.pay:8080/"))
        assert unknowns(EXCLUDED, mesh) == {"MD0206": ("proxies/istio-proxy.log",)}

    def test_a_server_that_takes_plaintext_turns_nobody_away(self) -> None:
        assert problems(EXCLUDED, shop(caller=excluding(), mode="PERMISSIVE")) == []
