"""Why 403: which policy, which rule, which field, and whom the server took the caller for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.intent.authorization import Access
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.model.finding import Affected
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, PEER_AUTHENTICATION, POD
from meshdoctor.views import refused_requests
from meshdoctor.views.why_403 import Why, why
from meshdoctor.views.why_403_rows import COLUMNS, FieldRow, rows, to_json
from tests.build import istiod
from tests.unit.analyze.authorization_build import (
    CLIENT_NAME,
    NONE_MATCHED,
    SNI,
    authentication,
    bank,
    policy,
    refused,
    source,
)
from tests.unit.analyze.mtls_build import CLIENT, LEGACY, LEGACY_IP, SERVER, rule

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot

IN_SHOP, IN_LEGACY = ("shop", CLIENT), ("legacy", LEGACY)


def asked(
    snapshot: Snapshot,
    caller: tuple[str, str] = IN_SHOP,
    request: Request | None = None,
    port: int | None = 8080,
) -> Why:
    server = snapshot.catalog.find(POD, "pay", SERVER)
    assert server is not None
    return why(snapshot, snapshot.catalog.find(POD, *caller), server, port, request)


def built(*policies: Any, **options: Any) -> Snapshot:
    options.setdefault("istiods", [istiod()])
    return bank(*policies, **options)


def reasons(found: Why) -> list[FieldRow]:
    return [row for row in rows(found) if row.is_reason]


class TestIdentity:
    def test_a_caller_with_a_sidecar_is_known_by_its_service_account(self) -> None:
        seen = asked(built()).identity
        assert seen.principal == CLIENT_NAME
        assert seen.how == "mTLS (auto), certificate of ServiceAccount shop/client"

    def test_a_caller_without_a_proxy_has_none(self) -> None:
        seen = asked(built(), IN_LEGACY).identity
        assert (seen.principal, seen.how) == (Seen.ABSENT, "plaintext: the client has no proxy")

    def test_a_destinationrule_that_disables_tls_takes_the_identity_away(self) -> None:
        seen = asked(built(rule())).identity
        assert seen.principal is Seen.ABSENT
        assert "DestinationRule shop/payments (tls DISABLE)" in seen.how

    def test_what_was_not_read_leaves_it_unknown(self) -> None:
        assert asked(built(unread=[PEER_AUTHENTICATION])).identity.principal is Seen.UNKNOWN
        assert asked(built(), ("shop", "nobody")).identity.principal is Seen.UNKNOWN
        assert asked(built(), port=None).identity.principal is Seen.UNKNOWN
        assert asked(built(), port=9999).identity.principal is Seen.UNKNOWN

    def test_what_the_log_told_counts_before_what_should_be(self) -> None:
        seen = asked(built(), request=Request(principal=Seen.ABSENT)).identity
        assert seen.principal is Seen.ABSENT
        assert "access log" in seen.how


class TestVerdict:
    def test_the_rule_that_comes_nearest_names_the_field_that_failed(self) -> None:
        post = {"to": [{"operation": {"methods": ["POST"]}}]}
        allow = policy(rules=[{**source(namespaces=["shop"]), **post}])
        found = asked(built(allow), request=Request(method="GET"))
        assert found.decision.access is Access.DENIED
        assert [(row.field, row.wanted, row.seen) for row in reasons(found)] == [
            ("methods", "POST", '"GET"')
        ]
        shown = [(row.field, row.matches) for row in rows(found)]
        assert shown == [("namespaces", "yes"), ("methods", "no")]
        assert "nearest is rule 0 of AuthorizationPolicy pay/payments: methods" in found.reason

    def test_policies_stand_in_the_order_in_which_istio_asks(self) -> None:
        found = asked(
            built(
                policy("a", rules=[{}]),
                policy("b", action="DENY", rules=[source(namespaces=["shop"])]),
                policy("c", action="CUSTOM", rules=[source(namespaces=["other"])]),
                policy("d", action="AUDIT", rules=[{}]),
            )
        )
        assert [item.action for item in found.policies] == ["CUSTOM", "DENY", "ALLOW", "AUDIT"]
        assert [item.policy.name for item in found.policies if item.decides] == ["b"]
        assert found.reason == "denied: rule 0 of AuthorizationPolicy pay/b denies it"

    def test_a_policy_without_rules_is_a_reason_of_its_own(self) -> None:
        found = asked(built(policy()))
        assert [(row.rule, row.note) for row in reasons(found)] == [
            ("-", "no rules: it lets nobody in")
        ]

    def test_what_is_let_through_rests_on_no_field(self) -> None:
        found = asked(built(policy(rules=[source(namespaces=["shop"])])))
        assert found.decision.access is Access.ALLOWED
        assert asked(built()).reason == "allowed: no policy is in the way"

    def test_a_dry_run_is_shown_and_decides_nothing(self) -> None:
        rehearsal = policy()
        rehearsal["metadata"]["annotations"] = {"istio.io/dry-run": "true"}
        found = asked(built(rehearsal))
        assert (found.decision.access, reasons(found)) == (Access.ALLOWED, [])
        assert found.policies[0].note.startswith("a dry run")

    @pytest.mark.parametrize(
        ("config", "access", "says"),
        [
            ({"extensionProviders": [{"name": "opa"}]}, Access.UNKNOWN, "has the last word"),
            ({}, Access.DENIED, "is not in mesh config"),
            (None, Access.UNKNOWN, "has the last word"),
        ],
        ids=["defined", "not defined", "not read"],
    )
    def test_an_external_authorizer_is_named_and_decides(
        self, config: dict[str, Any] | None, access: Access, says: str
    ) -> None:
        custom = policy(action="CUSTOM", rules=[{}])
        custom["spec"]["provider"] = {"name": "opa"}
        found = asked(built(custom, istiods=[istiod(mesh=config)]))
        assert found.decision.access is access
        assert f"provider opa {says}" in found.policies[0].note
        assert "opa" in found.reason

    def test_a_token_that_nobody_validates_counts_as_none(self) -> None:
        wants = policy(rules=[source(requestPrincipals=["*"])])
        assert asked(built(wants)).decision.access is Access.DENIED
        assert asked(built(wants, authentication())).decision.access is Access.UNKNOWN

    def test_a_condition_goes_by_its_key_and_what_is_not_known_stays_unknown(self) -> None:
        when = {"when": [{"key": "request.headers[x-user]", "values": ["a"]}]}
        found = asked(built(policy(rules=[when])))
        assert found.decision.access is Access.UNKNOWN
        assert [(row.field, row.seen, row.matches) for row in rows(found)] == [
            ("request.headers[x-user]", "not known", "unknown")
        ]

    def test_unread_policies_are_unknown_never_fine(self) -> None:
        found = asked(built(unread=[AUTHORIZATION_POLICY]))
        assert found.decision.access is Access.UNKNOWN
        assert found.needs == (AUTHORIZATION_POLICY.input,)


class TestRefusedRequests:
    allow = policy(rules=[source(namespaces=["shop"])])

    def test_logged_refusals_are_judged_anew(self) -> None:
        snapshot = built(self.allow, lines=[refused(NONE_MATCHED, ip=LEGACY_IP), _passed()])
        found = refused_requests.rows(snapshot)
        assert [(row.source, row.server, row.asked, row.times) for row in found] == [
            ("Deployment legacy/legacy-v1", "Deployment pay/payments-v1", "GET /pay port 8080", "1")
        ]
        assert found[0].identity == "none"
        assert found[0].policies == {"AuthorizationPolicy pay/payments"}

    def test_where_nothing_was_refused_there_is_no_row(self) -> None:
        assert refused_requests.rows(built(self.allow, lines=[_passed()])) == ()

    def test_without_a_log_the_pairs_of_a_root_cause_are_judged(self) -> None:
        to = "payments.pay.svc.cluster.local:8080"
        pairs = (
            Affected("Deployment legacy/legacy-v1", to),
            Affected("", to),
            Affected("", "gone.pay.svc.cluster.local:80"),
        )
        found = refused_requests.pairs(built(self.allow, lines=None), pairs)
        assert [(row.source, row.why.decision.access) for row in found] == [
            ("Deployment legacy/legacy-v1", Access.DENIED),
            ("anybody", Access.UNKNOWN),
        ]

    def test_without_policies_or_pods_nothing_is_said(self) -> None:
        snapshot = built(self.allow, lines=[refused()], unread=[AUTHORIZATION_POLICY])
        assert refused_requests.rows(snapshot) == ()
        assert refused_requests.unread(snapshot) == (AUTHORIZATION_POLICY.input,)


def _passed() -> str:
    from tests.unit.analyze.authorization_build import inbound

    return inbound(sni=SNI)


def test_columns_are_attributes_and_json_is_plain() -> None:
    snapshot = built(policy(), lines=[refused(ip=LEGACY_IP)])
    one = refused_requests.rows(snapshot)[0]
    assert all(isinstance(getattr(one, name), str) for _, name in refused_requests.COLUMNS)
    field = rows(one.why)[0]
    assert all(isinstance(getattr(field, name), str) for _, name in COLUMNS)
    assert to_json(field)["is_reason"] is True
    assert json.loads(json.dumps(refused_requests.to_json(one)))["verdict"] == "denied"
