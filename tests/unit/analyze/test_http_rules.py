from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.analyze.http_fault import ANALYZER as FAULT
from meshdoctor.analyze.http_rules import seconds
from meshdoctor.analyze.http_shadowing import ANALYZER as SHADOWING
from meshdoctor.analyze.http_shadowing import covers
from meshdoctor.analyze.http_timeout import ANALYZER as TIMEOUT
from meshdoctor.model.kinds import SERVICE, VIRTUAL_SERVICE
from tests.build import istio_object, mesh, proxy, service
from tests.unit.analyze.mtls_build import CLIENT, PAYMENTS, TO_PAYMENTS, objects
from tests.unit.analyze.traffic_build import hosts, line, log

if TYPE_CHECKING:
    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.snapshot import Snapshot

VS = "VirtualService shop/payments"
TO = [{"destination": {"host": PAYMENTS}}]
ELSEWHERE = [{"destination": {"host": PAYMENTS, "subset": "v2"}}]
ABORT = {"abort": {"httpStatus": 503, "percentage": {"value": 50}}}
TAKEN = line(TO_PAYMENTS, authority="payments.pay:8080", seconds_ago=5)
HIT = line(TO_PAYMENTS, code=503, flags="FI", details="fault_filter_abort")


def timed_out(lasted: int = 499, **more: Any) -> str:
    text = line(TO_PAYMENTS, code=504, flags="UT", details="response_timeout", **more)
    return text.replace(' 0 9 1 1 "', f' 0 9 {lasted} - "')


def shop(*rules: dict[str, Any], lines: tuple[str, ...] | None = (), **options: Any) -> Snapshot:
    found = istio_object("VirtualService", "payments", hosts=[PAYMENTS], http=list(rules))
    text = None if lines is None else log(TAKEN, *lines)
    servers = ("payments-v1-abc-1", "pay")
    return mesh(
        objects(found),
        proxies=[proxy(CLIENT, "shop", log=text), proxy(*servers, log=log(TAKEN))],
        **options,
    )


def problems(analyzer: Analyzer, snapshot: Snapshot) -> set[tuple[str, str, bool]]:
    return {
        (f.outcome.value, f.objects[0], f.root)
        for f in analyzer.analyze(snapshot)
        if f.outcome.value in ("fail", "warn")
    }


def test_a_fault_that_hits_calls_is_found() -> None:
    snapshot = shop({"fault": ABORT, "route": TO}, lines=(HIT,))
    assert problems(FAULT, snapshot) == {("fail", VS, True)}
    (found,) = [f for f in FAULT.analyze(snapshot) if f.outcome.value == "fail"]
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]
    assert "50 % of the calls" in found.message


def test_a_fault_for_everyone_needs_no_log() -> None:
    assert problems(FAULT, shop({"fault": ABORT, "route": TO}, lines=None)) == {("fail", VS, True)}


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        pytest.param({"fault": ABORT, "route": TO}, (), id="no call was hit"),
        pytest.param(
            {"fault": ABORT, "route": TO, "match": [{"uri": {"prefix": "/t"}}]}, None, id="a test"
        ),
    ],
)
def test_a_fault_that_hits_nobody_is_a_note(
    rule: dict[str, Any], lines: tuple[str, ...] | None
) -> None:
    assert problems(FAULT, shop(rule, lines=lines)) == {("warn", VS, False)}


def test_a_fault_at_a_port_that_is_not_http_is_a_note() -> None:
    tcp = [{"name": "tcp-pay", "port": 8080, "targetPort": 8080}]
    found = istio_object(
        "VirtualService", "payments", hosts=[PAYMENTS], http=[{"fault": ABORT, "route": TO}]
    )
    named = [item for item in objects(found) if item["kind"] != "Service"]
    snapshot = mesh([*named, service("payments", "pay", ports=tcp)])
    assert problems(FAULT, snapshot) == {("warn", VS, False)}


