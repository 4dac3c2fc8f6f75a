from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.network_policy import ANALYZER
from meshdoctor.analyze.network_policy_dns import ANALYZER as DNS
from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY
from tests.build import istiod, mesh, namespace, pod, service
from tests.build import proxy as read_proxy
from tests.unit.analyze.traffic_build import (
    CLIENT,
    RATINGS,
    RATINGS_IP,
    TO_RATINGS,
    client,
    hosts,
    line,
    log,
    named,
    passed,
    problems,
    shop,
    unknowns,
)

if TYPE_CHECKING:
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

SUBJECT = f"destination {RATINGS}:8080"
AT = f"{RATINGS_IP}:8080"
CALLERS = {"podSelector": {"matchLabels": {"app": "client"}}}
HERE: dict[str, Any] = {"podSelector": {}}
TIMED_OUT = "upstream_reset_before_response_started{connection_timeout}"


def policy(name: str = "isolate", place: str = "shop", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": place},
        "spec": {"podSelector": {"matchLabels": {"app": "ratings"}}, **spec},
    }


def gave_up(**more: Any) -> str:
    details = {"code": 0, "flags": "DC", "details": "downstream_remote_disconnect"}
    return line(TO_RATINGS, upstream=AT, **{**details, **more})


def built(*policies: dict[str, Any], proxy: Proxy | None = None, **parts: Any) -> Snapshot:
    return mesh(
        [*shop(), *policies],
        proxies=[proxy or client(gave_up())],
        **{"istiods": [istiod()]} | parts,
    )


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="the caller gave up"),
        pytest.param({"code": 503, "flags": "URX,UF", "details": TIMED_OUT}, id="no connection"),
        pytest.param({"code": 504, "flags": "UT", "details": "response_timeout"}, id="timeout"),
    ],
)
def test_a_policy_that_lets_nobody_in_is_named_when_calls_get_no_answer(
    more: dict[str, Any],
) -> None:
    snapshot = built(policy(), proxy=client(gave_up(**more)))
    assert named(ANALYZER, snapshot) == [("MD0160", SUBJECT, "NetworkPolicy shop/isolate")]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([{"from": [CALLERS]}], id="labels"),
        pytest.param([{"from": [HERE], "ports": [{"port": 8080}]}], id="port"),
        pytest.param([{"ports": [{"port": 8000, "endPort": 9000}]}], id="range"),
        pytest.param([{}], id="everything"),
    ],
)
def test_a_policy_that_lets_the_client_in_passes(rules: list[dict[str, Any]]) -> None:
    snapshot = built(policy(ingress=rules))
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0160", SUBJECT) in passed(ANALYZER, snapshot)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"code": 200, "flags": "-", "details": "via_upstream"}, id="answered"),
        pytest.param({"code": 503, "flags": "-", "details": "via_upstream"}, id="its own 503"),
        pytest.param({"code": 503, "flags": "UO", "details": "overflow"}, id="overflow"),
        pytest.param(
            {"code": 503, "flags": "URX,UF", "details": "x{TLS_error:WRONG_VERSION_NUMBER}"},
            id="tls",
        ),
        pytest.param({"seconds_ago": 900}, id="long ago"),
    ],
)
def test_calls_that_end_otherwise_are_not_its_fault(more: dict[str, Any]) -> None:
    assert problems(ANALYZER, built(policy(), proxy=client(gave_up(**more)))) == []


def test_a_policy_that_keeps_out_who_never_calls_is_in_order() -> None:
    assert list(ANALYZER.analyze(built(policy(), proxy=client()))) == []


def test_without_any_policy_failed_calls_rule_it_out() -> None:
    assert ("MD0160", SUBJECT) in passed(ANALYZER, built())


def test_the_clients_own_egress_counts() -> None:
    keeps_in = policy(
        "keep-in", podSelector={}, policyTypes=["Egress"], egress=[{"ports": [{"port": 53}]}]
    )
    (found,) = problems(ANALYZER, built(keeps_in))
    assert found.objects == ("NetworkPolicy shop/keep-in", "Deployment shop/ratings-v1")
    assert '"to": [{"namespaceSelector"' in found.fills["command"]
    assert '"app": "ratings"' in found.fills["command"]


def test_both_ends_are_two_faults() -> None:
    keeps_in = policy("keep-in", podSelector={"matchLabels": {"app": "client"}})
    keeps_in["spec"]["policyTypes"] = ["Egress"]
    assert [item[2] for item in named(ANALYZER, built(policy(), keeps_in))] == [
        "NetworkPolicy shop/isolate",
        "NetworkPolicy shop/keep-in",
    ]


