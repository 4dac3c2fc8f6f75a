from __future__ import annotations

import re
from typing import Any

import pytest

from meshdoctor.analyze.base import ISTIOD_SYNC, PROXY_LOG
from meshdoctor.analyze.sync_reach import ANALYZER
from meshdoctor.analyze.sync_reach_log import Way, report
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.istiod import Istiod
from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY, POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh, namespace, proxy
from tests.unit.analyze.control_plane_build import (
    ago,
    found,
    injected,
    istiod_deployment,
    istiod_pod,
    istiod_service,
    knowing,
    one,
    proxy_log,
    sync,
)

CONNECTED = (
    f"{ago(minutes=5)}\tinfo\txdsproxy\tconnected to delta upstream XDS server: istiod:15012"
)
TIMEOUT = (
    f"{ago(minutes=1)}\twarning\tenvoy config x.h:2\tDeltaAggregatedResources gRPC config stream "
    'to xds-grpc closed since 40s ago: 14, connection error: desc = "transport: Error while '
    'dialing: dial tcp 10.96.0.1:15012: i/o timeout"'
)
UNTRUSTED = TIMEOUT.replace(
    "Error while dialing: dial tcp 10.96.0.1:15012: i/o timeout",
    "authentication handshake failed: tls: failed to verify certificate: x509: certificate signed "
    "by unknown authority",
)
UNAUTHENTICATED = (
    f"{ago(minutes=1)}\twarn\txdsproxy\tupstream terminated with unexpected error rpc error: "
    "code = Unauthenticated desc = authentication failure"
)
NO_CSR = (
    f"{ago(minutes=1)}\terror\tcitadelclient\tfailed to sign CSR: create certificate: rpc error: "
    'code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp '
    '10.96.0.1:15012: i/o timeout"'
)
CUT_BY_POLICY = ("MD0420", "proxy web.shop", ("NetworkPolicy istio-system/deny",))


def policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "istio-system"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], **spec},
    }


def cluster(
    *more: dict[str, Any],
    log: str | None = CONNECTED,
    istiods: list[Istiod] | None = None,
    service: dict[str, Any] | None = None,
    web: dict[str, Any] | None = None,
    **how: Any,
) -> Snapshot:
    """A ready istiod that knows ``other`` and not ``web``, both in shop."""
    parts = [
        namespace("shop"),
        istiod_deployment(),
        istiod_pod(),
        service or istiod_service(),
        web or injected("web"),
        injected("other", ip="10.0.0.2"),
        *more,
    ]
    known = [knowing(sync("other.shop"))] if istiods is None else istiods
    read = proxy("web", log=proxy_log(*log.split("\n"))) if log else proxy("web")
    return mesh(parts, istiods=known, proxies=[read], **how)


def problems(seen: Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (code, subject, objects[:1])
        for code, subject, objects in found(ANALYZER, seen, Outcome.FAIL, Outcome.WARN)
    ]


def failure(seen: Snapshot) -> Finding:
    return one(ANALYZER.analyze(seen), "MD0420", Outcome.FAIL)


def states(finding: Finding) -> dict[str, FactState]:
    return {fact.id: fact.state for fact in finding.facts}


class TestCutOff:
    def test_by_a_networkpolicy(self) -> None:
        seen = cluster(policy(), log=f"{CONNECTED}\n{TIMEOUT}")
        assert problems(seen) == [CUT_BY_POLICY]
        assert set(states(failure(seen)).values()) == {FactState.HOLDS}

    def test_the_objects_go_on_with_istiod_and_the_workload_is_affected(self) -> None:
        finding = failure(cluster(policy(), log=TIMEOUT))
        assert finding.objects[1:] == ("Deployment istio-system/istiod",)
        assert [item.source for item in finding.affected] == ["Deployment shop/web"]

    def test_a_new_proxy_that_never_got_its_certificate(self) -> None:
        assert problems(cluster(policy(), log=NO_CSR)) == [CUT_BY_POLICY]

    def test_without_a_policy_the_workload_itself_is_named(self) -> None:
        seen = cluster(log=f"{CONNECTED}\n{TIMEOUT}")
        assert problems(seen) == [("MD0420", "proxy web.shop", ("Deployment shop/web",))]

    def test_a_service_that_selects_no_istiod_is_named(self) -> None:
        seen = cluster(service=istiod_service(selector={"app": "pilot"}), log=TIMEOUT)
        assert problems(seen) == [("MD0420", "proxy web.shop", ("Service istio-system/istiod",))]

    def test_a_policy_that_blocks_before_the_proxy_has_noticed_makes_it_likely(self) -> None:
        seen = cluster(policy(), log=CONNECTED)
        assert problems(seen) == [CUT_BY_POLICY]
        assert states(failure(seen))["proxy-cannot-connect"] is FactState.SILENT

    def test_its_istiod_being_ready_is_said_beside_it(self) -> None:
        seen = cluster(policy(), log=TIMEOUT)
        assert ("MD0400", "proxy web.shop", ()) in found(ANALYZER, seen, Outcome.PASS)

    def test_the_fix_adds_a_rule_and_the_undo_removes_that_rule(self) -> None:
        rules = [{"ports": [{"port": 15017}]}]
        fills = failure(cluster(policy(ingress=rules), log=TIMEOUT)).fills
        assert '"path": "/spec/ingress/-"' in fills["mend_command"]
        assert '"/spec/ingress/1"' in fills["mend_undo"]

    def test_the_fix_of_a_policy_without_rules_adds_the_list(self) -> None:
        fills = failure(cluster(policy(), log=TIMEOUT)).fills
        assert re.search(r'"path": "/spec/ingress", "value": \[\{', fills["mend_command"])
        assert '"/spec/ingress"' in fills["mend_undo"]


