from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.intent.clients import clients_of, governed_alike
from meshdoctor.intent.destination_rules import rules_for
from meshdoctor.model.kinds import DESTINATION_RULE
from tests.build import istio_object, istiod, mesh, pod, service

HOST = "payments.pay.svc.cluster.local"


def rule(namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    return istio_object("DestinationRule", "r", namespace, **{"host": HOST, **spec})


class TestClients:
    PODS = (
        pod("a", "shop", labels={"app": "a"}, ip="10.0.0.1"),
        pod("b", "shop", labels={"app": "b"}, ip="10.0.0.2"),
        pod("c", "web", ip="10.0.0.3"),
        pod("d", "docs", ip="10.0.0.4"),
        pod("e", "legacy", proxy=None, ip="10.0.0.5"),
    )

    def groups(self, *rules: dict[str, Any]) -> list[tuple[list[str], str]]:
        found = clients_of(mesh([service("payments", "pay"), *self.PODS, *rules]), HOST)
        return [([pod.name for pod in group.pods], group.namespace) for group in found]

    def test_namespaces_without_rules_are_one_group_and_pods_without_proxy_none(self) -> None:
        assert self.groups() == [(["d", "a", "b", "c"], "docs")]

    def test_a_namespace_with_rules_stands_alone(self) -> None:
        assert self.groups(rule("shop")) == [(["d", "c"], "docs"), (["a", "b"], "shop")]

    def test_a_namespace_that_a_rule_is_exported_to_stands_alone(self) -> None:
        assert self.groups(rule("pay", exportTo=["web"])) == [
            (["d", "a", "b"], "docs"),
            (["c"], "web"),
        ]

    def test_workload_selectors_tell_pods_of_a_namespace_apart(self) -> None:
        chosen = rule("shop", workloadSelector={"matchLabels": {"app": "a"}})
        assert self.groups(chosen) == [
            (["d", "c"], "docs"),
            (["a"], "shop"),
            (["b"], "shop"),
        ]

    def test_every_member_of_a_group_is_governed_as_the_one_that_stands_for_it(self) -> None:
        rules = [
            rule("shop"),
            rule("pay", exportTo=["web", "shop"]),
            rule("istio-system", host="*.local"),
        ]
        snapshot = mesh([service("payments", "pay"), *self.PODS, *rules])
        assert len(snapshot.catalog.of(DESTINATION_RULE)) == 3
        for group in clients_of(snapshot, HOST):
            governed = {
                rules_for(snapshot, HOST, member.namespace, member.labels) for member in group.pods
            }
            assert governed == {rules_for(snapshot, HOST, group.namespace, group.labels)}

    def test_every_pod_with_a_proxy_is_in_exactly_one_group(self) -> None:
        chosen = rule("shop", workloadSelector={"matchLabels": {"app": "a"}})
        snapshot = mesh([service("payments", "pay"), *self.PODS, chosen, rule("web")])
        groups = clients_of(snapshot, HOST)
        for member in snapshot.proxy_pods:
            assert [g.includes(member.namespace, member.labels) for g in groups].count(True) == 1
        assert sorted(p.name for g in groups for p in g.pods) == ["a", "b", "c", "d"]

    def test_a_rule_for_another_host_sets_nobody_apart(self) -> None:
        assert len(self.groups(rule("shop", host="ledger.pay.svc.cluster.local"))) == 1
        assert len(self.groups(rule("shop", host="*.pay.svc.cluster.local"))) == 2


SPACES = ("docs", "istio-system", "pay", "shop", "web")
EXPORTS = st.lists(st.sampled_from([*SPACES, "*", "."]), max_size=3)
RULES = st.lists(st.tuples(st.sampled_from(SPACES), EXPORTS), max_size=5)


class TestGovernedAlike:
    def test_of_namespaces_without_rules_the_first_stands_for_all(self) -> None:
        snapshot = mesh([service("payments", "pay"), rule("shop")])
        found = governed_alike(snapshot, HOST, ["web", "docs", "shop", "pay", "web"])
        assert found == ("web", "shop")

    def test_names_in_the_mesh_configs_default_export_stand_apart(self) -> None:
        named = istiod(mesh={"defaultDestinationRuleExportTo": ["web"]})
        snapshot = mesh([service("payments", "pay"), rule("pay")], istiods=[named])
        assert governed_alike(snapshot, HOST, ["docs", "web"]) == ("docs", "web")

    @given(RULES)
    def test_no_set_of_rules_is_missed(self, rules: list[tuple[str, list[str]]]) -> None:
        objects = [
            istio_object("DestinationRule", f"r{n}", space, host=HOST, exportTo=targets)
            for n, (space, targets) in enumerate(rules)
        ]
        snapshot = mesh([service("payments", "pay"), *objects])
        chosen = governed_alike(snapshot, HOST, SPACES)
        assert {rules_for(snapshot, HOST, space) for space in SPACES} == {
            rules_for(snapshot, HOST, space) for space in chosen
        }
