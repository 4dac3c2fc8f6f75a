from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_plaintext_client import ANALYZER
from meshdoctor.model.finding import Affected, FactState, Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.snapshot import Snapshot
from tests.build import namespace, pod, service
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    CLIENT_IP,
    LEGACY_IP,
    NODE_IP,
    PAYMENTS,
    SERVER_IP,
    call,
    client,
    inbound_dump,
    legacy_pod,
    policy,
    refusal,
    rule,
    server,
    server_pod,
    snapshot,
)
from tests.unit.analyze.traffic_build import log, named, passed, problems, unknowns

CODE = "MD0201"
BATCH_IP = "10.244.0.41"
LEGACY_CLIENT = "Deployment legacy/legacy-v1"
BLAMED = [(CODE, AT_PAYMENTS, LEGACY_CLIENT)]
DISTRUST = (
    "2026-11-21T07:59:00.000000Z\twarn\txdsproxy\tupstream terminated with unexpected error: "
    "x509: certificate signed by unknown authority"
)


def refused(*lines: str, **config: Any) -> list[Any]:
    return [client(call()), server(*(lines or (refusal(),)), **config)]


def only(mesh: Snapshot) -> Finding:
    found = problems(ANALYZER, mesh)
    assert len(found) == 1
    return found[0]


class TestRefused:
    def test_a_pod_without_proxy_that_a_strict_server_refused_is_blamed_by_its_owner(self) -> None:
        found = only(snapshot(policy(), proxies=refused()))
        assert (found.subject, found.outcome, found.root) == (AT_PAYMENTS, Outcome.FAIL, True)
        assert found.objects == (LEGACY_CLIENT, "PeerAuthentication pay/default")
        assert found.affected == (Affected(LEGACY_CLIENT, f"{PAYMENTS}:8080"),)

    def test_every_fact_holds_when_the_servers_dump_was_read(self) -> None:
        found = only(snapshot(policy(), proxies=refused(config=inbound_dump("tls"))))
        assert {fact.state for fact in found.facts} == {FactState.HOLDS}

    def test_the_clients_own_containers_show_that_it_has_no_proxy(self) -> None:
        facts = {fact.id: fact for fact in only(snapshot(policy(), proxies=refused())).facts}
        fact = facts["client-has-no-proxy"]
        assert "its only container is app" in fact.text
        assert [item.excerpt for item in fact.evidence] == ["app"]
        assert ".spec.initContainers[*].name" in fact.evidence[0].command

    def test_the_line_in_the_servers_log_is_the_evidence(self) -> None:
        first = only(snapshot(policy(), proxies=refused())).facts[0]
        assert [(item.line, item.excerpt) for item in first.evidence] == [(1, refusal())]

    @pytest.mark.parametrize("space", ["pay", "istio-system"])
    def test_the_policy_that_stands_is_named_at_whatever_level(self, space: str) -> None:
        found = only(snapshot(policy(space=space), proxies=refused()))
        assert found.objects[1] == f"PeerAuthentication {space}/default"

    def test_one_client_at_two_ports_is_one_finding_for_each_destination(self) -> None:
        other = service(
            "admin",
            "pay",
            selector={"app": "payments"},
            ports=[{"name": "http", "port": 81, "targetPort": 9000, "protocol": "TCP"}],
        )
        mesh = snapshot(policy(), other, proxies=refused(refusal(), refusal(port=9000)))
        assert [(f.subject, f.objects[0]) for f in problems(ANALYZER, mesh)] == [
            ("destination admin.pay.svc.cluster.local:81", LEGACY_CLIENT),
            (AT_PAYMENTS, LEGACY_CLIENT),
        ]

    def test_a_port_without_a_service_is_named_by_the_pods_address(self) -> None:
        mesh = snapshot(policy(), proxies=refused(refusal(port=7777)))
        assert only(mesh).subject == f"destination {SERVER_IP}:7777"


def batch_pod() -> dict[str, Any]:
    return pod("batch-1", "jobs", owner="batch", proxy=None, ip=BATCH_IP, labels={"app": "batch"})