class TestLookAlikes:
    def test_connected_proxies(self) -> None:
        seen = cluster(istiods=[knowing(sync("other.shop"), sync("web.shop"))])
        assert problems(seen) == []
        assert one(ANALYZER.analyze(seen), "MD0420", Outcome.PASS).evidence

    def test_a_proxy_that_another_revisions_istiod_knows(self) -> None:
        away = knowing(sync("web.shop"), revision="canary")
        seen = cluster(istiods=[knowing(sync("other.shop")), away], log=TIMEOUT)
        assert problems(seen) == []

    def test_a_proxy_that_does_not_trust_istiods_certificate(self) -> None:
        seen = cluster(log=f"{CONNECTED}\n{TIMEOUT}\n{UNTRUSTED}")
        assert problems(seen) == []
        passed = [item for item in ANALYZER.analyze(seen) if item.code == "MD0420"]
        assert [item.outcome for item in passed] == [Outcome.PASS]

    def test_a_proxy_whose_identity_istiod_refuses(self) -> None:
        assert problems(cluster(log=UNAUTHENTICATED)) == [
            ("MD0421", "proxy web.shop", ("Deployment shop/web",))
        ]

    def test_an_istiod_that_is_down(self) -> None:
        parts = [istiod_deployment(replicas=0), istiod_service(), injected("web")]
        read = proxy("web", log=proxy_log(TIMEOUT))
        assert problems(mesh(parts, proxies=[read])) == []

    def test_a_revision_without_any_istiod(self) -> None:
        web = injected("web", revision="gone")
        assert problems(cluster(web=web, log=TIMEOUT)) == []

    def test_an_external_control_plane(self) -> None:
        web = injected("web")
        web["spec"]["initContainers"][0]["env"] = [
            {"name": "CA_ADDR", "value": "istiod.example.com:15012"}
        ]
        assert problems(cluster(web=web, log=TIMEOUT)) == []

    def test_a_proxy_container_that_does_not_run(self) -> None:
        web = injected("web")
        web["status"]["initContainerStatuses"][0]["state"] = {"waiting": {"reason": "Creating"}}
        assert problems(cluster(policy(), web=web)) == []

    def test_a_pod_that_is_being_deleted(self) -> None:
        web = injected("web")
        web["metadata"]["deletionTimestamp"] = ago(seconds=5)
        assert problems(cluster(policy(), web=web)) == []

    def test_a_proxy_that_has_just_started(self) -> None:
        assert problems(cluster(web=injected("web", created=ago(seconds=10)))) == []

    def test_proxies_that_still_come_back_after_istiods_restart(self) -> None:
        parts = [
            istiod_deployment(),
            istiod_pod(since=ago(seconds=20)),
            istiod_service(),
            injected("web"),
        ]
        read = proxy("web", log=proxy_log(CONNECTED, TIMEOUT))
        assert problems(mesh(parts, istiods=[knowing()], proxies=[read])) == []

    def after_restart(self, *, lines: tuple[str, ...], knows: str) -> Snapshot:
        parts = [
            istiod_deployment(),
            istiod_pod(since=ago(seconds=20)),
            istiod_service(),
            injected("web"),
        ]
        read = proxy("web", log=proxy_log(*lines))
        return mesh(parts, istiods=[knowing(sync(knows))], proxies=[read])

    @pytest.mark.parametrize("lines", [(CONNECTED,), (CONNECTED, TIMEOUT)])
    def test_whether_they_come_back_is_not_known_yet(self, lines: tuple[str, ...]) -> None:
        seen = self.after_restart(lines=lines, knows="other.shop")
        unsure = one(ANALYZER.analyze(seen), "MD0420", Outcome.UNKNOWN)
        assert unsure.needs == (ISTIOD_SYNC,)
        assert "web.shop" in unsure.message
        assert "less than a minute ago" in unsure.message

    def test_those_that_came_back_are_in_order(self) -> None:
        seen = self.after_restart(lines=(CONNECTED,), knows="web.shop")
        assert found(ANALYZER, seen, Outcome.UNKNOWN, Outcome.WARN) == []

    @pytest.mark.parametrize(("seconds", "unsure"), [(5, 0), (30, 1)])
    def test_a_new_pod_gets_some_seconds_and_is_not_known_after_that(
        self, seconds: int, unsure: int
    ) -> None:
        web = injected("web", created=ago(seconds=seconds))
        web["status"]["initContainerStatuses"][0]["state"]["running"]["startedAt"] = ago(
            seconds=seconds
        )
        assert len(found(ANALYZER, cluster(web=web), Outcome.UNKNOWN)) == unsure

    def test_one_that_is_unknown_without_a_reason_is_a_note_and_names_no_cause(self) -> None:
        seen = cluster(log=CONNECTED)
        assert problems(seen) == [("MD0422", "proxy web.shop", ("Deployment shop/web",))]
        assert one(ANALYZER.analyze(seen), "MD0422", Outcome.WARN).root is False


