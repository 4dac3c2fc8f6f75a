from __future__ import annotations

import pytest

from meshdoctor.analyze.authorization_denies_all import ANALYZER as DENIES_ALL
from meshdoctor.analyze.authorization_deny import ANALYZER as DENY
from meshdoctor.analyze.authorization_identity import ANALYZER as IDENTITY
from meshdoctor.analyze.authorization_no_match import ANALYZER as NO_MATCH
from meshdoctor.analyze.jwt_absent import ANALYZER as TOKEN
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, POD, REQUEST_AUTHENTICATION
from meshdoctor.model.snapshot import Snapshot
from tests.unit.analyze.authorization_build import (
    CLIENT_NAME,
    LEGACY_NAME,
    SNI,
    SUBJECT,
    authentication,
    bank,
    inbound,
    outcomes,
    policy,
    refused,
    source,
)
from tests.unit.analyze.mtls_build import LEGACY_IP, legacy_pod, rule, server_pod

ALL = (DENIES_ALL, DENY, IDENTITY, NO_MATCH, TOKEN)
PAYMENTS = "AuthorizationPolicy pay/payments"
FROM_LEGACY = refused(ip=LEGACY_IP)
FROM_CLIENT = refused(sni=SNI)


def problems(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    return {
        item
        for analyzer in ALL
        for item in outcomes(analyzer, snapshot)
        if item[1] in ("fail", "warn")
    }


def unknowns(snapshot: Snapshot) -> set[str]:
    return {
        code
        for analyzer in ALL
        for code, outcome, _ in outcomes(analyzer, snapshot)
        if outcome == "unknown"
    }


def test_a_policy_without_rules_shuts_the_workload() -> None:
    assert problems(bank(policy(), lines=[FROM_CLIENT])) == {("MD0700", "fail", PAYMENTS)}


def test_a_policy_without_rules_beside_one_that_allows_is_no_fault() -> None:
    allowing = policy("allow-client", rules=[source(principals=[CLIENT_NAME])])
    assert problems(bank(policy(), allowing, lines=[inbound(sni=SNI)])) == set()


def test_a_shut_workload_that_nobody_calls_is_no_fault() -> None:
    assert problems(bank(policy(), lines=[])) == set()


def test_configuration_alone_shows_a_shut_workload() -> None:
    for snapshot in (bank(policy(), lines=None), bank(policy(), logging=False)):
        found = [f for f in DENIES_ALL.analyze(snapshot) if f.outcome.value == "fail"]
        assert [f.objects for f in found] == [(PAYMENTS,)]
        assert found[0].facts[0].state is FactState.HOLDS
        assert found[0].facts[1].state is not FactState.HOLDS


def test_a_caller_that_no_rule_names_is_found_with_the_field_that_fails() -> None:
    snapshot = bank(
        policy(rules=[source(principals=["cluster.local/ns/shop/sa/web"])]), lines=[FROM_CLIENT]
    )
    assert problems(snapshot) == {("MD0701", "fail", PAYMENTS)}
    (found,) = NO_MATCH.analyze(snapshot)
    assert found.subject == SUBJECT
    assert found.facts[0].evidence[0].pointer == "/items/0/spec/rules/0/from/0/source/principals"
    assert CLIENT_NAME in found.message
    assert '"/spec/rules/0/from/0/source/principals/-"' in found.fills["widen"]
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([refused(sni=SNI, seconds_ago=1000)], id="the call is old"),
        pytest.param([refused(sni=SNI, seconds_ago=601)], id="older than the policy"),
        pytest.param([refused(sni=SNI, seconds_ago=20), inbound(sni=SNI)], id="passes since"),
        pytest.param([inbound(403, sni=SNI)], id="the application's own 403"),
    ],
)
def test_a_call_that_says_nothing_of_now_names_no_cause(lines: list[str]) -> None:
    assert problems(bank(policy(rules=[source(namespaces=["web"])]), lines=lines)) == set()


def test_a_call_from_before_the_policy_was_made_says_nothing() -> None:
    young = policy(rules=[source(namespaces=["web"])], created="2026-11-21T07:59:30Z")
    assert problems(bank(young, lines=[refused(sni=SNI, seconds_ago=40)])) == set()


