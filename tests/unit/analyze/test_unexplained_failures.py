"""Requests that fail now are never passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.unexplained_failures import ANALYZER, REQUESTS_FAIL
from meshdoctor.model.finding import Outcome
from tests.build import deployment, mesh, pod, proxy, service
from tests.unit.analyze.traffic_build import CLIENT, TO_RATINGS, line, log, no_cluster

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot


def shop(*lines: str) -> Snapshot:
    return mesh(
        [
            service("ratings"),
            deployment("client-v1"),
            pod(CLIENT, owner="client-v1", ip="10.244.0.5"),
        ],
        proxies=[proxy(CLIENT, log=log(*lines))],
    )


def found(*lines: str) -> set[tuple[str, str, str]]:
    return {(f.code, f.resource, f.subject) for f in ANALYZER.analyze(shop(*lines))}


def failing(count: int, *, ago: float = 20) -> list[str]:
    return [line(TO_RATINGS, code=504, flags="UT", seconds_ago=ago + n) for n in range(count)]


FAULT = {
    (
        REQUESTS_FAIL,
        "Deployment shop/client-v1",
        "destination ratings.shop.svc.cluster.local:8080",
    )
}


def test_requests_that_fail_to_the_last_are_a_warning_that_names_no_cause() -> None:
    assert found(*failing(3)) == FAULT
    (finding,) = ANALYZER.analyze(shop(*failing(3)))
    assert (finding.outcome, finding.root) == (Outcome.WARN, False)
    assert finding.evidence[0].line is not None


def test_a_request_that_succeeded_since_means_that_it_is_mended() -> None:
    assert found(*failing(5), line(TO_RATINGS, seconds_ago=5)) == set()


def test_two_failures_are_no_pattern() -> None:
    assert found(*failing(2)) == set()


def test_failures_of_another_minute_say_nothing_about_now() -> None:
    assert found(*failing(9, ago=90)) == set()


def test_a_success_through_any_cluster_mends_what_had_no_cluster() -> None:
    assert found(*no_cluster()) == FAULT
    assert found(*no_cluster(), line(TO_RATINGS, seconds_ago=1)) == set()


def test_an_application_that_answers_404_or_403_itself_is_not_the_meshs_matter() -> None:
    calls = [line(TO_RATINGS, code=code, seconds_ago=9) for code in (404, 403, 401, 400)]
    assert found(*calls) == set()


def test_a_refusal_by_the_servers_proxy_counts() -> None:
    denied = [
        line(
            "inbound|8080||",
            code=403,
            details="rbac_access_denied_matched_policy[none]",
            seconds_ago=9 + n,
        )
        for n in range(3)
    ]
    assert found(*denied) == {
        (
            REQUESTS_FAIL,
            "Deployment shop/client-v1",
            "destination ratings.shop.svc.cluster.local:8080",
        )
    }


def test_a_healthy_log_says_nothing() -> None:
    assert found(*(line(TO_RATINGS, seconds_ago=n) for n in range(30))) == set()
