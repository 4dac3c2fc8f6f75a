from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.application_errors import ANALYZER
from meshdoctor.model.finding import FactState
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.traffic_build import (
    RATINGS_IP,
    RATINGS_POD,
    TO_RATINGS,
    answered,
    client,
    hosts,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    refused,
    server,
    shop,
    unknowns,
)

TO = "destination ratings.shop.svc.cluster.local:8080"
FAULT = [("MD0125", TO, "Deployment shop/ratings-v1")]
OTHER = "outbound|8080||other.shop.svc.cluster.local"
CALLER = client(line(TO_RATINGS, code=503), hosts=hosts({TO_RATINGS: [{}]}))


def counted(*, errors: int, successes: int, refusals: int = 0) -> Any:
    host = {"rq_error": errors, "rq_success": successes, "cx_connect_fail": refusals}
    return hosts({"inbound|8080||": [host]})


def detecting() -> dict[str, Any]:
    policy = {"outlierDetection": {"consecutive5xxErrors": 1}}
    return istio_object("DestinationRule", "ratings", host="ratings", trafficPolicy=policy)


@pytest.mark.parametrize("code", [500, 503])
def test_an_application_that_answers_errors_is_at_fault(code: int) -> None:
    snapshot = mesh(shop(), proxies=[CALLER, server(*answered(code=code))])
    assert named(ANALYZER, snapshot) == FAULT
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}


def test_a_connection_that_the_application_refused_is_no_answer_of_it() -> None:
    snapshot = mesh(shop(), proxies=[CALLER, server(*refused(8080))])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0125", TO) in passed(ANALYZER, snapshot)


def test_answers_below_500_are_in_order() -> None:
    snapshot = mesh(shop(), proxies=[CALLER, server(*answered(code=404))])
    assert problems(ANALYZER, snapshot) == []


def test_errors_that_good_answers_followed_are_mended() -> None:
    lines = [*answered(code=503, since=40), *answered(count=6, since=5)]
    assert problems(ANALYZER, mesh(shop(), proxies=[CALLER, server(*lines)])) == []


def test_errors_of_a_while_ago_are_mended() -> None:
    lines = answered(code=503, since=300)
    assert problems(ANALYZER, mesh(shop(), proxies=[CALLER, server(*lines)])) == []


def test_a_single_error_among_many_answers_is_no_fault() -> None:
    lines = [*answered(count=12, since=20), *answered(code=503, count=1)]
    assert problems(ANALYZER, mesh(shop(), proxies=[CALLER, server(*lines)])) == []


def test_an_application_that_passes_on_a_failure_is_not_at_fault() -> None:
    own = no_healthy_upstream(OTHER, authority="other:8080")
    snapshot = mesh(shop(), proxies=[CALLER, server(*answered(code=503), *own)])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0125", TO) in passed(ANALYZER, snapshot)


def test_calls_of_its_own_that_succeed_leave_the_application_at_fault() -> None:
    own = [line(OTHER, authority="other:8080") for _ in range(5)]
    snapshot = mesh(shop(), proxies=[CALLER, server(*answered(code=503), *own)])
    assert named(ANALYZER, snapshot) == FAULT


def test_without_its_log_the_counters_make_it_likely() -> None:
    seen = proxy(RATINGS_POD, hosts=counted(errors=9, successes=1))
    snapshot = mesh(shop(), proxies=[CALLER, seen])
    (found,) = problems(ANALYZER, snapshot)
    states = {fact.id: fact.state for fact in found.facts}
    assert found.root
    assert states["application-answers-error"] is FactState.HOLDS
    assert states["requests-fail"] is FactState.UNREAD


@pytest.mark.parametrize(
    "counters",
    [
        {"errors": 9, "successes": 20},
        {"errors": 2, "successes": 0},
        {"errors": 9, "successes": 0, "refusals": 9},
    ],
)
def test_counters_that_say_less_accuse_nobody(counters: dict[str, int]) -> None:
    seen = proxy(RATINGS_POD, hosts=counted(**counters))
    assert problems(ANALYZER, mesh(shop(), proxies=[CALLER, seen])) == []


def test_a_caller_whose_hosts_are_unread_may_have_ejected_the_server() -> None:
    blind = client(line(TO_RATINGS, code=503))
    snapshot = mesh([*shop(), detecting()], proxies=[blind, server(*answered(code=503))])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0125": ("proxies/clusters.json",)}


def test_a_subset_may_be_what_the_server_was_ejected_from() -> None:
    policy = {"outlierDetection": {"consecutive5xxErrors": 1}}
    subset = {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": policy}
    rule = istio_object("DestinationRule", "ratings", host="ratings", subsets=[subset])
    blind = client(line(TO_RATINGS, code=503))
    snapshot = mesh([*shop(), rule], proxies=[blind, server(*answered(code=503))])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot).keys() == {"MD0125"}


def test_outlier_detection_that_ejected_nothing_leaves_the_application_at_fault() -> None:
    snapshot = mesh([*shop(), detecting()], proxies=[CALLER, server(*answered(code=503))])
    assert named(ANALYZER, snapshot) == FAULT


def test_a_pod_without_sidecar_is_judged_by_its_callers_lines() -> None:
    objects = shop()
    for item in objects:
        if item["metadata"]["name"] == RATINGS_POD:
            item["spec"]["initContainers"] = []
    lines = [line(TO_RATINGS, code=503, upstream=f"{RATINGS_IP}:8080") for _ in range(3)]
    assert named(ANALYZER, mesh(objects, proxies=[client(*lines)])) == FAULT


def test_the_callers_word_alone_does_not_accuse_a_pod_with_a_sidecar() -> None:
    lines = [line(TO_RATINGS, code=503, upstream=f"{RATINGS_IP}:8080") for _ in range(3)]
    snapshot = mesh(shop(), proxies=[client(*lines)])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot).keys() == {"MD0125"}
