from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_destination_rules import ANALYZER
from meshdoctor.model.finding import Affected, FactState, Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.snapshot import Snapshot
from tests.build import istio_object, istiod, pod, proxy, service
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    CLIENT_IP,
    PAYMENTS,
    call,
    client,
    cluster_dump,
    inbound_dump,
    plaintext_cut,
    policy,
    refusal,
    rule,
    server,
    server_pod,
    snapshot,
    tls_garbled,
)
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

RULE = "DestinationRule shop/payments"
SERVED = f"{PAYMENTS}:8080"
STRICT_CODE, PLAIN_CODE, DISABLED_CODE = "MD0200", "MD0202", "MD0203"
NAME_CODE, FOREIGN_CODE = "MD0207", "MD0208"
ALL = {STRICT_CODE, PLAIN_CODE, DISABLED_CODE, NAME_CODE, FOREIGN_CODE}
LATER = "2026-11-21T07:10:00Z"


def only(mesh: Snapshot) -> Finding:
    found = problems(ANALYZER, mesh)
    assert len(found) == 1
    return found[0]


def states(finding: Finding) -> dict[str, FactState]:
    return {fact.id: fact.state for fact in finding.facts}


def plain_server(**more: Any) -> dict[str, Any]:
    return server_pod(proxy=None, **more)


