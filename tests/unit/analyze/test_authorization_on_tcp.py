from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.authorization_deny import ANALYZER as DENY
from meshdoctor.analyze.authorization_no_match import ANALYZER as NO_MATCH
from meshdoctor.analyze.authorization_on_tcp import ANALYZER
from meshdoctor.model.kinds import SERVICE
from tests.build import mesh, proxy
from tests.unit.analyze.authorization_build import (
    CLIENT_NAME,
    LEGACY_NAME,
    SNI,
    inbound,
    outcomes,
    policy,
    refused,
    source,
)
from tests.unit.analyze.mtls_build import CLIENT, SERVER, objects
from tests.unit.analyze.traffic_build import log

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot

GET = {"to": [{"operation": {"methods": ["GET"]}}]}
FOUND = ("MD0136", "fail", "Service pay/payments")


def cut_off(details: str = "rbac_access_denied_matched_policy[none]") -> str:
    """What the server's proxy logs of a connection that its network filter closed."""
    text = refused("-", code=0, sni=SNI).replace("GET /pay HTTP/1.1", "- - -")
    return text.replace(' - - "-" 0 19', f' - {details} "-" 0 19')


def bank(*more: Any, port: str = "tcp-pay", lines: list[str] | None, **options: Any) -> Snapshot:
    found = objects(*more)
    for item in found:
        if item["kind"] == "Service":
            item["spec"]["ports"][0]["name"] = port
        if item["kind"] == "Pod" and item["metadata"]["name"] == CLIENT:
            item["spec"]["serviceAccountName"] = "client"
    text = None if lines is None else log(inbound(seconds_ago=170), *lines)
    return mesh(found, proxies=[proxy(SERVER, "pay", log=text)], **options)


def wrong(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    every = {item for one in (ANALYZER, NO_MATCH, DENY) for item in outcomes(one, snapshot)}
    return {item for item in every if item[1] in ("fail", "warn")}


def test_a_rule_for_methods_matches_nothing_on_a_tcp_port() -> None:
    assert wrong(bank(policy(rules=[GET]), lines=[cut_off()])) == {FOUND}


def test_a_deny_rule_for_methods_matches_everything_on_a_tcp_port() -> None:
    denied = cut_off("rbac_access_denied_matched_policy[ns[pay]-policy[payments]-rule[0]]")
    assert wrong(bank(policy(action="DENY", rules=[GET]), lines=[denied])) == {FOUND}


def test_a_rule_that_fails_at_the_caller_is_the_policys_own() -> None:
    snapshot = bank(policy(rules=[source(principals=[LEGACY_NAME])]), lines=[cut_off()])
    assert {item[0] for item in wrong(snapshot)} == {"MD0701"}


@pytest.mark.parametrize("port", ["http", "pay", "grpc"])
def test_a_port_that_may_carry_http_is_not_at_fault(port: str) -> None:
    snapshot = bank(policy(rules=[GET]), port=port, lines=[cut_off()])
    assert FOUND not in wrong(snapshot)


def test_a_rule_without_http_fields_works_on_a_tcp_port() -> None:
    calls = [inbound(sni=SNI).replace("GET /pay HTTP/1.1", "- - -")]
    snapshot = bank(policy(rules=[source(principals=[CLIENT_NAME])]), lines=calls)
    assert wrong(snapshot) == set()
    assert {item[1] for item in outcomes(ANALYZER, snapshot)} == {"pass"}


def test_without_a_log_the_declared_ports_decide() -> None:
    assert FOUND in wrong(bank(policy(rules=[GET]), lines=None))


def test_without_services_no_other_cause_is_named() -> None:
    snapshot = bank(policy(rules=[GET]), lines=[cut_off()], unread=[SERVICE])
    assert wrong(snapshot) == set()
    assert {item[1] for item in outcomes(ANALYZER, snapshot)} == {"unknown"}
