from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.intent.authorization import Access, decide, judge_rules, policies_at
from meshdoctor.intent.authorization_match import Match, RuleReader, matches_text
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, POD, SERVICE
from tests.build import istio_object, istiod, mesh, pod, service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CLIENT = "cluster.local/ns/shop/sa/client"


def policy(name: str = "p", space: str = "pay", **spec: Any) -> dict[str, Any]:
    return istio_object("AuthorizationPolicy", name, space, **spec)


def rule(**fields: Any) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def server(*policies: Mapping[str, Any], **options: Any) -> tuple[Snapshot, Resource]:
    snapshot = mesh([pod("payments", "pay", labels={"app": "payments"}), *policies], **options)
    found = snapshot.catalog.find(POD, "pay", "payments")
    assert found is not None
    return snapshot, found


def access(*policies: Mapping[str, Any], **seen: Any) -> Access:
    snapshot, at = server(*policies)
    return decide(snapshot, at, Request(**seen)).access


def match(one: Mapping[str, Any], *, action: str = "ALLOW", **seen: Any) -> Match:
    snapshot, _ = server(policy(action=action, rules=[one]))
    found = snapshot.catalog.within(AUTHORIZATION_POLICY, "pay")[0]
    return judge_rules(snapshot, found, Request(**seen))[0].match


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "anything", True),
        ("*", "", False),
        ("/pay*", "/payments", True),
        ("/pay*", "/api/pay", False),
        ("*/pay", "/api/pay", True),
        ("*/pay", "/pay/api", False),
        ("/pay", "/pay", True),
        ("/pay", "/pay/", False),
    ],
)
def test_text_matches_by_presence_prefix_suffix_or_to_the_letter(
    pattern: str, value: str, expected: bool
) -> None:
    assert matches_text(pattern, value) is expected


@given(st.text(min_size=1).filter(lambda text: "*" not in text), st.text())
def test_a_prefix_matches_whatever_follows_it(prefix: str, rest: str) -> None:
    assert matches_text(f"{prefix}*", prefix + rest)
    assert matches_text(f"*{prefix}", rest + prefix)


def test_without_any_policy_everyone_gets_in() -> None:
    assert access(principal=Seen.ABSENT) is Access.ALLOWED


def test_an_allow_policy_without_rules_lets_nobody_in() -> None:
    assert access(policy(), principal=CLIENT) is Access.DENIED


def test_an_allow_policy_with_an_empty_rule_lets_everybody_in() -> None:
    assert access(policy(rules=[{}]), principal=Seen.ABSENT) is Access.ALLOWED


def test_a_deny_rule_wins_over_an_allow_rule() -> None:
    allow = policy("a", rules=[rule(principals=[CLIENT])])
    deny = policy("d", action="DENY", rules=[rule(namespaces=["shop"])])
    snapshot, at = server(allow, deny)
    decision = decide(snapshot, at, Request(principal=CLIENT))
    assert (decision.access, decision.policy and decision.policy.name, decision.rule) == (
        Access.DENIED,
        "d",
        0,
    )


def test_a_custom_rule_that_matches_leaves_it_to_the_authorizer() -> None:
    custom = policy(action="CUSTOM", provider={"name": "opa"}, rules=[{}])
    assert access(custom, principal=CLIENT) is Access.UNKNOWN


def test_an_audit_policy_decides_nothing() -> None:
    assert access(policy(action="AUDIT", rules=[{}]), principal=CLIENT) is Access.ALLOWED


def test_a_dry_run_denies_nobody() -> None:
    rehearsal = policy()
    rehearsal["metadata"]["annotations"] = {"istio.io/dry-run": "true"}
    assert access(rehearsal, principal=CLIENT) is Access.ALLOWED