def test_a_call_that_the_policies_of_now_allow_says_nothing() -> None:
    assert problems(bank(policy(rules=[source(namespaces=["shop"])]), lines=[FROM_CLIENT])) == set()


def test_a_caller_allowed_by_name_that_has_no_proxy_needs_an_identity() -> None:
    snapshot = bank(policy(rules=[source(principals=[LEGACY_NAME])]), lines=[FROM_LEGACY])
    assert problems(snapshot) == {("MD0702", "fail", "Deployment legacy/legacy-v1")}
    (found,) = IDENTITY.analyze(snapshot)
    assert found.objects == ("Deployment legacy/legacy-v1", PAYMENTS)
    assert "legacy" in found.fills["mend"]


def test_a_caller_without_proxy_that_no_rule_names_lacks_a_rule() -> None:
    snapshot = bank(policy(rules=[source(principals=[CLIENT_NAME])]), lines=[FROM_LEGACY])
    assert problems(snapshot) == {("MD0701", "fail", PAYMENTS)}


def test_a_destination_rule_that_drops_mtls_takes_the_identity_away() -> None:
    named_by_others = inbound(sni=SNI, path="/other")
    snapshot = bank(
        policy(rules=[source(namespaces=["shop"])]),
        rule("plain", mode="DISABLE"),
        lines=[named_by_others, refused()],
    )
    assert problems(snapshot) == {("MD0702", "fail", "DestinationRule shop/plain")}


def test_configuration_alone_shows_a_named_caller_without_proxy() -> None:
    snapshot = bank(policy(rules=[source(principals=[LEGACY_NAME])]), lines=None)
    assert ("MD0702", "fail", "Deployment legacy/legacy-v1") in problems(snapshot)
    assert "MD0701" not in {code for code, _, _ in problems(snapshot)}


def test_configuration_alone_leaves_a_named_caller_with_proxy_open() -> None:
    snapshot = bank(policy(rules=[source(principals=[CLIENT_NAME])]), lines=None)
    assert problems(snapshot) == set()
    assert unknowns(snapshot) == {"MD0701", "MD0702"}


def test_a_principal_that_nobody_has_lets_nobody_in_whatever_the_log_says() -> None:
    nobody = policy(rules=[source(principals=["cluster.local/ns/shop/sa/misspelt"])])
    assert problems(bank(nobody, lines=None)) == {("MD0701", "fail", PAYMENTS)}


def test_a_deny_rule_that_matches_is_named_with_its_index() -> None:
    snapshot = bank(
        policy(action="DENY", rules=[source(namespaces=["a"]), source(namespaces=["shop"])]),
        lines=[
            refused("rbac_access_denied_matched_policy[ns[pay]-policy[payments]-rule[1]]", sni=SNI)
        ],
    )
    assert problems(snapshot) == {("MD0703", "fail", PAYMENTS)}
    (found,) = DENY.analyze(snapshot)
    assert found.fills["rule"] == "1"


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param([], id="the policy is gone"),
        pytest.param([policy(action="DENY", rules=[source(namespaces=["a"])])], id="it spares now"),
        pytest.param([policy(action="ALLOW", rules=[{}])], id="it allows now"),
    ],
)
def test_a_deny_rule_of_the_past_names_no_cause(standing: list[dict[str, object]]) -> None:
    line = refused("rbac_access_denied_matched_policy[ns[pay]-policy[payments]-rule[0]]", sni=SNI)
    assert problems(bank(*standing, lines=[line])) == set()


def test_a_deny_rule_for_everyone_needs_no_log() -> None:
    assert problems(bank(policy(action="DENY", rules=[{}]), lines=None)) == {
        ("MD0703", "fail", PAYMENTS)
    }


def test_a_rule_that_demands_a_token_turns_calls_without_one_away() -> None:
    snapshot = bank(
        policy(rules=[source(requestPrincipals=["*"])]),
        authentication(jwks="{}"),
        lines=[FROM_LEGACY, FROM_CLIENT],
    )
    assert problems(snapshot) == {("MD0710", "fail", PAYMENTS)}
    (found,) = TOKEN.analyze(snapshot)
    assert found.objects == (PAYMENTS, "RequestAuthentication pay/jwt")
    assert len(found.affected) == 2