class TestSeveralClients:
    def test_two_workloads_that_one_policy_refuses_are_mended_by_the_policy(self) -> None:
        lines = refused(refusal(), refusal(BATCH_IP))
        found = problems(ANALYZER, snapshot(policy(), batch_pod(), proxies=lines))
        assert [(item.resource, item.objects) for item in found] == [
            ("Deployment jobs/batch", ("PeerAuthentication pay/default", "Deployment jobs/batch")),
            (LEGACY_CLIENT, ("PeerAuthentication pay/default", LEGACY_CLIENT)),
        ]

    def test_two_pods_of_one_workload_are_one_client(self) -> None:
        second = pod("legacy-v1-abc-2", "legacy", owner="legacy-v1", proxy=None, ip=BATCH_IP)
        mesh = snapshot(policy(), second, proxies=refused(refusal(), refusal(BATCH_IP)))
        assert only(mesh).objects == (LEGACY_CLIENT, "PeerAuthentication pay/default")

    def test_two_workloads_that_two_policies_refuse_are_each_blamed_by_themselves(self) -> None:
        lenient = policy(None, name="payments", app="payments", ports={9000: "STRICT"})
        lines = refused(refusal(), refusal(BATCH_IP, port=9000))
        mesh = snapshot(policy(), lenient, batch_pod(), proxies=lines)
        assert {item.objects for item in problems(ANALYZER, mesh)} == {
            (LEGACY_CLIENT, "PeerAuthentication pay/default"),
            ("Deployment jobs/batch", "PeerAuthentication pay/payments"),
        }

    def test_one_client_that_two_policies_refuse_is_mended_at_once(self) -> None:
        admin = policy(None, name="payments", app="payments", ports={9000: "STRICT"})
        lines = refused(refusal(), refusal(port=9000))
        found = problems(ANALYZER, snapshot(policy(), admin, proxies=lines))
        assert {item.objects[0] for item in found} == {LEGACY_CLIENT}
        (permit,) = {item.fills["second_command"] for item in found}
        assert permit.count('"value": "PERMISSIVE"') == 2

    def test_the_first_fix_is_the_policys_and_the_second_brings_all_of_them_in(self) -> None:
        lines = refused(refusal(), refusal(BATCH_IP))
        mesh = snapshot(policy(), namespace("jobs"), batch_pod(), proxies=lines)
        fills = problems(ANALYZER, mesh)[0].fills
        assert fills["claim"] == "2 workloads have no proxy, but call"
        assert '"value": "PERMISSIVE"' in fills["first_command"]
        assert "namespace jobs istio-injection=enabled" in fills["second_command"]
        assert "namespace legacy istio-injection=enabled" in fills["second_command"]