class TestUnread:
    def unknown(self, seen: Snapshot) -> tuple[str, ...]:
        assert problems(seen) == []
        return one(ANALYZER.analyze(seen), "MD0420", Outcome.UNKNOWN).needs

    def test_without_the_log_a_policy_still_decides(self) -> None:
        seen = cluster(policy(), log=None)
        assert problems(seen) == [CUT_BY_POLICY]
        assert states(failure(seen))["proxy-cannot-connect"] is FactState.UNREAD

    def test_without_the_log_and_a_policy_it_might_be_a_certificate(self) -> None:
        assert self.unknown(cluster(log=None)) == (PROXY_LOG,)

    def test_without_syncz_the_log_and_a_policy_decide(self) -> None:
        seen = cluster(policy(), istiods=[], log=f"{CONNECTED}\n{TIMEOUT}")
        assert CUT_BY_POLICY in problems(seen)
        assert states(failure(seen))["istiod-does-not-list-proxy"] is FactState.UNREAD

    def test_without_syncz_a_connected_log_leaves_it_open(self) -> None:
        assert ISTIOD_SYNC in self.unknown(cluster(policy(), istiods=[], log=CONNECTED))

    def test_without_networkpolicies_the_object_at_fault_is_not_known(self) -> None:
        seen = cluster(log=TIMEOUT, unread=[NETWORK_POLICY])
        assert self.unknown(seen) == (NETWORK_POLICY.input,)

    def test_without_namespaces_a_selector_of_labels_is_not_known(self) -> None:
        chosen = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
        seen = cluster(policy(ingress=[chosen]), log=TIMEOUT, unread=[NAMESPACE])
        assert self.unknown(seen) == (NAMESPACE.input,)

    def test_without_pods_nothing_is_known(self) -> None:
        assert self.unknown(cluster(log=TIMEOUT, unread=[POD])) == (POD.input,)


class TestLog:
    @pytest.mark.parametrize(
        ("lines", "way"),
        [
            ([CONNECTED], Way.CONNECTED),
            ([TIMEOUT, CONNECTED], Way.CONNECTED),
            ([CONNECTED, TIMEOUT], Way.UNREACHABLE),
            ([NO_CSR], Way.UNREACHABLE),
            ([CONNECTED, UNTRUSTED, TIMEOUT], Way.CERTIFICATE),
            ([CONNECTED, UNAUTHENTICATED], Way.REFUSED),
            ([], Way.SILENT),
            ([f"{ago(minutes=1)}\twarn\tdns\tdial tcp 10.0.0.9:53: i/o timeout"], Way.SILENT),
        ],
    )
    def test_the_last_word_since_the_last_connection_counts(
        self, lines: list[str], way: Way
    ) -> None:
        assert report(proxy_log(*lines)).way is way