def test_without_services_a_fault_without_calls_is_unknown() -> None:
    snapshot = shop({"fault": ABORT, "route": TO}, lines=None, unread=[SERVICE])
    assert {f.outcome.value for f in FAULT.analyze(snapshot)} == {"warn", "unknown"}


def test_without_services_calls_are_known_by_their_host() -> None:
    snapshot = shop({"fault": ABORT, "route": TO}, lines=(HIT,), unread=[SERVICE])
    assert problems(FAULT, snapshot) == {("fail", VS, True)}


@pytest.mark.parametrize(
    "rule",
    [{"route": TO}, {"route": TO, "fault": {"abort": {"httpStatus": 503, "percentage": {}}}}],
)
def test_a_fault_of_no_share_is_none(rule: dict[str, Any]) -> None:
    assert problems(FAULT, shop(rule, lines=(HIT,))) == set()


def test_calls_that_run_into_the_timeout_are_found() -> None:
    snapshot = shop({"route": TO, "timeout": "0.5s"}, lines=(timed_out(),))
    assert problems(TIMEOUT, snapshot) == {("fail", VS, True)}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param({"route": TO}, timed_out(), id="no timeout is set"),
        pytest.param({"route": TO, "timeout": "0s"}, timed_out(), id="it is switched off"),
        pytest.param({"route": TO, "timeout": "10s"}, timed_out(), id="another limit ended it"),
        pytest.param({"route": TO, "timeout": "0.5s"}, timed_out(seconds_ago=600), id="old"),
    ],
)
def test_other_timeouts_are_not_the_routes(rule: dict[str, Any], text: str) -> None:
    assert problems(TIMEOUT, shop(rule, lines=(text,))) == set()


def test_without_a_log_a_timeout_is_unknown() -> None:
    found = list(TIMEOUT.analyze(shop({"route": TO, "timeout": "0.5s"}, lines=None)))
    assert [f.outcome.value for f in found] == ["unknown"]


def counted(*rules: dict[str, Any], text: str | None = None, **counters: Any) -> Snapshot:
    found = istio_object("VirtualService", "payments", hosts=[PAYMENTS], http=list(rules))
    told = None if text is None else log(text)
    client = proxy(CLIENT, "shop", log=told, hosts=hosts({TO_PAYMENTS: [counters]}))
    return mesh(objects(found), proxies=[client])


@pytest.mark.parametrize("text", [None, "a line of the agent's"])
def test_where_no_log_tells_the_callers_counters_do(text: str | None) -> None:
    rule = {"route": TO, "timeout": "0.5s"}
    snapshot = counted(rule, text=text, rq_timeout=7, rq_total=8, cx_total=7)
    assert problems(TIMEOUT, snapshot) == {("fail", VS, True)}
    (found,) = [f for f in TIMEOUT.analyze(snapshot) if f.outcome.value == "fail"]
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]
    states = {fact.id: fact.state.value for fact in found.facts}
    untold = "unread" if text is None else "silent"
    assert states["route-sets-timeout"] == "holds"
    assert states["calls-time-out"] == untold
    assert "7 of 8 requests" in found.facts[1].text


@pytest.mark.parametrize(
    ("rule", "counters"),
    [
        pytest.param({"route": TO}, {"rq_timeout": 7, "rq_total": 7}, id="no limit is set"),
        pytest.param(
            {"route": TO, "timeout": "0.5s"}, {"rq_timeout": 4, "rq_total": 8}, id="half of them"
        ),
        pytest.param(
            {"route": TO, "timeout": "0.5s"}, {"rq_error": 8, "rq_total": 8}, id="other errors"
        ),
        pytest.param(
            {"route": ELSEWHERE, "timeout": "0.5s"}, {"rq_timeout": 8, "rq_total": 8}, id="subset"
        ),
    ],
)
def test_other_counters_are_not_the_timeouts(
    rule: dict[str, Any], counters: dict[str, Any]
) -> None:
    assert problems(TIMEOUT, counted(rule, **counters)) == set()


