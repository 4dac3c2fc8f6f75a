from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.network_policies import Direction, Verdict, decide, in_block
from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY, POD
from meshdoctor.model.resource import Resource
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh, namespace, pod

PORT = 15012


def policy(
    name: str, where: str = "istio-system", created: str = "2026-11-21T07:00:00Z", **spec: Any
) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": where, "creationTimestamp": created},
        "spec": {"podSelector": {}, **spec},
    }


def snapshot(*policies: dict[str, Any], **how: Any) -> Snapshot:
    labelled = {**namespace("shop", team="a")}
    return mesh(
        [
            labelled,
            namespace("pay", team="b"),
            namespace("istio-system"),
            pod("web", ip="10.0.0.1", labels={"app": "web"}),
            pod("payments", "pay", ip="10.0.1.1"),
            pod("node-agent", ip="192.168.0.9", hostNetwork=True),
            istiod_pod(),
            *policies,
        ],
        **how,
    )


def istiod_pod() -> dict[str, Any]:
    found = pod("istiod", "istio-system", labels={"app": "istiod"}, proxy=None, ip="10.0.9.1")
    found["spec"]["containers"][0]["ports"] = [
        {"name": "xds", "containerPort": PORT},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]
    return found


def at(seen: Snapshot, name: str, where: str = "shop") -> Resource:
    found = seen.catalog.find(POD, where, name)
    assert found is not None
    return found


def verdict(*policies: dict[str, Any], source: str = "web", port: int = PORT) -> Verdict:
    seen = snapshot(*policies)
    place = "pay" if source == "payments" else "shop"
    return decide(seen, at(seen, source, place), at(seen, "istiod", "istio-system"), port).verdict


def allow(*rules: dict[str, Any]) -> dict[str, Any]:
    return policy("p", ingress=list(rules))


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return {"ports": list(items)}


def peers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"from": list(items)}


SPACE = "namespaceSelector"
LABELS = "podSelector"


class TestIsolation:
    def test_without_a_policy_everything_passes(self) -> None:
        assert verdict() is Verdict.ALLOWED

    def test_a_policy_without_rules_lets_nothing_in(self) -> None:
        assert verdict(policy("deny")) is Verdict.BLOCKED

    def test_a_policy_that_selects_other_pods_changes_nothing(self) -> None:
        chosen = {"matchLabels": {"app": "other"}}
        assert verdict(policy("deny", podSelector=chosen)) is Verdict.ALLOWED

    def test_a_policy_in_another_namespace_changes_nothing(self) -> None:
        assert verdict(policy("deny", "kube-system")) is Verdict.ALLOWED

    def test_a_policy_for_egress_alone_lets_everything_in(self) -> None:
        assert verdict(policy("out", policyTypes=["Egress"])) is Verdict.ALLOWED

    def test_absent_policy_types_isolate_ingress(self) -> None:
        assert verdict(policy("in", egress=[{}])) is Verdict.BLOCKED

    def test_the_rules_of_all_policies_add_up(self) -> None:
        assert verdict(policy("deny"), allow({})) is Verdict.ALLOWED

    def test_match_expressions_select_pods(self) -> None:
        chosen = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["istiod"]}]}
        assert verdict(policy("deny", podSelector=chosen)) is Verdict.BLOCKED

    def test_a_pod_may_always_talk_to_itself(self) -> None:
        seen = snapshot(policy("deny"))
        istiod = at(seen, "istiod", "istio-system")
        assert decide(seen, istiod, istiod, PORT).verdict is Verdict.ALLOWED


class TestEgress:
    def test_the_callers_own_policy_blocks(self) -> None:
        assert verdict(policy("out", "shop", policyTypes=["Egress"])) is Verdict.BLOCKED

    def test_absent_policy_types_isolate_egress_only_where_there_are_egress_rules(self) -> None:
        dns = {"ports": [{"protocol": "UDP", "port": 53}]}
        assert verdict(policy("out", "shop", egress=[dns])) is Verdict.BLOCKED
        assert verdict(policy("out", "shop", ingress=[{}])) is Verdict.ALLOWED

    def test_rules_name_the_other_end_as_to(self) -> None:
        to = {"to": [{SPACE: {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}]}
        assert (
            verdict(policy("out", "shop", policyTypes=["Egress"], egress=[to])) is Verdict.ALLOWED
        )

    def test_both_ends_must_allow(self) -> None:
        seen = snapshot(policy("out", "shop", policyTypes=["Egress"], egress=[{}]), policy("in"))
        found = decide(seen, at(seen, "web"), at(seen, "istiod", "istio-system"), PORT)
        assert found.verdict is Verdict.BLOCKED
        assert [(block.policy.name, block.direction) for block in found.blocks] == [
            ("in", Direction.INGRESS)
        ]


class TestPorts:
    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ({"port": PORT}, Verdict.ALLOWED),
            ({"port": PORT, "protocol": "TCP"}, Verdict.ALLOWED),
            ({"port": PORT, "protocol": "UDP"}, Verdict.BLOCKED),
            ({"port": 15017}, Verdict.BLOCKED),
            ({"protocol": "TCP"}, Verdict.ALLOWED),
            ({"port": 15000, "endPort": 15020}, Verdict.ALLOWED),
            ({"port": PORT, "endPort": PORT}, Verdict.ALLOWED),
            ({"port": 15000, "endPort": 15011}, Verdict.BLOCKED),
            ({"port": "xds"}, Verdict.ALLOWED),
            ({"port": "dns"}, Verdict.BLOCKED),
            ({"port": "nowhere"}, Verdict.BLOCKED),
        ],
    )
    def test_a_rule_lets_through_only_its_ports(
        self, entry: dict[str, Any], expected: Verdict
    ) -> None:
        assert verdict(allow(ports(entry))) is expected

    def test_an_empty_list_of_ports_means_every_port(self) -> None:
        assert verdict(allow({"ports": []})) is Verdict.ALLOWED