BY_RULE = "rbac_access_denied_matched_policy[ns[pay]-policy[payments]-rule[0]]"
TOKENLESS = source(notRequestPrincipals=["*"])
CLAIMLESS = {"when": [{"key": "request.auth.claims[group]", "notValues": ["admin"]}]}


@pytest.mark.parametrize(
    "demand",
    [TOKENLESS, CLAIMLESS, {**TOKENLESS, "to": [{"operation": {"paths": ["/pay"]}}]}],
    ids=["principal", "claim", "of one path"],
)
def test_a_deny_rule_for_calls_without_a_token_demands_one(demand: dict[str, object]) -> None:
    snapshot = bank(
        policy(action="DENY", rules=[demand]),
        authentication(jwks="{}"),
        lines=[refused(BY_RULE, ip=LEGACY_IP), refused(BY_RULE, sni=SNI)],
    )
    assert problems(snapshot) == {("MD0710", "fail", PAYMENTS)}
    (found,) = TOKEN.analyze(snapshot)
    assert found.objects == (PAYMENTS, "RequestAuthentication pay/jwt")
    assert found.facts[0].text.startswith(f"{PAYMENTS} turns away calls without a token")
    assert found.facts[0].evidence


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param(
            [policy(action="DENY", rules=[TOKENLESS])], id="no token is checked, so all are denied"
        ),
        pytest.param(
            [
                policy(action="DENY", rules=[source(requestPrincipals=["*"])]),
                authentication(jwks="{}"),
            ],
            id="calls with a token",
        ),
        pytest.param(
            [
                policy(
                    action="DENY", rules=[source(notRequestPrincipals=["*"], namespaces=["shop"])]
                ),
                authentication(jwks="{}"),
            ],
            id="the caller counts too",
        ),
    ],
)
def test_other_deny_rules_about_tokens_match_as_they_stand(
    standing: list[dict[str, object]],
) -> None:
    snapshot = bank(*standing, lines=[refused(BY_RULE, sni=SNI)])
    assert problems(snapshot) == {("MD0703", "fail", PAYMENTS)}


def test_a_deny_rule_about_tokens_is_open_without_requestauthentications_or_logs() -> None:
    denying = policy(action="DENY", rules=[TOKENLESS])
    unlisted = bank(denying, lines=[refused(BY_RULE, sni=SNI)], unread=[REQUEST_AUTHENTICATION])
    unlogged = bank(denying, authentication(jwks="{}"), lines=None)
    for snapshot in (unlisted, unlogged):
        assert problems(snapshot) == set()
        assert "MD0710" in unknowns(snapshot)


def test_a_token_demanded_where_none_is_checked_matches_nobody() -> None:
    snapshot = bank(policy(rules=[source(requestPrincipals=["*"])]), lines=[FROM_CLIENT])
    assert problems(snapshot) == {("MD0701", "fail", PAYMENTS)}


def test_a_rule_that_fails_at_the_principal_is_no_matter_of_tokens() -> None:
    snapshot = bank(
        policy(rules=[source(requestPrincipals=["*"], namespaces=["web"])]),
        authentication(jwks="{}"),
        lines=[FROM_CLIENT],
    )
    assert problems(snapshot) == {("MD0701", "fail", PAYMENTS)}


def test_without_requestauthentications_nobody_tells_a_token_from_another_field() -> None:
    snapshot = bank(
        policy(rules=[source(requestPrincipals=["*"])]),
        lines=[FROM_CLIENT],
        unread=[REQUEST_AUTHENTICATION],
    )
    assert problems(snapshot) == set()
    assert unknowns(snapshot) == {"MD0701", "MD0710"}


@pytest.mark.parametrize("kind", [AUTHORIZATION_POLICY, POD])
def test_without_policies_or_pods_nothing_can_be_told(kind: object) -> None:
    snapshot = bank(policy(), lines=[FROM_CLIENT], unread=[kind])
    assert problems(snapshot) == set()
    assert unknowns(snapshot) == {"MD0700", "MD0701", "MD0702", "MD0703", "MD0710"}


def test_a_workload_without_proxy_enforces_nothing() -> None:
    pods = (server_pod(proxy=None), legacy_pod())
    assert problems(bank(policy(), lines=None, pods=pods)) == set()


def test_a_mesh_without_policies_gets_no_word() -> None:
    assert [f for analyzer in ALL for f in analyzer.analyze(bank(lines=[FROM_CLIENT]))] == []