def test_plaintext_has_no_principal_and_no_namespace() -> None:
    for fields in ({"principals": ["*"]}, {"namespaces": ["shop"]}, {"serviceAccounts": ["a"]}):
        assert match(rule(**fields), principal=Seen.ABSENT) is Match.NO


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"principals": [CLIENT]}, Match.YES),
        ({"principals": ["*/sa/client"]}, Match.YES),
        ({"principals": ["cluster.local/ns/shop/*"]}, Match.YES),
        ({"principals": ["cluster.local/ns/shop/sa/web"]}, Match.NO),
        ({"notPrincipals": [CLIENT]}, Match.NO),
        ({"notPrincipals": ["cluster.local/ns/shop/sa/web"]}, Match.YES),
        ({"namespaces": ["shop", "pay"]}, Match.YES),
        ({"notNamespaces": ["shop"]}, Match.NO),
        ({"serviceAccounts": ["shop/client"]}, Match.YES),
        ({"serviceAccounts": ["client"]}, Match.NO),
        ({"ipBlocks": ["10.244.0.0/16"]}, Match.YES),
        ({"ipBlocks": ["10.1.0.0/16"]}, Match.NO),
        ({"ipBlocks": ["garbled"]}, Match.NO),
        ({"namespaces": ["shop"], "ipBlocks": ["10.1.0.0/16"]}, Match.NO),
        ({"requestPrincipals": ["*"]}, Match.UNKNOWN),
        ({"requestPrincipals": ["*"], "namespaces": ["pay"]}, Match.NO),
    ],
)
def test_every_field_of_a_source_must_match(fields: dict[str, Any], expected: Match) -> None:
    assert match(rule(**fields), principal=CLIENT, source_ip="10.244.0.5") is expected


def test_one_of_several_sources_is_enough() -> None:
    both = {"from": [{"source": {"namespaces": ["pay"]}}, {"source": {"namespaces": ["shop"]}}]}
    assert match(both, principal=CLIENT) is Match.YES


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"methods": ["GET"]}, Match.YES),
        ({"methods": ["POST"]}, Match.NO),
        ({"notMethods": ["GET"]}, Match.NO),
        ({"paths": ["/pay*"]}, Match.YES),
        ({"paths": ["/{*}/42"]}, Match.YES),
        ({"paths": ["/{**}"]}, Match.YES),
        ({"paths": ["/{*}"]}, Match.NO),
        ({"hosts": ["PAYMENTS.pay:8080"]}, Match.YES),
        ({"hosts": ["PAYMENTS.pay:*"]}, Match.YES),
        ({"hosts": ["payments.pay"]}, Match.NO),
        ({"hosts": ["*.shop"]}, Match.NO),
        ({"ports": ["8080"]}, Match.YES),
        ({"ports": ["80"]}, Match.NO),
    ],
)
def test_operations_match_method_path_host_and_port(
    operation: dict[str, Any], expected: Match
) -> None:
    seen = {"method": "GET", "path": "/pay/42", "host": "payments.pay:8080", "port": "8080"}
    assert match({"to": [{"operation": operation}]}, **seen) is expected


def test_conditions_are_judged_by_their_key() -> None:
    def when(key: str, **values: list[str]) -> dict[str, Any]:
        return {"when": [{"key": key, **values}]}

    assert match(when("source.namespace", values=["shop"]), principal=CLIENT) is Match.YES
    assert match(when("source.namespace", notValues=["shop"]), principal=CLIENT) is Match.NO
    assert match(when("request.headers[x-user]", values=["a"])) is Match.UNKNOWN
    assert match(when("request.auth.claims[role]", values=["a"]), has_token=False) is Match.NO


def test_http_fields_never_allow_and_never_spare_at_a_tcp_port() -> None:
    get = {"to": [{"operation": {"methods": ["GET"]}}]}
    assert match(get, http=False, method=Seen.ABSENT) is Match.NO
    assert match(get, action="DENY", http=False, method=Seen.ABSENT) is Match.YES


def test_cluster_local_stands_for_the_meshs_own_trust_domain() -> None:
    own = istiod(mesh={"trustDomain": "bank.example", "trustDomainAliases": ["old.example"]})
    for domain, expected in (
        ("cluster.local", Access.ALLOWED),
        ("old.example", Access.ALLOWED),
        ("other.example", Access.DENIED),
    ):
        snapshot, at = server(
            policy(rules=[rule(principals=[f"{domain}/ns/shop/sa/client"])]), istiods=[own]
        )
        request = Request(principal="bank.example/ns/shop/sa/client")
        assert decide(snapshot, at, request).access is expected


