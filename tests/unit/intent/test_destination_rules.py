from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.destination_rules import covers, rules_for, setting, subset_named
from meshdoctor.model.snapshot import Snapshot
from tests.build import istio_object, istiod, mesh, service

HOST = "payments.pay.svc.cluster.local"
OLD, NEW = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def rule(
    name: str, namespace: str, host: str = HOST, *, created: str = OLD, **spec: Any
) -> dict[str, Any]:
    found = istio_object("DestinationRule", name, namespace, host=host, **spec)
    found["metadata"]["creationTimestamp"] = created
    return found


def look_up(
    *rules: dict[str, Any],
    client: str = "shop",
    labels: dict[str, str] | None = None,
    config: dict[str, Any] | None = None,
) -> list[str]:
    istiods = [istiod(mesh=config or {})]
    snapshot = mesh([service("payments", "pay"), *rules], istiods=istiods)
    return [f"{r.namespace}/{r.name}" for r in rules_for(snapshot, HOST, client, labels)]


def tls(mode: str, **more: Any) -> dict[str, Any]:
    return {"tls": {"mode": mode}, **more}


class TestPlaces:
    def test_the_clients_namespace_comes_first_then_the_services_then_the_root(self) -> None:
        own, served, root = rule("a", "shop"), rule("b", "pay"), rule("c", "istio-system")
        assert look_up(own, served, root) == ["shop/a"]
        assert look_up(served, root) == ["pay/b"]
        assert look_up(root) == ["istio-system/c"]

    def test_a_fourth_place_does_not_count(self) -> None:
        assert look_up(rule("a", "other")) == []

    def test_the_first_place_wins_even_with_a_wider_pattern(self) -> None:
        assert look_up(rule("a", "shop", "*.local"), rule("b", "pay")) == ["shop/a"]

    def test_a_client_in_the_root_namespace_looks_at_its_public_rules_last(self) -> None:
        wide = rule("wide", "istio-system", "*.local")
        assert look_up(wide, rule("b", "pay"), client="istio-system") == ["pay/b"]
        assert look_up(wide, client="istio-system") == ["istio-system/wide"]

    def test_a_private_rule_of_the_root_namespace_is_for_its_own_clients_first(self) -> None:
        private = rule("mine", "istio-system", exportTo=["."])
        assert look_up(private, rule("b", "pay"), client="istio-system") == ["istio-system/mine"]
        assert look_up(private) == []

    def test_the_root_namespace_is_what_mesh_config_says(self) -> None:
        other_root = {"rootNamespace": "infra"}
        assert look_up(rule("c", "infra"), config=other_root) == ["infra/c"]
        assert look_up(rule("c", "istio-system"), config=other_root) == []


class TestVisibility:
    @pytest.mark.parametrize(
        ("targets", "seen"),
        [(["*"], True), (["shop"], True), (["."], False), (["other"], False), ([], True)],
    )
    def test_export_to_limits_who_sees_a_services_rule(
        self, targets: list[str], seen: bool
    ) -> None:
        assert look_up(rule("b", "pay", exportTo=targets)) == (["pay/b"] if seen else [])

    def test_export_to_does_not_matter_in_the_rules_own_namespace(self) -> None:
        assert look_up(rule("a", "shop", exportTo=["other"])) == ["shop/a"]

    def test_a_rule_for_others_that_is_more_specific_hides_a_wider_one_of_its_namespace(
        self,
    ) -> None:
        exact = rule("exact", "pay", exportTo=["other"])
        assert look_up(exact, rule("wide", "pay", "*.local")) == []

    def test_a_private_rule_hides_nothing_from_others(self) -> None:
        exact = rule("exact", "pay", exportTo=["."])
        assert look_up(exact, rule("wide", "pay", "*.local")) == ["pay/wide"]

    def test_the_meshs_default_export_is_honoured(self) -> None:
        private = {"defaultDestinationRuleExportTo": ["."]}
        assert look_up(rule("b", "pay"), config=private) == []
        assert look_up(rule("b", "pay"), client="pay", config=private) == ["pay/b"]
        assert look_up(rule("b", "pay", exportTo=["*"]), config=private) == ["pay/b"]


