"""Why a walk ends at authorization: policy, rule, field, and whom the server saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Request
from meshdoctor.report.trace_json import trace_json
from meshdoctor.report.trace_text import trace_lines
from meshdoctor.trace.walk import walk
from meshdoctor.views.trace_why import refused, to_json
from tests import build
from tests.unit.trace.trace_build import Mesh, inbound_chain, rbac_rule

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk
    from meshdoctor.views.trace_why import Refused

WEB = "cluster.local/ns/shop/sa/web"
OWN = "cluster.local/ns/shop/sa/default"


def allow(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return build.istio_object(
        "AuthorizationPolicy", "lock", group="security.istio.io", rules=list(rules), **spec
    )


def principals(*names: str) -> dict[str, Any]:
    return {"from": [{"source": {"principals": list(names)}}]}


def walked(policy: dict[str, Any], **parts: Any) -> tuple[Snapshot, Walk, tuple[Refused, ...]]:
    filters = (rbac_rule("lock"),)
    inbound = [inbound_chain(tls=True, filters=filters), inbound_chain(tls=False, filters=filters)]
    mesh = Mesh(objects=[policy], inbound=inbound, **parts).snapshot()
    client = mesh.catalog.find(POD, "shop", "client")
    assert client is not None
    found = walk(mesh, Request(client=client, host="ratings", port=8080))
    return mesh, found, refused(mesh, found)


def test_policy_rule_and_field_are_named_with_the_identity_from_the_certificate() -> None:
    _, found, (why,) = walked(allow(principals(WEB)))
    assert found.hops[why.number - 1].what == "HTTP RBAC filter"
    (field,) = why.fields
    assert (str(field.policy), field.rule, field.field) == (
        "AuthorizationPolicy shop/lock",
        "0",
        "principals",
    )
    assert (field.wanted, field.seen) == (WEB, f'"{OWN}"')
    assert why.identity == f'"{OWN}" (mutual TLS, certificate of ServiceAccount shop/default)'


def test_a_caller_without_a_proxy_has_no_identity_and_that_is_said() -> None:
    bare = build.pod("client", owner="client-v1", ip="10.244.0.10", proxy=None)
    _, _, (why,) = walked(allow(principals(OWN)), client=bare, client_read=False)
    assert why.identity == "none (plaintext: no certificate came)"
    assert [field.seen for field in why.fields] == ["none"]


def test_a_header_that_the_request_does_not_carry_is_absent_rather_than_unknown() -> None:
    rule = {"when": [{"key": "request.headers[x-team]", "values": ["blue"]}]}
    _, _, (why,) = walked(allow(rule))
    assert [(field.field, field.seen, field.matches) for field in why.fields] == [
        ("request.headers[x-team]", "none", "no")
    ]


def test_a_server_whose_proxy_was_not_read_is_judged_by_its_objects() -> None:
    _, found, (why,) = walked(allow(principals(WEB)), server_read=False)
    assert found.hops[why.number - 1].what == "AuthorizationPolicy"
    assert [field.field for field in why.fields] == ["principals"]


def test_a_request_that_policies_let_pass_needs_no_explanation() -> None:
    _, found, whys = walked(allow(principals(OWN)))
    assert whys == ()
    assert not found.fails


def test_text_and_json_say_it() -> None:
    _, found, whys = walked(allow(principals(WEB)))
    text = "\n".join(str(line) for line in trace_lines(found, whys))
    assert f"ALLOW AuthorizationPolicy shop/lock, rule 0: principals asks for {WEB}" in text
    assert f'the server sees "{OWN}": matches no' in text
    (told,) = trace_json(found, [to_json(item) for item in whys])["why_403"]
    assert (told["hop"], told["identity"], told["verdict"]) == (whys[0].number, OWN, "denied")
    assert told["fields"][0]["policy"] == "AuthorizationPolicy shop/lock"


def test_a_policy_without_rules_is_said_to_let_nobody_in() -> None:
    _, found, whys = walked(allow(), server_read=False)
    text = "\n".join(str(line) for line in trace_lines(found, whys, ascii_only=True))
    assert "ALLOW AuthorizationPolicy shop/lock: asks for nothing: it has no rules" in text
