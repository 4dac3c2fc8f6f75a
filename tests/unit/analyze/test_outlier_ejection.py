from __future__ import annotations

from typing import Any

from meshdoctor.analyze.outlier_ejection import ANALYZER
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, VIRTUAL_SERVICE
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.traffic_build import (
    CLIENT,
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
    shop,
    unknowns,
)

TO = "destination ratings.shop.svc.cluster.local:8080"
DETECTION = {"consecutive5xxErrors": 1, "baseEjectionTime": "5m", "maxEjectionPercent": 100}
ORIGIN = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/ratings"
CLUSTER = {
    "outlier_detection": {"consecutive_5xx": 1, "base_ejection_time": "300s"},
    "metadata": {"filter_metadata": {"istio": {"config": ORIGIN}}},
}


def rule(policy: dict[str, Any] | None = None) -> dict[str, Any]:
    chosen = {"outlierDetection": DETECTION} if policy is None else policy
    return istio_object("DestinationRule", "ratings", host="ratings", trafficPolicy=chosen)


def out(*more: dict[str, Any]) -> Any:
    return hosts({TO_RATINGS: [{"ejected": True}, *more]})


def test_hosts_that_are_all_ejected_are_the_rules_fault() -> None:
    caller = client(*no_healthy_upstream(), hosts=out())
    snapshot = mesh([*shop(), rule()], proxies=[caller])
    assert named(ANALYZER, snapshot) == [("MD0121", TO, "DestinationRule shop/ratings")]


def test_an_ejection_counts_although_neither_logs_nor_routes_were_read() -> None:
    subset = {"name": "v1", "labels": {"version": "v1"}}
    objects = [*shop(), rule({"outlierDetection": DETECTION})]
    objects[-1]["spec"]["subsets"] = [subset]
    cluster = TO_RATINGS.replace("||", "|v1|")
    ejecting = proxy(CLIENT, hosts=hosts({cluster: [{"ejected": True}]}))
    snapshot = mesh(objects, proxies=[ejecting], unread=[VIRTUAL_SERVICE])
    assert named(ANALYZER, snapshot) == [
        ("MD0121", f"{TO} subset v1", "DestinationRule shop/ratings")
    ]
    (found,) = problems(ANALYZER, snapshot)
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]


def test_the_workload_that_gave_the_errors_takes_part() -> None:
    caller = client(*no_healthy_upstream(), hosts=out())
    (found,) = problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller]))
    assert found.objects == ("DestinationRule shop/ratings", "Deployment shop/ratings-v1")
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}


def test_the_fix_keeps_outlier_detection_and_its_undo_brings_the_old_one_back() -> None:
    caller = client(*no_healthy_upstream(), hosts=out())
    (found,) = problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller]))
    assert '"consecutive5xxErrors": 5' in found.fills["command"]
    assert '"baseEjectionTime": "5m"' in found.fills["undo"]


def test_a_host_that_is_left_keeps_the_destination_served() -> None:
    caller = client(line(TO_RATINGS), hosts=out({"ip": "10.244.0.9"}))
    (found,) = problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller]))
    assert (found.outcome, found.root) == (Outcome.WARN, False)


def test_hosts_that_are_healthy_are_ruled_out() -> None:
    caller = client(line(TO_RATINGS), hosts=hosts({TO_RATINGS: [{}]}))
    snapshot = mesh([*shop(), rule()], proxies=[caller])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0121", TO) in passed(ANALYZER, snapshot)


def test_an_unhealthy_host_is_not_an_ejected_one() -> None:
    caller = client(*no_healthy_upstream(), hosts=hosts({TO_RATINGS: [{"health": "UNHEALTHY"}]}))
    assert problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller])) == []


def test_where_rules_are_unread_the_proxys_cluster_names_the_rule() -> None:
    config = dump({TO_RATINGS: CLUSTER}, [TO_RATINGS])
    caller = client(*no_healthy_upstream(), hosts=out(), config=config)
    snapshot = mesh(shop(), proxies=[caller], unread=[DESTINATION_RULE])
    assert named(ANALYZER, snapshot) == [("MD0121", TO, "DestinationRule shop/ratings")]


def test_without_host_statuses_ready_pods_that_are_not_used_were_ejected() -> None:
    config = dump({TO_RATINGS: CLUSTER}, endpoints={TO_RATINGS: [RATINGS_IP]})
    caller = client(*no_healthy_upstream(), config=config)
    (found,) = problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller]))
    states = {fact.id: fact.state for fact in found.facts}
    assert found.root
    assert states["hosts-ejected"] is FactState.UNREAD
    assert states["outlier-detection-set"] is FactState.HOLDS


def test_without_host_statuses_a_pod_that_is_not_ready_explains_itself() -> None:
    objects = shop()
    for item in objects:
        if item["metadata"]["name"] == "ratings-v1-abc-1":
            item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    config = dump({TO_RATINGS: CLUSTER}, endpoints={TO_RATINGS: [RATINGS_IP]})
    caller = client(*no_healthy_upstream(), config=config)
    assert problems(ANALYZER, mesh([*objects, rule()], proxies=[caller])) == []


def test_without_anything_of_the_caller_it_cannot_be_told() -> None:
    caller = client(*no_healthy_upstream())
    snapshot = mesh([*shop(), rule()], proxies=[caller])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0121": ("proxies/clusters.json",)}


def test_without_outlier_detection_nothing_can_be_ejected() -> None:
    caller = client(*no_healthy_upstream())
    snapshot = mesh([*shop(), rule({"loadBalancer": {}})], proxies=[caller])
    assert (problems(ANALYZER, snapshot), unknowns(ANALYZER, snapshot)) == ([], {})
    assert ("MD0121", TO) in passed(ANALYZER, snapshot)