class TestHosts:
    def test_an_exact_host_wins_over_wildcards_and_a_longer_one_over_a_shorter(self) -> None:
        short, long = rule("s", "shop", "*.local"), rule("l", "shop", "*.pay.svc.cluster.local")
        assert look_up(short, long, rule("e", "shop")) == ["shop/e"]
        assert look_up(short, long) == ["shop/l"]

    def test_a_short_name_is_completed_with_the_rules_namespace(self) -> None:
        assert look_up(rule("a", "shop", "payments")) == []
        assert look_up(rule("b", "pay", "payments")) == ["pay/b"]

    @pytest.mark.parametrize(
        ("pattern", "covered"),
        [("*", True), ("*.local", True), (HOST, True), ("*.shop.svc.cluster.local", False)],
    )
    def test_a_pattern_covers_a_host_by_its_suffix(self, pattern: str, covered: bool) -> None:
        assert covers(pattern, HOST) is covered

    def test_rules_for_one_host_are_all_there_oldest_first(self) -> None:
        new, old = rule("a", "shop", created=NEW), rule("b", "shop", created=OLD)
        assert look_up(new, old) == ["shop/b", "shop/a"]


class TestWorkloadSelector:
    CHOSEN = rule("chosen", "shop", workloadSelector={"matchLabels": {"app": "client"}})
    PLAIN = rule("plain", "shop")

    def test_a_selector_that_matches_excludes_rules_without_one(self) -> None:
        assert look_up(self.CHOSEN, self.PLAIN, labels={"app": "client"}) == ["shop/chosen"]

    def test_others_get_the_rule_without_a_selector(self) -> None:
        assert look_up(self.CHOSEN, self.PLAIN, labels={"app": "web"}) == ["shop/plain"]
        assert look_up(self.CHOSEN, self.PLAIN) == ["shop/plain"]

    def test_where_only_selectors_stand_istiod_looks_no_further(self) -> None:
        assert look_up(self.CHOSEN, rule("b", "pay"), labels={"app": "web"}) == []

    def test_a_selector_of_another_namespace_reaches_nobody(self) -> None:
        foreign = rule("b", "pay", workloadSelector={"matchLabels": {"app": "client"}})
        assert look_up(foreign, labels={"app": "client"}) == []


class TestSettings:
    def snapshot(self, *rules: dict[str, Any]) -> Snapshot:
        return mesh([service("payments", "pay"), *rules])

    def mode(self, *rules: dict[str, Any], port: int = 8080, subset: str = "") -> str | None:
        found = setting(rules_for(self.snapshot(*rules), HOST, "shop"), "tls", port, subset)
        assert found is None or found.rule.get(*found.path) == found.value
        return found.value["mode"] if found else None

    def test_a_port_entry_wins_over_the_rule(self) -> None:
        entry = {"port": {"number": 8080}, **tls("SIMPLE")}
        policy = tls("DISABLE", portLevelSettings=[entry])
        assert self.mode(rule("a", "shop", trafficPolicy=policy)) == "SIMPLE"
        assert self.mode(rule("a", "shop", trafficPolicy=policy), port=9090) == "DISABLE"

    def test_a_port_entry_without_tls_hides_the_rules_own(self) -> None:
        entry = {"port": {"number": 8080}, "loadBalancer": {"simple": "RANDOM"}}
        policy = tls("DISABLE", portLevelSettings=[entry])
        assert self.mode(rule("a", "shop", trafficPolicy=policy)) is None

    def test_a_subsets_policy_wins_and_inherits_what_it_leaves_out(self) -> None:
        own = {"name": "v1", "trafficPolicy": tls("SIMPLE")}
        bare = {"name": "v2", "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}
        both = rule("a", "shop", trafficPolicy=tls("DISABLE"), subsets=[own, bare])
        assert self.mode(both, subset="v1") == "SIMPLE"
        assert self.mode(both, subset="v2") == "DISABLE"
        assert self.mode(both) == "DISABLE"

    def test_merged_rules_keep_the_oldest_policy_whole(self) -> None:
        first = rule("a", "shop", trafficPolicy={"loadBalancer": {"simple": "RANDOM"}})
        second = rule("b", "shop", created=NEW, trafficPolicy=tls("DISABLE"))
        assert self.mode(first, second) is None
        assert self.mode(rule("a", "shop"), second) == "DISABLE"

    def test_a_newer_rules_subset_wins_over_an_older_rules_policy(self) -> None:
        first = rule("a", "shop", trafficPolicy=tls("DISABLE"))
        subset = {"name": "v1", "trafficPolicy": tls("SIMPLE")}
        second = rule("b", "shop", created=NEW, subsets=[subset])
        assert self.mode(first, second, subset="v1") == "SIMPLE"

    def test_of_two_subsets_of_one_name_the_older_rules_stands(self) -> None:
        one = rule("a", "shop", subsets=[{"name": "v1", "labels": {"version": "1"}}])
        two = rule("b", "shop", created=NEW, subsets=[{"name": "v1", "labels": {"version": "2"}}])
        found = subset_named(rules_for(self.snapshot(one, two), HOST, "shop"), "v1")
        assert found is not None
        assert found.labels == {"version": "1"}