class TestNotAFault:
    def test_strict_with_pods_outside_the_mesh_that_nobody_refused_is_fine(self) -> None:
        mesh = snapshot(policy())
        assert problems(ANALYZER, mesh) == []
        assert (CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)
        assert unknowns(ANALYZER, mesh) == {}

    @pytest.mark.parametrize("mode", ["PERMISSIVE", "DISABLE", None])
    def test_a_mode_that_takes_plaintext_now_makes_old_lines_old_news(
        self, mode: str | None
    ) -> None:
        mesh = snapshot(policy(mode), proxies=refused())
        assert problems(ANALYZER, mesh) == []
        assert (CODE, AT_PAYMENTS) in passed(ANALYZER, mesh)

    def test_lines_older_than_three_minutes_do_not_count(self) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused(refusal(ago=200)))) == []

    def test_lines_from_before_the_policy_do_not_count(self) -> None:
        late = policy(created="2026-11-21T07:59:30Z")
        assert problems(ANALYZER, snapshot(late, proxies=refused(refusal(ago=60)))) == []

    def test_a_line_from_before_the_pod_was_there_speaks_of_another_pod(self) -> None:
        young = legacy_pod()
        young["metadata"]["creationTimestamp"] = "2026-11-21T07:59:30Z"
        before, after = refused(refusal(ago=60)), refused(refusal(ago=20))
        assert problems(ANALYZER, snapshot(policy(), legacy=young, proxies=before)) == []
        assert named(ANALYZER, snapshot(policy(), legacy=young, proxies=after)) == BLAMED

    def test_a_server_whose_chains_take_plaintext_again_is_mended(self) -> None:
        config = inbound_dump("tls", "raw_buffer")
        assert problems(ANALYZER, snapshot(policy(), proxies=refused(config=config))) == []

    @pytest.mark.parametrize("source", [NODE_IP, "203.0.113.7"])
    def test_what_is_no_pod_is_not_blamed(self, source: str) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused(refusal(source)))) == []

    def test_a_client_in_the_mesh_is_not_blamed(self) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused(refusal(CLIENT_IP)))) == []

    def test_a_client_in_ambient_is_not_blamed(self) -> None:
        captured = pod("a-1", "legacy", proxy=None, ip="10.244.0.30", labels={"app": "a"})
        captured["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}
        mesh = snapshot(policy(), captured, proxies=refused(refusal("10.244.0.30")))
        assert problems(ANALYZER, mesh) == []


class TestNotTheWholeStory:
    def test_a_pod_of_the_mesh_refused_as_well_makes_it_a_note(self) -> None:
        mesh = snapshot(policy(), proxies=refused(refusal(), refusal(CLIENT_IP)))
        found = only(mesh)
        assert (found.outcome, found.root) == (Outcome.WARN, False)
        assert "Deployment shop/client-v1" in found.message

    def test_a_rule_that_sends_plaintext_there_makes_it_a_note(self) -> None:
        found = only(snapshot(rule(), policy(), proxies=refused()))
        assert not found.root
        assert "DestinationRule shop/payments" in found.message

    def test_a_rule_towards_servers_of_another_policy_does_not_matter(self) -> None:
        elsewhere = policy(name="ledger", app="ledger")
        ledger = pod("ledger-1", "pay", labels={"app": "ledger"}, ip="10.244.0.40")
        mesh = snapshot(
            rule("ledger", host="ledger.pay.svc.cluster.local"),
            service("ledger", "pay"),
            ledger,
            elsewhere,
            policy(),
            proxies=refused(),
        )
        assert named(ANALYZER, mesh) == BLAMED

    def test_a_probe_that_kubelet_sends_in_plaintext_makes_it_a_note(self) -> None:
        unready = server_pod(ready=False)
        probe = {"httpGet": {"port": 8080, "path": "/"}}
        unready["spec"]["containers"][0]["readinessProbe"] = probe
        found = only(snapshot(policy(), server=unready, proxies=refused()))
        assert not found.root
        assert "kubelet" in found.message

    @pytest.mark.parametrize(
        ("probe", "ready"),
        [
            ({"httpGet": {"port": 15020, "path": "/app-health/app/readyz"}}, False),
            ({"tcpSocket": {"port": 8080}}, False),
            ({"httpGet": {"port": 8080, "path": "/"}}, True),
        ],
    )
    def test_probes_that_get_through_leave_it_a_root_cause(
        self, probe: dict[str, Any], ready: bool
    ) -> None:
        probed = server_pod(ready=ready)
        probed["spec"]["containers"][0]["readinessProbe"] = probe
        assert named(ANALYZER, snapshot(policy(), server=probed, proxies=refused())) == BLAMED

    def test_proxies_that_do_not_trust_istiod_make_it_a_note(self) -> None:
        lost = client(log=log(DISTRUST, call()))
        found = only(snapshot(policy(), proxies=[lost, server(refusal())]))
        assert not found.root
        assert "certificates" in found.message


class TestUnread:
    @pytest.mark.parametrize("kind", [POD, SERVICE, PEER_AUTHENTICATION])
    def test_a_missing_input_makes_it_unknown(self, kind: Any) -> None:
        mesh = snapshot(policy(), proxies=refused(), unread=[kind])
        assert unknowns(ANALYZER, mesh) == {CODE: (kind.input,)}
        assert problems(ANALYZER, mesh) == []

    def test_rules_are_not_needed(self) -> None:
        mesh = snapshot(policy(), proxies=refused(), unread=[DESTINATION_RULE])
        assert named(ANALYZER, mesh) == BLAMED

    def test_without_the_servers_log_nobody_can_tell(self) -> None:
        mesh = snapshot(policy(), proxies=[client(call()), server(log=None)])
        assert unknowns(ANALYZER, mesh) == {CODE: ("proxies/istio-proxy.log",)}

    def test_a_server_that_writes_no_access_log_leaves_it_unknown(self) -> None:
        mesh = snapshot(policy(), proxies=[client(log=log("")), server(log=log(""))])
        assert unknowns(ANALYZER, mesh) == {CODE: ("proxies/istio-proxy.log",)}

    def test_without_anybody_outside_the_mesh_the_log_does_not_matter(self) -> None:
        inside = snapshot(
            policy(), proxies=[client(call()), server(log=None)], legacy=legacy_pod(proxy="native")
        )
        assert unknowns(ANALYZER, inside) == {}

    def test_without_strict_the_log_does_not_matter(self) -> None:
        mesh = snapshot(proxies=[client(call()), server(log=None)])
        assert unknowns(ANALYZER, mesh) == {}


def test_the_fix_puts_the_clients_namespace_into_the_mesh() -> None:
    fills = only(snapshot(policy(), proxies=refused())).fills
    join = fills["first_command"]
    assert join.startswith("kubectl label namespace legacy istio-injection=enabled")
    assert "deployment/legacy-v1 -n legacy" in join
    assert '"value": "PERMISSIVE"' in fills["second_command"]
    assert LEGACY_IP not in join