def test_policies_come_from_the_root_namespace_and_the_workloads_own() -> None:
    snapshot, at = server(
        policy("root", "istio-system"),
        policy("own"),
        policy("elsewhere", "shop"),
        policy("other-app", selector={"matchLabels": {"app": "other"}}),
        policy("same-app", selector={"matchLabels": {"app": "payments"}}),
        policy("bound", targetRefs=[{"kind": "Gateway", "name": "gateway"}]),
        policy("to-service", targetRefs=[{"kind": "Service", "name": "payments"}]),
    )
    found = [item.name for item in governing(snapshot, AUTHORIZATION_POLICY, at)]
    assert found == ["root", "own", "same-app"]


def test_a_gateway_heeds_policies_that_name_it() -> None:
    labels = {"gateway.networking.k8s.io/gateway-name": "edge"}
    snapshot = mesh(
        [
            pod("edge-1", "pay", labels=labels),
            policy("bound", targetRefs=[{"kind": "Gateway", "name": "edge"}]),
            policy("other", targetRefs=[{"kind": "Gateway", "name": "inner"}]),
        ]
    )
    at = snapshot.catalog.find(POD, "pay", "edge-1")
    assert at is not None
    assert [item.name for item in policies_at(snapshot, at)] == ["bound"]


def waypoint(**labels: str) -> dict[str, Any]:
    named = {
        "gateway.networking.k8s.io/gateway-name": "wp",
        "gateway.istio.io/managed": "istio.io-mesh-controller",
        **labels,
    }
    return pod("wp-1", "pay", labels=named)


def test_a_waypoint_heeds_its_gateway_its_class_and_the_service_that_is_called() -> None:
    refs: dict[str, tuple[str, dict[str, str]]] = {
        "gateway": ("pay", {"kind": "Gateway", "name": "wp"}),
        "class": ("istio-system", {"kind": "GatewayClass", "name": "istio-waypoint"}),
        "own-class": ("pay", {"kind": "GatewayClass", "name": "istio-waypoint"}),
        "service": ("pay", {"kind": "Service", "name": "payments"}),
        "other": ("pay", {"kind": "Service", "name": "other"}),
    }
    policies = [policy(name, space, targetRefs=[ref]) for name, (space, ref) in refs.items()]
    by_label = {"gateway.networking.k8s.io/gateway-class-name": "istio-waypoint"}
    objects = [
        waypoint(**by_label),
        service("payments", "pay"),
        *policies,
        policy("selectorless"),
    ]
    snapshot = mesh(objects)
    at = snapshot.catalog.find(POD, "pay", "wp-1")
    called = snapshot.catalog.find(SERVICE, "pay", "payments")
    assert at is not None
    assert called is not None
    assert {item.name for item in policies_at(snapshot, at)} == {"class", "gateway"}
    assert {item.name for item in policies_at(snapshot, at, None, called)} == {
        "class",
        "gateway",
        "service",
    }


def test_the_class_of_a_waypoint_without_a_label_is_its_gateways() -> None:
    gateway = istio_object(
        "Gateway",
        "wp",
        "pay",
        group="gateway.networking.k8s.io",
        gatewayClassName="istio-waypoint",
    )
    by_class = policy(
        "c", "istio-system", targetRefs=[{"kind": "GatewayClass", "name": "istio-waypoint"}]
    )
    for objects, expected in (([gateway], ["c"]), ([], [])):
        snapshot = mesh([waypoint(), by_class, *objects])
        at = snapshot.catalog.find(POD, "pay", "wp-1")
        assert at is not None
        assert [item.name for item in policies_at(snapshot, at)] == expected