def test_a_log_that_speaks_outweighs_the_counters_of_old() -> None:
    rule = {"route": TO, "timeout": "0.5s"}
    snapshot = counted(rule, text=TAKEN, rq_timeout=8, rq_total=8)
    assert problems(TIMEOUT, snapshot) == set()


def test_of_two_rules_to_one_place_the_shorter_limit_is_the_one_counted() -> None:
    rules = ({"route": TO, "timeout": "9s", **at(prefix="/api")}, {"route": TO, "timeout": "0.5s"})
    snapshot = counted(*rules, rq_timeout=8, rq_total=8)
    (found,) = [f for f in TIMEOUT.analyze(snapshot) if f.outcome.value == "fail"]
    assert found.fills["limit"] == "0.5 s"


def at(**uri: str) -> dict[str, Any]:
    return {"match": [{"uri": uri}]}


def test_a_rule_after_one_that_takes_all_is_hidden() -> None:
    snapshot = shop({"route": TO}, {**at(prefix="/api"), "route": ELSEWHERE})
    assert problems(SHADOWING, snapshot) == {("fail", VS, True)}


def test_a_hidden_rule_that_does_the_same_is_a_note() -> None:
    snapshot = shop({"route": TO}, {**at(prefix="/api"), "route": TO})
    assert problems(SHADOWING, snapshot) == {("warn", VS, False)}


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        ({}, at(prefix="/api"), True),
        ({}, {}, True),
        (at(prefix="/"), at(regex="/a.*"), True),
        (at(prefix="/"), {}, True),
        (at(prefix="/api"), at(prefix="/api/v2"), True),
        (at(prefix="/api"), at(exact="/api"), True),
        (at(exact="/api"), at(exact="/api"), True),
        (at(prefix="/api/v2"), at(prefix="/api"), False),
        (at(exact="/api"), at(prefix="/api"), False),
        (at(prefix="/api"), {}, False),
        (at(regex="/a.*"), at(prefix="/api"), False),
        (at(regex=".*"), at(prefix="/api"), True),
        (at(regex="/.*"), {}, True),
        ({"match": [{"headers": {"x": {"exact": "1"}}}]}, {}, False),
        (
            {"match": [{"headers": {"x": {"exact": "1"}}}]},
            {"match": [{"headers": {"x": {"exact": "1"}}, "uri": {"prefix": "/a"}}]},
            True,
        ),
        (
            {"match": [{"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}]},
            {"match": [{"uri": {"prefix": "/b/1"}}, {"uri": {"prefix": "/a/1"}}]},
            True,
        ),
        (
            {"match": [{"uri": {"prefix": "/a"}}]},
            {"match": [{"uri": {"prefix": "/a/1"}}, {"uri": {"prefix": "/c"}}]},
            False,
        ),
        ({"match": [{"gateways": ["edge"], "uri": {"prefix": "/"}}]}, at(prefix="/a"), False),
    ],
)
def test_a_rule_is_hidden_when_an_earlier_one_takes_every_request_of_it(
    earlier: dict[str, Any], later: dict[str, Any], hidden: bool
) -> None:
    assert covers(earlier, later) is hidden


@given(st.text(alphabet="/ab", min_size=1), st.text(alphabet="/ab"))
def test_a_prefix_hides_every_longer_one(prefix: str, rest: str) -> None:
    assert covers(at(prefix=prefix), at(prefix=prefix + rest))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5s", 0.5), ("500ms", 0.5), ("1m", 60.0), ("2h", 7200.0), ("x", None), (5, None)],
)
def test_durations_are_read_in_every_unit(text: object, expected: float | None) -> None:
    assert seconds(text) == expected


def test_without_virtualservices_nothing_can_be_told() -> None:
    snapshot = shop({"route": TO}, unread=[VIRTUAL_SERVICE])
    for analyzer in (FAULT, TIMEOUT, SHADOWING):
        assert [f.outcome.value for f in analyzer.analyze(snapshot)] == ["unknown"]