class TestPlaintextToStrict:
    def test_disable_towards_a_strict_server_blames_the_rule_then_the_policy(self) -> None:
        mesh = snapshot(rule(), policy(), proxies=[client(plaintext_cut()), server()])
        found = only(mesh)
        assert (found.code, found.subject, found.outcome) == (
            STRICT_CODE,
            AT_PAYMENTS,
            Outcome.FAIL,
        )
        assert found.objects == (RULE, "PeerAuthentication pay/default")
        assert found.affected == (Affected("Deployment shop/client-v1", SERVED),)

    def test_every_fact_holds_when_both_ends_were_read(self) -> None:
        mesh = snapshot(
            rule(),
            policy(),
            proxies=[
                client(plaintext_cut(), config=cluster_dump("none")),
                server(refusal(CLIENT_IP), config=inbound_dump("tls")),
            ],
        )
        assert set(states(only(mesh)).values()) == {FactState.HOLDS}

    def test_a_permissive_server_takes_plaintext(self) -> None:
        assert problems(ANALYZER, snapshot(rule(), policy("PERMISSIVE"))) == []

    def test_without_any_policy_the_server_takes_plaintext(self) -> None:
        mesh = snapshot(rule())
        assert problems(ANALYZER, mesh) == []
        assert {(code, AT_PAYMENTS) for code in ALL} <= passed(ANALYZER, mesh)

    def test_a_rule_without_tls_leaves_it_to_automatic_mtls(self) -> None:
        mesh = snapshot(rule(mode=None), policy())
        assert problems(ANALYZER, mesh) == []
        assert (STRICT_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_istio_mutual_is_what_a_strict_server_wants(self) -> None:
        mesh = snapshot(rule(mode="ISTIO_MUTUAL"), policy())
        assert problems(ANALYZER, mesh) == []
        assert {(code, AT_PAYMENTS) for code in ALL} <= passed(ANALYZER, mesh)

    def test_tls_without_a_mode_is_disable(self) -> None:
        silent = rule(mode=None, trafficPolicy={"tls": {"sni": "x"}})
        assert named(ANALYZER, snapshot(silent, policy())) == [(STRICT_CODE, AT_PAYMENTS, RULE)]

    @pytest.mark.parametrize("host", ["*.local", "*", "*.pay.svc.cluster.local"])
    def test_a_wildcard_rule_of_the_root_namespace_counts(self, host: str) -> None:
        wide = rule("wide", "istio-system", host=host)
        assert named(ANALYZER, snapshot(wide, policy())) == [
            (STRICT_CODE, AT_PAYMENTS, "DestinationRule istio-system/wide")
        ]

    def test_a_rule_of_the_clients_namespace_hides_the_wider_one(self) -> None:
        wide = rule("wide", "istio-system", host="*.local")
        assert problems(ANALYZER, snapshot(wide, rule(mode=None), policy())) == []

    def test_a_rule_of_a_third_namespace_governs_nobody(self) -> None:
        assert problems(ANALYZER, snapshot(rule(space="legacy"), policy())) == []

    def test_a_short_host_means_the_rules_own_namespace(self) -> None:
        assert problems(ANALYZER, snapshot(rule(host="payments"), policy())) == []
        own = rule(space="pay", host="payments")
        assert named(ANALYZER, snapshot(own, policy())) == [
            (STRICT_CODE, AT_PAYMENTS, "DestinationRule pay/payments")
        ]

    def test_a_port_level_setting_counts_for_its_port_alone(self) -> None:
        def at(number: int) -> dict[str, Any]:
            entry = {"port": {"number": number}, "tls": {"mode": "DISABLE"}}
            return rule(mode=None, trafficPolicy={"portLevelSettings": [entry]})

        assert named(ANALYZER, snapshot(at(8080), policy())) == [(STRICT_CODE, AT_PAYMENTS, RULE)]
        assert problems(ANALYZER, snapshot(at(9090), policy())) == []

    def test_a_subset_with_its_own_tls_is_a_destination_of_its_own(self) -> None:
        subset = {
            "name": "v1",
            "labels": {"app": "payments"},
            "trafficPolicy": {"tls": {"mode": "DISABLE"}},
        }
        mesh = snapshot(
            rule(mode=None, subsets=[subset]),
            policy(),
            proxies=[client(call(cluster=f"outbound|8080|v1|{PAYMENTS}")), server()],
        )
        assert named(ANALYZER, mesh) == [(STRICT_CODE, f"{AT_PAYMENTS} subset v1", RULE)]

    def test_a_port_exempted_from_strict_takes_plaintext(self) -> None:
        exempt = policy("STRICT", app="payments", ports={8080: "PERMISSIVE"})
        assert problems(ANALYZER, snapshot(rule(), exempt)) == []

    def test_port_level_mtls_is_keyed_by_the_container_port(self) -> None:
        ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
        by_container = policy("PERMISSIVE", app="payments", ports={8080: "STRICT"})
        by_service = policy("PERMISSIVE", app="payments", ports={80: "STRICT"})
        other = service("payments-80", "pay", selector={"app": "payments"}, ports=ports)
        host = "payments-80.pay.svc.cluster.local"
        calls = [client(), server()]
        strict = snapshot(rule(host=host), other, by_container, proxies=calls)
        lax = snapshot(rule(host=host), other, by_service, proxies=calls)
        assert [f.subject for f in problems(ANALYZER, strict)] == [f"destination {host}:80"]
        assert problems(ANALYZER, lax) == []

    def test_a_port_that_bypasses_the_sidecar_takes_plaintext(self) -> None:
        excluded = server_pod()
        excluded["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] = "8080"
        assert problems(ANALYZER, snapshot(rule(), policy(), server=excluded)) == []

    def test_a_gateway_behind_the_host_follows_its_gateway_objects(self) -> None:
        gateway = server_pod(proxy="classic")
        gateway["spec"]["containers"] = [{"name": "istio-proxy"}]
        assert problems(ANALYZER, snapshot(rule(), policy(), server=gateway)) == []

    def test_nobody_calling_makes_it_a_note(self) -> None:
        mesh = snapshot(rule(), policy(), proxies=[client(), server()])
        found = only(mesh)
        assert (found.outcome, found.root) == (Outcome.WARN, False)

    def test_unread_logs_leave_it_a_root_cause_with_the_log_unread(self) -> None:
        mesh = snapshot(rule(), policy(), proxies=[client(log=None), server(log=None)])
        found = only(mesh)
        assert found.root
        assert states(found)["requests-fail"] is FactState.UNREAD

    def test_proxies_that_hold_something_else_make_it_a_note(self) -> None:
        mesh = snapshot(
            rule(), policy(), proxies=[client(call(), config=cluster_dump("auto")), server()]
        )
        found = only(mesh)
        assert (found.outcome, found.root) == (Outcome.WARN, False)
        assert states(found)["client-holds-mode"] is FactState.SILENT

    def test_failing_requests_outweigh_a_dump_that_says_otherwise(self) -> None:
        held = client(plaintext_cut(), config=cluster_dump("auto"))
        assert only(snapshot(rule(), policy(), proxies=[held, server()])).root

    def test_lines_from_before_the_rule_do_not_count(self) -> None:
        late = rule()
        late["metadata"]["creationTimestamp"] = "2026-11-21T07:59:00Z"
        mesh = snapshot(late, policy(), proxies=[client(plaintext_cut(ago=90)), server()])
        assert states(only(mesh))["requests-fail"] is FactState.SILENT

    def test_lines_older_than_three_minutes_do_not_count(self) -> None:
        mesh = snapshot(rule(), policy(), proxies=[client(plaintext_cut(ago=400)), server()])
        assert states(only(mesh))["requests-fail"] is FactState.SILENT

    def test_the_servers_log_alone_tells_who_suffers(self) -> None:
        mesh = snapshot(rule(), policy(), proxies=[client(log=None), server(refusal(CLIENT_IP))])
        found = only(mesh)
        assert found.affected == (Affected("Deployment shop/client-v1", SERVED),)
        assert states(found)["requests-fail"] is FactState.HOLDS

    def test_one_rule_for_two_hosts_is_one_finding_each(self) -> None:
        second = service("payments-2", "pay", selector={"app": "payments"})
        wide = rule("wide", host="*.pay.svc.cluster.local")
        calls = client(call(), call(cluster="outbound|8080||payments-2.pay.svc.cluster.local"))
        found = named(ANALYZER, snapshot(wide, policy(), second, proxies=[calls, server()]))
        assert [subject for _, subject, _ in found] == [
            "destination payments-2.pay.svc.cluster.local:8080",
            AT_PAYMENTS,
        ]
        assert {name for _, _, name in found} == {"DestinationRule shop/wide"}

    def test_a_workload_selector_limits_the_rule_to_those_clients(self) -> None:
        chosen = rule(workloadSelector={"matchLabels": {"app": "client"}})
        others = rule(workloadSelector={"matchLabels": {"app": "other"}})
        assert named(ANALYZER, snapshot(chosen, policy())) == [(STRICT_CODE, AT_PAYMENTS, RULE)]
        assert problems(ANALYZER, snapshot(others, policy())) == []

    def test_switched_off_automatic_mtls_is_not_blamed_on_a_rule(self) -> None:
        mesh = snapshot(policy(), istiods=[istiod(mesh={"enableAutoMtls": False})])
        assert problems(ANALYZER, mesh) == []
        assert (STRICT_CODE, AT_PAYMENTS) not in passed(ANALYZER, mesh)


class TestMutualToPlainPod:
    def test_istio_mutual_to_a_pod_without_sidecar_blames_the_rule(self) -> None:
        mesh = snapshot(
            rule(mode="ISTIO_MUTUAL"),
            server=plain_server(),
            proxies=[client(tls_garbled(), config=cluster_dump("istio"))],
        )
        found = only(mesh)
        assert (found.code, found.objects) == (PLAIN_CODE, (RULE, "Deployment pay/payments-v1"))
        assert set(states(found).values()) == {FactState.HOLDS}
        assert found.affected == (Affected("Deployment shop/client-v1", SERVED),)

    def test_without_the_rule_automatic_mtls_sends_plaintext(self) -> None:
        mesh = snapshot(rule(mode=None), server=plain_server(), proxies=[client(call())])
        assert problems(ANALYZER, mesh) == []
        assert (PLAIN_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_one_plain_pod_among_several_is_enough(self) -> None:
        other = pod("payments-v2-abc-1", "pay", labels={"app": "payments"}, ip="10.244.0.9")
        mesh = snapshot(
            rule(mode="ISTIO_MUTUAL"), other, server=plain_server(), proxies=[client(call())]
        )
        found = only(mesh)
        assert found.code == PLAIN_CODE
        assert "not every pod" in found.message

    @pytest.mark.parametrize("state", ["Pending", "Succeeded", "Failed"])
    def test_a_pod_that_does_not_run_is_no_server(self, state: str) -> None:
        idle = plain_server()
        idle["status"]["phase"] = state
        assert problems(ANALYZER, snapshot(rule(mode="ISTIO_MUTUAL"), server=idle)) == []

    def test_a_pod_in_ambient_needs_no_sidecar(self) -> None:
        ambient = plain_server()
        ambient["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}
        assert problems(ANALYZER, snapshot(rule(mode="ISTIO_MUTUAL"), server=ambient)) == []

    def test_tls_of_the_applications_own_is_no_conflict(self) -> None:
        for mode in ("SIMPLE", "MUTUAL"):
            assert problems(ANALYZER, snapshot(rule(mode=mode), server=plain_server())) == []

    def test_mutual_with_istios_own_old_certificates_is_istio_mutual(self) -> None:
        old = {"mode": "MUTUAL", "clientCertificate": "/etc/certs/cert-chain.pem"}
        mesh = snapshot(
            rule(mode=None, trafficPolicy={"tls": old}),
            server=plain_server(),
            proxies=[client(call())],
        )
        assert named(ANALYZER, mesh) == [(PLAIN_CODE, AT_PAYMENTS, RULE)]

    def test_an_excluded_inbound_port_is_another_cause_and_not_ruled_fine(self) -> None:
        excluded = server_pod()
        excluded["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] = "8080"
        mesh = snapshot(rule(mode="ISTIO_MUTUAL"), server=excluded)
        assert problems(ANALYZER, mesh) == []
        assert (DISABLED_CODE, AT_PAYMENTS) not in passed(ANALYZER, mesh)

    def test_peerauthentications_are_not_needed_for_it(self) -> None:
        mesh = snapshot(
            rule(mode="ISTIO_MUTUAL"),
            server=plain_server(),
            proxies=[client(call())],
            unread=[PEER_AUTHENTICATION],
        )
        assert named(ANALYZER, mesh) == [(PLAIN_CODE, AT_PAYMENTS, RULE)]


class TestMutualToDisabled:
    def test_istio_mutual_to_a_disabled_server_names_both(self) -> None:
        mesh = snapshot(
            rule(mode="ISTIO_MUTUAL"),
            policy("DISABLE", app="payments"),
            proxies=[
                client(tls_garbled(), config=cluster_dump("istio")),
                server(config=inbound_dump("raw_buffer")),
            ],
        )
        found = only(mesh)
        assert found.code == DISABLED_CODE
        assert found.objects == ("PeerAuthentication pay/default", RULE)
        assert set(states(found).values()) == {FactState.HOLDS}

    def test_the_later_change_comes_first(self) -> None:
        late_rule = rule(mode="ISTIO_MUTUAL")
        late_rule["metadata"]["creationTimestamp"] = LATER
        late_policy = policy("DISABLE", created=LATER)
        assert only(snapshot(late_rule, policy("DISABLE"))).objects[0] == RULE
        assert (
            only(snapshot(rule(mode="ISTIO_MUTUAL"), late_policy)).objects[0]
            == "PeerAuthentication pay/default"
        )

    def test_automatic_mtls_adapts_to_a_disabled_server(self) -> None:
        mesh = snapshot(policy("DISABLE"))
        assert problems(ANALYZER, mesh) == []
        assert (DISABLED_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_a_disabled_policy_for_another_workload_does_not_matter(self) -> None:
        mesh = snapshot(rule(mode="ISTIO_MUTUAL"), policy("DISABLE", app="ledger"))
        assert problems(ANALYZER, mesh) == []

    def test_a_disabled_port_is_mended_at_that_port(self) -> None:
        exempt = policy("STRICT", app="payments", ports={8080: "DISABLE"})
        found = only(snapshot(rule(mode="ISTIO_MUTUAL"), exempt))
        assert "/spec/portLevelMtls/8080/mode" in found.fills["permit_tls"]
        assert "DISABLE" in found.fills["forbid_tls"]


class TestUnread:
    @pytest.mark.parametrize("kind", [DESTINATION_RULE, SERVICE, POD])
    def test_a_missing_input_makes_every_code_unknown(self, kind: Any) -> None:
        mesh = snapshot(rule(), policy(), unread=[kind])
        assert unknowns(ANALYZER, mesh) == dict.fromkeys(ALL, (kind.input,))
        assert problems(ANALYZER, mesh) == []

    def test_unread_policies_leave_disable_unknown_and_nothing_else(self) -> None:
        mesh = snapshot(rule(), policy(), unread=[PEER_AUTHENTICATION])
        assert unknowns(ANALYZER, mesh) == {STRICT_CODE: (PEER_AUTHENTICATION.input,)}
        assert (PLAIN_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_policies_that_are_not_installed_are_none(self) -> None:
        mesh = snapshot(rule(), not_installed=[PEER_AUTHENTICATION])
        assert unknowns(ANALYZER, mesh) == {}
        assert (STRICT_CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)


def test_two_namespaces_with_different_rules_are_judged_apart() -> None:
    other_pod = pod("web-v1-abc-1", "web", labels={"app": "web"}, ip="10.244.0.20")
    other = proxy("web-v1-abc-1", "web", log=client(call()).log)
    mesh = snapshot(
        rule(),
        rule("fine", "web", mode="ISTIO_MUTUAL"),
        policy(),
        other_pod,
        proxies=[client(plaintext_cut()), server(), other],
    )
    found = only(mesh)
    assert found.objects[0] == RULE
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]


def test_findings_are_the_same_for_objects_in_any_order() -> None:
    parts = [rule(), policy(), rule("wide", "istio-system", host="*.local")]
    forward = [f.message for f in ANALYZER.analyze(snapshot(*parts))]
    backward = [f.message for f in ANALYZER.analyze(snapshot(*reversed(parts)))]
    assert forward == backward


def test_a_host_without_a_service_is_left_alone() -> None:
    entry = istio_object("ServiceEntry", "ext", hosts=["api.example.com"], ports=[])
    mesh = snapshot(entry, rule(host="api.example.com", mode="ISTIO_MUTUAL"))
    assert {f.subject for f in ANALYZER.analyze(mesh)} == {AT_PAYMENTS}


def test_notes_about_a_rule_that_fails_elsewhere_are_left_out() -> None:
    wide = rule("wide", host="*.pay.svc.cluster.local")
    idle = service("idle", "pay", selector={"app": "payments"})
    mesh = snapshot(wide, policy(), idle, proxies=[client(plaintext_cut()), server()])
    assert [item.subject for item in problems(ANALYZER, mesh)] == [AT_PAYMENTS]


def test_a_rule_for_every_host_rules_nothing_out_where_nobody_calls() -> None:
    wide = rule("wide", "istio-system", host="*.local", mode="ISTIO_MUTUAL")
    assert passed(ANALYZER, snapshot(wide, proxies=[client(), server()])) == set()
    assert passed(ANALYZER, snapshot(wide)) == {(code, AT_PAYMENTS) for code in ALL}
