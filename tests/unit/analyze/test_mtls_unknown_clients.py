"""STRICT servers that turn plaintext of unknown origin away."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_unknown_clients import ANALYZER
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD
from meshdoctor.model.snapshot import Snapshot
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    CLIENT_IP,
    LEGACY_IP,
    NODE_IP,
    call,
    client,
    policy,
    refusal,
    rule,
    server,
    server_pod,
    snapshot,
)
from tests.unit.analyze.traffic_build import problems


def refused(source: str, *, times: int = 3, ago: float = 10) -> list[Any]:
    return [client(call()), server(*[refusal(source, ago=ago + n) for n in range(times)])]


def only(mesh: Snapshot) -> Finding:
    found = problems(ANALYZER, mesh)
    assert len(found) == 1
    return found[0]


class TestWarns:
    @pytest.mark.parametrize("source", ["10.244.0.99", "203.0.113.7"])
    def test_an_address_that_is_no_pod_is_named_and_nobody_is_blamed(self, source: str) -> None:
        found = only(snapshot(policy(), proxies=refused(source)))
        assert (found.subject, found.outcome, found.root) == (AT_PAYMENTS, Outcome.WARN, False)
        assert f"3 from {source}" in found.message
        assert found.facts[0].evidence[0].excerpt.endswith(f"{source}:40000 - -")

    def test_a_node_is_told_apart_from_a_stranger(self) -> None:
        on_node = server_pod()
        on_node["status"]["hostIP"] = NODE_IP
        found = only(snapshot(policy(), server=on_node, proxies=refused(NODE_IP)))
        assert f"node {NODE_IP}" in found.message

    def test_a_pod_of_the_mesh_whose_proxy_is_passed_by_is_named(self) -> None:
        found = only(snapshot(policy(), proxies=refused(CLIENT_IP)))
        assert "Deployment shop/client-v1, whose own proxy is passed by" in found.message


class TestKeepsQuiet:
    def test_a_client_without_proxy_is_told_elsewhere(self) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused(LEGACY_IP))) == []

    def test_a_client_whose_rule_makes_it_speak_plaintext_is_told_elsewhere(self) -> None:
        assert problems(ANALYZER, snapshot(rule(), policy(), proxies=refused(CLIENT_IP))) == []

    def test_one_connection_may_be_a_port_scan(self) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused("203.0.113.7", times=1))) == []

    def test_lines_older_than_three_minutes_do_not_count(self) -> None:
        assert problems(ANALYZER, snapshot(policy(), proxies=refused("203.0.113.7", ago=200))) == []

    def test_a_policy_that_takes_plaintext_now_makes_the_lines_old_news(self) -> None:
        mesh = snapshot(policy("PERMISSIVE"), proxies=refused("203.0.113.7"))
        assert problems(ANALYZER, mesh) == []

    @pytest.mark.parametrize("kind", [POD, PEER_AUTHENTICATION])
    def test_without_pods_or_policies_it_says_nothing(self, kind: Any) -> None:
        mesh = snapshot(policy(), proxies=refused("203.0.113.7"), unread=[kind])
        assert list(ANALYZER.analyze(mesh)) == []