def test_of_several_the_one_that_nearly_lets_it_pass_is_to_change() -> None:
    deny = policy("deny-all", podSelector={})
    near = policy("for-callers", ingress=[{"from": [CALLERS], "ports": [{"port": 9090}]}])
    (found,) = problems(ANALYZER, built(deny, near))
    assert found.objects[:2] == ("NetworkPolicy shop/for-callers", "NetworkPolicy shop/deny-all")


def test_the_rule_that_is_offered_lets_just_this_pass_and_can_be_taken_back() -> None:
    (found,) = problems(
        ANALYZER, built(policy(ingress=[{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]))
    )
    command, undo = found.fills["command"], found.fills["undo"]
    assert '"kubernetes.io/metadata.name": "shop"' in command
    assert '"ports": [{"protocol": "TCP", "port": 8080}]' in command
    assert undo.endswith('"value": [{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]}]\'')


def test_unread_policies_leave_it_unknown() -> None:
    snapshot = built(policy(), unread=[NETWORK_POLICY])
    assert unknowns(ANALYZER, snapshot) == {"MD0160": (NETWORK_POLICY.input,)}


def test_unread_namespaces_matter_where_a_rule_asks_for_their_labels() -> None:
    rules = [{"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}]
    snapshot = built(policy(ingress=rules), unread=[NAMESPACE])
    assert unknowns(ANALYZER, snapshot) == {"MD0160": (NAMESPACE.input,)}


class TestWithoutLogs:
    def quiet(self, **parts: Any) -> Proxy:
        return read_proxy(CLIENT, log=log(), **parts)

    def test_failed_connections_that_the_proxy_counts_prove_it(self) -> None:
        counted = hosts({TO_RATINGS: [{"cx_connect_fail": 3, "cx_total": 3}]})
        snapshot = built(policy(), proxy=self.quiet(hosts=counted))
        (cause,) = diagnose(snapshot).root_causes
        assert (cause.id, cause.certainty.value) == ("networkpolicy-blocks-traffic", "proven")

    def test_what_the_template_names_makes_it_likely(self) -> None:
        snapshot = mesh([*told(), policy()], proxies=[self.quiet()], istiods=[istiod()])
        (cause,) = diagnose(snapshot).root_causes
        assert (cause.id, cause.certainty.value) == ("networkpolicy-blocks-traffic", "likely")

    def test_a_client_that_names_nothing_is_no_client(self) -> None:
        assert list(ANALYZER.analyze(built(policy(), proxy=self.quiet()))) == []


def told() -> list[dict[str, Any]]:
    objects = shop()
    for item in objects:
        if item["kind"] == "Pod" and item["metadata"]["name"] == CLIENT:
            item["spec"]["containers"][0]["args"] = ["--to=http://ratings:8080/"]
    return objects


class TestDns:
    def dns(self) -> list[dict[str, Any]]:
        ports = [{"name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP"}]
        answering = pod("coredns-1", "kube-system", labels={"k8s-app": "kube-dns"}, proxy=None)
        spec: dict[str, Any] = {
            "selector": {"k8s-app": "kube-dns"},
            "ports": ports,
            "clusterIP": "10.96.0.2",
        }
        return [namespace("kube-system"), answering, service("kube-dns", "kube-system", **spec)]

    def keep_in(self, *rules: dict[str, Any]) -> dict[str, Any]:
        spec: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(rules)}
        return policy("keep-in", **spec)

    def test_an_egress_policy_without_a_way_to_dns_is_named(self) -> None:
        snapshot = mesh(
            [*told(), *self.dns(), self.keep_in({"to": [HERE]})],
            proxies=[client()],
            istiods=[istiod()],
        )
        assert named(DNS, snapshot) == [
            (
                "MD0161",
                "workload Deployment shop/client-v1",
                "NetworkPolicy shop/keep-in",
            )
        ]
        assert [cause.id for cause in diagnose(snapshot).root_causes] == [
            "networkpolicy-blocks-traffic"
        ]

    def test_one_with_a_way_to_dns_is_in_order(self) -> None:
        way = {"ports": [{"port": 53, "protocol": "UDP"}]}
        objects = [*told(), *self.dns(), self.keep_in({"to": [HERE]}, way)]
        assert list(DNS.analyze(mesh(objects, proxies=[client()]))) == []

    def test_a_workload_that_calls_nobody_needs_no_dns(self) -> None:
        objects = [*shop(), *self.dns(), self.keep_in({"to": [HERE]})]
        assert list(DNS.analyze(mesh(objects))) == []

    def test_a_cache_on_the_node_is_out_of_a_policys_reach(self) -> None:
        cache = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "node-local-dns", "namespace": "kube-system"},
            "spec": {},
        }
        objects = [*told(), *self.dns(), cache, self.keep_in({"to": [HERE]})]
        assert list(DNS.analyze(mesh(objects, proxies=[client()]))) == []
