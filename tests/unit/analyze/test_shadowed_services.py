from __future__ import annotations

from typing import Any

from meshdoctor.analyze.shadowed_services import ANALYZER
from meshdoctor.model.finding import FactState
from tests.build import istio_object, mesh
from tests.unit.analyze.traffic_build import (
    RATINGS,
    RATINGS_IP,
    TO_RATINGS,
    client,
    dump,
    hosts,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    server,
    shop,
    unknowns,
)

TO = f"destination {RATINGS}:8080"
STRANGE = "10.244.99.99"
FOUND = ("MD0131", TO, "ServiceEntry shop/extra")
TRIED = {"ip": STRANGE, "cx_total": 4, "cx_connect_fail": 3, "cx_active": 1, "rq_error": 3}
OWN = {"ip": RATINGS_IP, "rq_total": 9, "rq_success": 9, "cx_total": 2}


def entry(*addresses: str, also: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    return istio_object(
        "ServiceEntry",
        "extra",
        **{
            "hosts": [RATINGS, *also],
            "ports": [{"number": 8080, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": [{"address": ip} for ip in addresses],
            **spec,
        },
    )


def caller(*statuses: dict[str, Any], lines: list[str] | None = None, kind: str = "EDS") -> Any:
    config = dump({TO_RATINGS: {"type": kind}}, [TO_RATINGS], {TO_RATINGS: [STRANGE, RATINGS_IP]})
    told = [line(TO_RATINGS)] if lines is None else lines
    return client(*told, hosts=hosts({TO_RATINGS: statuses}), config=config)


def test_endpoints_that_do_not_answer_are_the_entrys_fault() -> None:
    snapshot = mesh([*shop(), entry(STRANGE)], proxies=[caller(TRIED, OWN), server()])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}
    assert "kubectl delete serviceentries" in found.fills["command"]


def test_a_host_among_others_is_taken_out_of_the_entry() -> None:
    objects = [*shop(), entry(STRANGE, also=("a.example",))]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[caller(TRIED, OWN), server()]))
    assert '"op": "remove", "path": "/spec/hosts/0"' in found.fills["command"]


def test_the_services_own_endpoints_listed_again_do_no_harm() -> None:
    snapshot = mesh([*shop(), entry(RATINGS_IP)], proxies=[caller(OWN), server()])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0131", TO)}


def test_more_endpoints_that_answer_do_no_harm() -> None:
    serving = {"ip": STRANGE, "rq_total": 5, "rq_success": 5, "cx_total": 1, "cx_connect_fail": 1}
    snapshot = mesh([*shop(), entry(STRANGE)], proxies=[caller(serving, OWN), server()])
    assert [found.root for found in problems(ANALYZER, snapshot)] == [False]


def test_an_entry_for_another_host_is_no_shadow() -> None:
    other = entry(STRANGE, hosts=["ratings.example"])
    snapshot = mesh([*shop(), other], proxies=[caller(OWN), server()])
    assert list(ANALYZER.analyze(snapshot)) == []


def test_whether_the_endpoints_answer_is_unknown_without_counters_and_failures() -> None:
    blind = client(line(TO_RATINGS), config=dump({TO_RATINGS: {}}))
    snapshot = mesh([*shop(), entry(STRANGE)], proxies=[blind, server()])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0131": ("proxies/clusters.json",)}


def test_a_failed_call_that_the_endpoint_took_is_enough() -> None:
    hung = line(TO_RATINGS, code=0, flags="DC", details="-", upstream=f"{STRANGE}:8080")
    blind = client(hung, config=dump({TO_RATINGS: {}}))
    assert named(ANALYZER, mesh([*shop(), entry(STRANGE)], proxies=[blind, server()])) == [FOUND]


def test_failures_of_the_services_own_pods_are_no_fault_of_the_entry() -> None:
    own = line(TO_RATINGS, code=503, flags="UC", upstream=f"{RATINGS_IP}:8080")
    idle = {"ip": STRANGE}
    snapshot = mesh([*shop(), entry(STRANGE)], proxies=[caller(idle, OWN, lines=[own]), server()])
    assert [found.root for found in problems(ANALYZER, snapshot)] == [False]


def test_an_entry_that_takes_the_cluster_over_and_resolves_nothing_is_at_fault() -> None:
    taken = caller(lines=no_healthy_upstream(), kind="STRICT_DNS")
    dns = entry("gone.example", resolution="DNS")
    assert named(ANALYZER, mesh([*shop(), dns], proxies=[taken, server()])) == [FOUND]


def test_a_service_without_pods_is_another_fault() -> None:
    objects = [*shop(without=("Pod ratings-v1-abc-1",)), entry()]
    assert problems(ANALYZER, mesh(objects, proxies=[caller(lines=no_healthy_upstream())])) == []