class TestPeers:
    @pytest.mark.parametrize(
        ("peer", "expected"),
        [
            ({LABELS: {}}, Verdict.BLOCKED),
            ({SPACE: {}}, Verdict.ALLOWED),
            ({SPACE: {"matchLabels": {"team": "a"}}}, Verdict.ALLOWED),
            ({SPACE: {"matchLabels": {"team": "b"}}}, Verdict.BLOCKED),
            ({SPACE: {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, Verdict.ALLOWED),
            ({SPACE: {}, LABELS: {"matchLabels": {"app": "web"}}}, Verdict.ALLOWED),
            ({SPACE: {}, LABELS: {"matchLabels": {"app": "pay"}}}, Verdict.BLOCKED),
            ({"ipBlock": {"cidr": "10.0.0.0/24"}}, Verdict.ALLOWED),
            ({"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.1/32"]}}, Verdict.BLOCKED),
            ({"ipBlock": {"cidr": "10.0.1.0/24"}}, Verdict.BLOCKED),
        ],
    )
    def test_a_rule_lets_through_only_its_peers(
        self, peer: dict[str, Any], expected: Verdict
    ) -> None:
        assert verdict(allow(peers(peer))) is expected

    def test_a_pod_selector_alone_means_the_policys_own_namespace(self) -> None:
        seen = snapshot(policy("deny", "shop", ingress=[peers({LABELS: {}})]))
        web, payments = at(seen, "web"), at(seen, "payments", "pay")
        assert decide(seen, payments, web, 8080).verdict is Verdict.BLOCKED
        agent = mesh([pod("a"), pod("b"), policy("own", "shop", ingress=[peers({LABELS: {}})])])
        assert decide(agent, at(agent, "a"), at(agent, "b"), 80).verdict is Verdict.ALLOWED

    def test_one_matching_peer_is_enough(self) -> None:
        wrong = {SPACE: {"matchLabels": {"team": "b"}}}
        assert verdict(allow(peers(wrong, {SPACE: {}}))) is Verdict.ALLOWED

    def test_peers_and_ports_of_one_rule_must_both_match(self) -> None:
        rule = {**peers({SPACE: {}}), **ports({"port": 15017})}
        assert verdict(allow(rule)) is Verdict.BLOCKED

    def test_an_empty_list_of_peers_means_everyone(self) -> None:
        assert verdict(allow({"from": []})) is Verdict.ALLOWED


class TestWhatCannotBeSaid:
    def test_unread_policies_make_it_unknown(self) -> None:
        seen = snapshot(unread=[NETWORK_POLICY])
        found = decide(seen, at(seen, "web"), at(seen, "istiod", "istio-system"), PORT)
        assert (found.verdict, found.needs) == (Verdict.UNKNOWN, (NETWORK_POLICY.input,))

    def test_unread_namespaces_make_a_namespace_selector_unknown(self) -> None:
        chosen = {SPACE: {"matchLabels": {"team": "a"}}}
        seen = snapshot(allow(peers(chosen)), unread=[NAMESPACE])
        found = decide(seen, at(seen, "web"), at(seen, "istiod", "istio-system"), PORT)
        assert (found.verdict, found.needs) == (Verdict.UNKNOWN, (NAMESPACE.input,))

    def test_a_namespaces_name_is_known_without_its_object(self) -> None:
        chosen = {SPACE: {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}
        seen = snapshot(allow(peers(chosen)), unread=[NAMESPACE])
        found = decide(seen, at(seen, "web"), at(seen, "istiod", "istio-system"), PORT)
        assert found.verdict is Verdict.BLOCKED

    def test_a_caller_on_its_nodes_network_is_left_to_the_network_plugin(self) -> None:
        assert verdict(allow(peers({SPACE: {}})), source="node-agent") is Verdict.UNKNOWN

    def test_a_target_on_its_nodes_network_is_never_isolated(self) -> None:
        seen = snapshot(policy("deny", "shop"))
        found = decide(seen, at(seen, "payments", "pay"), at(seen, "node-agent"), 80)
        assert found.verdict is Verdict.ALLOWED


class TestBlame:
    def blocks(self, *policies: dict[str, Any]) -> list[str]:
        seen = snapshot(*policies)
        found = decide(seen, at(seen, "web"), at(seen, "istiod", "istio-system"), PORT)
        return [block.policy.name for block in found.blocks]

    def test_every_policy_that_isolates_takes_part_and_one_without_rules_comes_first(self) -> None:
        some = policy("allow-webhook", ingress=[ports({"port": 15017})])
        assert self.blocks(some, policy("deny")) == ["deny", "allow-webhook"]

    def test_among_equals_the_newest_comes_first(self) -> None:
        older = policy("a", created="2026-11-20T00:00:00Z")
        assert self.blocks(older, policy("b", created="2026-11-21T00:00:00Z")) == ["b", "a"]


def test_an_address_or_block_that_cannot_be_read_matches_neither_way() -> None:
    assert in_block({"cidr": "10.0.0.0/8"}, "") is None
    assert in_block({"cidr": "nonsense"}, "10.0.0.1") is None
    assert in_block({"cidr": "::/0"}, "10.0.0.1") is False