def test_a_custom_policy_whose_provider_is_not_defined_refuses_what_it_matches() -> None:
    def decided(rules: list[Any], config: dict[str, Any] | None) -> Access:
        custom = policy(action="CUSTOM", provider={"name": "opa"}, rules=rules)
        snapshot, at = server(custom, istiods=[istiod(mesh=config)])
        return decide(snapshot, at, Request(principal=CLIENT)).access

    assert decided([{}], {}) is Access.DENIED
    assert decided([rule(namespaces=["other"])], {}) is Access.ALLOWED
    assert decided([{}], {"extensionProviders": [{"name": "opa"}]}) is Access.UNKNOWN
    assert decided([{}], None) is Access.UNKNOWN


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"notIpBlocks": ["10.244.0.0/16"]}, Match.NO),
        ({"notIpBlocks": ["10.1.0.0/16"]}, Match.YES),
        ({"remoteIpBlocks": ["203.0.113.0/24"]}, Match.YES),
        ({"remoteIpBlocks": ["203.0.113.7"]}, Match.NO),
        ({"notRemoteIpBlocks": ["203.0.113.9"]}, Match.NO),
        ({"notRequestPrincipals": ["*"]}, Match.YES),
        ({"requestPrincipals": ["issuer/*"]}, Match.NO),
        ({"notServiceAccounts": ["shop/client"]}, Match.NO),
        ({"notServiceAccounts": ["client"]}, Match.YES),
    ],
)
def test_negated_and_remote_fields_of_a_source(fields: dict[str, Any], expected: Match) -> None:
    seen: dict[str, Any] = {"source_ip": "10.244.0.5", "remote_ip": "203.0.113.9"}
    seen["has_token"] = False
    assert match(rule(**fields), principal=CLIENT, **seen) is expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"notPaths": ["/pay*"]}, Match.NO),
        ({"notPaths": ["/admin*"]}, Match.YES),
        ({"notHosts": ["payments.pay:8080"]}, Match.NO),
        ({"notHosts": ["payments.pay"]}, Match.YES),
        ({"notPorts": ["8080"]}, Match.NO),
        ({"notPorts": ["80"], "methods": ["GET"]}, Match.YES),
    ],
)
def test_negated_fields_of_an_operation(operation: dict[str, Any], expected: Match) -> None:
    seen = {"method": "GET", "path": "/pay/42", "host": "payments.pay:8080", "port": "8080"}
    assert match({"to": [{"operation": operation}]}, **seen) is expected


def test_conditions_see_claims_headers_and_addresses_where_they_are_known() -> None:
    def when(key: str, **values: list[str]) -> dict[str, Any]:
        return {"when": [{"key": key, **values}]}

    told = {"request.headers[x-user]": "ann", "request.auth.claims[role]": "admin"}
    assert match(when("request.headers[x-user]", values=["a*"]), attributes=told) is Match.YES
    assert match(when("request.headers[x-user]", notValues=["ann"]), attributes=told) is Match.NO
    assert match(when("request.headers[X-User]", values=["ann"]), attributes=told) is Match.YES
    assert match(when("request.headers[X-User]", values=["ben"]), attributes=told) is Match.NO
    assert match(when("request.auth.claims[role]", values=["admin"]), attributes=told) is Match.YES
    assert match(when("request.auth.claims[role]", notValues=["a"]), has_token=False) is Match.YES
    assert match(when("source.ip", values=["10.244.0.0/16"]), source_ip="10.244.0.5") is Match.YES
    assert match(when("remote.ip", notValues=["10.0.0.0/8"]), remote_ip="203.0.113.9") is Match.YES
    alias = istiod(mesh={"trustDomain": "bank.example", "trustDomainAliases": ["old.example"]})
    by_alias = when("source.principal", values=["old.example/ns/shop/sa/client"])
    snapshot, at = server(policy(rules=[by_alias]), istiods=[alias])
    request = Request(principal="bank.example/ns/shop/sa/client")
    assert decide(snapshot, at, request).access is Access.ALLOWED


def test_every_field_that_was_judged_is_kept() -> None:
    snapshot, _ = server(
        policy(rules=[{**rule(namespaces=["shop"]), "to": [{"operation": {"methods": ["POST"]}}]}])
    )
    found = snapshot.catalog.within(AUTHORIZATION_POLICY, "pay")[0]
    judged = judge_rules(snapshot, found, Request(principal=CLIENT, method="GET"))[0].judged
    assert [(field.name, field.match) for field in judged] == [
        ("namespaces", Match.YES),
        ("methods", Match.NO),
    ]


def test_the_decision_names_the_field_that_failed() -> None:
    snapshot, at = server(
        policy(rules=[{**rule(namespaces=["shop"]), "to": [{"operation": {"methods": ["POST"]}}]}])
    )
    decision = decide(snapshot, at, Request(principal=CLIENT, method="GET"))
    failed = [field.path for field in decision.missed[0].rule.failed]
    assert failed == [("spec", "rules", 0, "to", 0, "operation", "methods")]


_GARBLED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["from", "to", "when", "source", "operation", "key", "values", "paths"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(_GARBLED)
def test_a_garbled_rule_is_judged_without_an_error(garbled: Any) -> None:
    reader = RuleReader(Request(principal=CLIENT, method="GET"), "pay", ("cluster.local",))
    assert reader.rule(0, garbled, deny=False).match in Match
