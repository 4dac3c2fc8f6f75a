from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.analyze.authorization_peer_conflict import ANALYZER as CONFLICT
from meshdoctor.analyze.authorization_peer_selector import ANALYZER as SELECTOR
from meshdoctor.model.finding import Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION
from tests.unit.analyze.authorization_build import bank, outcomes
from tests.unit.analyze.mtls_build import inbound_dump, policy

if TYPE_CHECKING:
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

ROOT = "istio-system"
OLDER, YOUNGER = "2026-11-21T06:00:00Z", "2026-11-21T06:30:00Z"


def only(snapshot: Snapshot) -> Finding:
    (found,) = SELECTOR.analyze(snapshot)
    return found


def test_a_selector_in_the_root_namespace_counts_for_nothing() -> None:
    ignored = policy("STRICT", ROOT, "payments", app="payments")
    found = only(bank(ignored, dump=inbound_dump("tls", "raw_buffer")))
    assert found.outcome is Outcome.FAIL
    assert found.objects == (f"PeerAuthentication {ROOT}/payments", "Deployment pay/payments-v1")
    assert [fact.state.value for fact in found.facts] == ["holds", "holds", "holds"]


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(policy("PERMISSIVE", ROOT, "payments", app="payments"), id="it is so anyway"),
        pytest.param(policy("STRICT", ROOT, "payments", app="nobody"), id="it selects nobody"),
        pytest.param(policy("UNSET", ROOT, "payments", app="payments"), id="it asks for nothing"),
    ],
)
def test_an_ignored_policy_that_changes_nothing_is_a_note(ignored: dict[str, object]) -> None:
    found = only(bank(ignored))
    assert (found.outcome, found.root) == (Outcome.WARN, False)


@pytest.mark.parametrize(
    "sound",
    [policy("STRICT", ROOT), policy("STRICT", "pay", "payments", app="payments")],
)
def test_policies_in_their_place_get_no_word(sound: dict[str, object]) -> None:
    assert list(SELECTOR.analyze(bank(sound))) == []


def test_two_policies_for_one_namespace_that_differ_conflict() -> None:
    snapshot = bank(
        policy("STRICT", "pay", "b", created=OLDER),
        policy("PERMISSIVE", "pay", "a", created=YOUNGER),
    )
    assert outcomes(CONFLICT, snapshot) == {("MD0721", "fail", "PeerAuthentication pay/b")}
    (found,) = CONFLICT.analyze(snapshot)
    assert found.subject == "namespace pay"
    assert [item.source for item in found.affected] == ["Deployment pay/payments-v1"]


def test_two_policies_for_one_workload_that_differ_conflict() -> None:
    snapshot = bank(
        policy("STRICT", "pay", "a", app="payments", created=OLDER),
        policy("STRICT", "pay", "b", app="payments", ports={8080: "DISABLE"}, created=YOUNGER),
    )
    assert outcomes(CONFLICT, snapshot) == {("MD0721", "fail", "PeerAuthentication pay/a")}


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((policy("STRICT", "pay", "a"), policy("STRICT", "pay", "b")), id="they agree"),
        pytest.param((policy("STRICT", "pay"), policy("PERMISSIVE", "shop")), id="two namespaces"),
        pytest.param(
            (policy("STRICT", ROOT), policy("PERMISSIVE", "pay")), id="mesh and namespace"
        ),
        pytest.param(
            (policy("STRICT", "pay"), policy("PERMISSIVE", "pay", "payments", app="payments")),
            id="namespace and workload",
        ),
    ],
)
def test_policies_that_go_together_get_no_word(pair: tuple[dict[str, object], ...]) -> None:
    assert list(CONFLICT.analyze(bank(*pair))) == []


def test_without_peerauthentications_nothing_can_be_told() -> None:
    snapshot = bank(unread=[PEER_AUTHENTICATION])
    assert {outcome for _, outcome, _ in outcomes(CONFLICT, snapshot)} == {"unknown"}
    assert {outcome for _, outcome, _ in outcomes(SELECTOR, snapshot)} == {"unknown"}
