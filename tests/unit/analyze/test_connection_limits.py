from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.base import PROXY_LOG
from meshdoctor.analyze.connection_limits import ANALYZER
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import DESTINATION_RULE
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.traffic_build import (
    CLIENT,
    TO_RATINGS,
    client,
    dump,
    hosts,
    line,
    log,
    named,
    passed,
    problems,
    route_to,
    server,
    shop,
    unknowns,
)

TO = "destination ratings.shop.svc.cluster.local:8080"
POOL = {"tcp": {"maxConnections": 1}, "http": {"http1MaxPendingRequests": 1}}
ORIGIN = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/ratings"
LIMITED = {
    "circuit_breakers": {"thresholds": [{"max_connections": 1}]},
    "metadata": {"filter_metadata": {"istio": {"config": ORIGIN}}},
}
OVERFLOW = "upstream_reset_before_response_started{overflow}"


def rule(pool: dict[str, Any] = POOL, *, created: str | None = None) -> dict[str, Any]:
    policy = {"connectionPool": pool}
    found = istio_object("DestinationRule", "ratings", host="ratings", trafficPolicy=policy)
    if created:
        found["metadata"]["creationTimestamp"] = created
    return found


def overflow(seconds_ago: float = 20) -> list[str]:
    return [
        line(TO_RATINGS, code=503, flags="UO", details=OVERFLOW, seconds_ago=seconds_ago),
        line(TO_RATINGS, seconds_ago=5),
    ]


def test_requests_that_overflowed_are_the_rules_fault() -> None:
    caller = client(*overflow(), config=dump({TO_RATINGS: LIMITED}))
    snapshot = mesh([*shop(), rule()], proxies=[caller, server()])
    assert named(ANALYZER, snapshot) == [("MD0124", TO, "DestinationRule shop/ratings")]
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}


def test_the_fix_raises_the_limits_and_keeps_the_rest() -> None:
    pool = {"tcp": {"maxConnections": 50}, "http": {"idleTimeout": "5s", "http2MaxRequests": 1}}
    (found,) = problems(ANALYZER, mesh([*shop(), rule(pool)], proxies=[client(*overflow())]))
    assert '"maxConnections": 500' in found.fills["command"]
    assert '"http2MaxRequests": 100' in found.fills["command"]
    assert '"idleTimeout": "5s"' in found.fills["command"]
    assert '"maxConnections": 50}' in found.fills["undo"]


def test_limits_that_nobody_met_are_no_problem_and_no_proof_that_there_are_none() -> None:
    snapshot = mesh([*shop(), rule()], proxies=[client(line(TO_RATINGS)), server()])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0124", TO) not in passed(ANALYZER, snapshot)


def test_an_overflow_of_a_while_ago_is_mended() -> None:
    snapshot = mesh([*shop(), rule()], proxies=[client(*overflow(600)), server()])
    assert problems(ANALYZER, snapshot) == []


def test_an_overflow_from_before_the_rule_is_not_its_doing() -> None:
    young = rule(created="2026-11-21T07:59:50Z")
    assert (
        problems(
            ANALYZER,
            mesh(
                [*shop(), young],
                proxies=[
                    client(
                        *overflow(),
                    )
                ],
            ),
        )
        == []
    )


def test_an_overflow_whose_limit_is_gone_is_mended() -> None:
    snapshot = mesh(shop(), proxies=[client(*overflow()), server()])
    assert problems(ANALYZER, snapshot) == []


def test_a_pool_without_a_limit_cannot_overflow() -> None:
    pool = {"tcp": {"connectTimeout": "1s"}, "http": {"maxRequestsPerConnection": 1}}
    snapshot = mesh([*shop(), rule(pool)], proxies=[client(*overflow()), server()])
    assert problems(ANALYZER, snapshot) == []


def test_where_rules_are_unread_the_proxys_cluster_names_the_rule() -> None:
    caller = client(*overflow(), config=dump({TO_RATINGS: LIMITED}))
    snapshot = mesh(shop(), proxies=[caller, server()], unread=[DESTINATION_RULE])
    assert named(ANALYZER, snapshot) == [("MD0124", TO, "DestinationRule shop/ratings")]


def test_without_access_logs_it_cannot_be_told_whether_limits_are_met() -> None:
    snapshot = mesh([*shop(), rule(), route_to("ratings")])
    assert unknowns(ANALYZER, snapshot) == {"MD0124": ("proxies/istio-proxy.log",)}


@pytest.mark.parametrize("port", [8080, 9090])
def test_limits_of_another_port_do_not_count(port: int) -> None:
    policy = {"portLevelSettings": [{"port": {"number": port}, "connectionPool": POOL}]}
    other = istio_object("DestinationRule", "ratings", host="ratings", trafficPolicy=policy)
    snapshot = mesh([*shop(), other], proxies=[client(*overflow()), server()])
    assert len(problems(ANALYZER, snapshot)) == (1 if port == 8080 else 0)


@pytest.mark.parametrize(("calls", "unsure"), [(0, False), (7, True)])
def test_a_silent_proxy_matters_only_if_it_ever_called(calls: int, unsure: bool) -> None:
    counters = hosts({TO_RATINGS.replace("||", "|v1|"): [{"rq_total": calls}]})
    quiet = proxy(CLIENT, log=log(""), hosts=counters)
    snapshot = mesh([*shop(), rule()], proxies=[quiet, server()])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == ({"MD0124": (PROXY_LOG,)} if unsure else {})
