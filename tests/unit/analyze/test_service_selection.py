from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.service_selection import ANALYZER
from meshdoctor.model.finding import FactState, Outcome, Severity
from meshdoctor.model.kinds import DAEMON_SET, DEPLOYMENT, POD, STATEFUL_SET
from tests.build import deployment, istio_object, mesh, pod, service
from tests.unit.analyze.traffic_build import (
    TO_RATINGS,
    app_deployment,
    client,
    dump,
    hosts,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    ratings_service,
    server,
    shop,
    unknowns,
)

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind

TO = "destination ratings.shop.svc.cluster.local:8080"
RATINGS_POD = "Pod ratings-v1-abc-1"


def wrong_selector() -> list[dict[str, Any]]:
    return [*shop(without=("Service ratings",)), ratings_service(selector={"app": "rating"})]


def scaled_down(**more: Any) -> list[dict[str, Any]]:
    gone = ("Deployment ratings-v1", RATINGS_POD)
    return [*shop(without=gone), app_deployment("ratings-v1", "ratings", replicas=0, **more)]


def test_a_service_that_selects_its_pods_is_in_order() -> None:
    snapshot = mesh(shop(), proxies=[client(line(TO_RATINGS)), server()])
    assert named(ANALYZER, snapshot) == []
    assert {("MD0113", TO), ("MD0114", TO), ("MD0115", TO)} <= passed(ANALYZER, snapshot)


def test_a_called_service_whose_selector_no_workload_carries_is_at_fault() -> None:
    snapshot = mesh(wrong_selector(), proxies=[client(*no_healthy_upstream()), server()])
    assert named(ANALYZER, snapshot) == [("MD0113", TO, "Service shop/ratings")]
    assert ("MD0114", TO) in passed(ANALYZER, snapshot)


def test_the_fix_is_the_selector_of_the_nearest_workload() -> None:
    snapshot = mesh(wrong_selector(), proxies=[client(*no_healthy_upstream()), server()])
    (found,) = problems(ANALYZER, snapshot)
    assert '{"spec": {"selector": {"app": "ratings"}}}' in found.fills["command"]
    assert '{"spec": {"selector": {"app": "rating"}}}' in found.fills["undo"]
    assert found.objects == ("Service shop/ratings", "Deployment shop/ratings-v1")


def test_a_selector_with_a_key_that_no_pod_has_is_taken_back_by_its_fix() -> None:
    objects = [*shop(without=("Service ratings",)), ratings_service(selector={"name": "ratings"})]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[client(*no_healthy_upstream())]))
    assert '"name": null' in found.fills["command"]
    assert '"app": "ratings"' in found.fills["command"]
    assert '"app": null' in found.fills["undo"]


def test_everything_that_was_read_and_agrees_makes_every_fact_hold() -> None:
    config = dump({TO_RATINGS: {}}, [TO_RATINGS])
    caller = client(*no_healthy_upstream(), config=config, hosts=hosts({TO_RATINGS: []}))
    (found,) = problems(ANALYZER, mesh(wrong_selector(), proxies=[caller, server()]))
    assert {fact.id: fact.state for fact in found.facts} == {
        "selector-matches-nothing": FactState.HOLDS,
        "callers-hold-no-host": FactState.HOLDS,
        "requests-fail": FactState.HOLDS,
    }


def test_who_got_503_suffers() -> None:
    (found,) = problems(
        ANALYZER, mesh(wrong_selector(), proxies=[client(*no_healthy_upstream()), server()])
    )
    assert [(item.source, item.to) for item in found.affected] == [
        ("Deployment shop/client-v1", "ratings.shop.svc.cluster.local:8080")
    ]


def test_a_wrong_selector_that_nobody_calls_names_no_root_cause() -> None:
    snapshot = mesh(wrong_selector(), proxies=[client(), server()])
    (found,) = problems(ANALYZER, snapshot)
    assert (found.outcome, found.root, found.severity) == (Outcome.WARN, False, Severity.WARNING)


def test_without_access_logs_every_service_counts_as_called() -> None:
    snapshot = mesh(wrong_selector())
    assert named(ANALYZER, snapshot) == [("MD0113", TO, "Service shop/ratings")]


def test_a_log_line_of_an_hour_ago_is_no_call() -> None:
    old = line(TO_RATINGS, seconds_ago=3 * 3600)
    other = line("outbound|8080||other.shop.svc.cluster.local")
    snapshot = mesh(wrong_selector(), proxies=[client(old, other), server()])
    assert named(ANALYZER, snapshot) == []


def test_a_proxy_that_still_has_hosts_does_not_suffer_from_a_wrong_selector() -> None:
    caller = client(line(TO_RATINGS), hosts=hosts({TO_RATINGS: [{}]}))
    (found,) = problems(ANALYZER, mesh(wrong_selector(), proxies=[caller, server()]))
    assert not found.root


@pytest.mark.parametrize("kind", [POD, DEPLOYMENT, STATEFUL_SET, DAEMON_SET])
def test_a_selector_is_not_called_wrong_while_a_kind_of_workload_is_unread(kind: Kind) -> None:
    snapshot = mesh(wrong_selector(), proxies=[client(*no_healthy_upstream())], unread=[kind])
    assert named(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot)["MD0113"] == (kind.input,)


def test_a_workload_entry_that_the_selector_picks_stands_behind_the_service() -> None:
    entry = istio_object("WorkloadEntry", "vm", address="192.0.2.1", labels={"app": "rating"})
    snapshot = mesh([*wrong_selector(), entry], proxies=[client(*no_healthy_upstream())])
    assert problems(ANALYZER, snapshot) == []


def test_a_service_without_selector_is_not_judged() -> None:
    objects = [*shop(without=("Service ratings",)), ratings_service(selector={})]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[client(*no_healthy_upstream())]))) == []


def test_an_alias_is_not_judged() -> None:
    objects = [
        *shop(without=("Service ratings",)),
        ratings_service(selector={"app": "rating"}, type="ExternalName", externalName="a.example"),
    ]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[client(*no_healthy_upstream())]))) == []


def test_a_workload_scaled_to_zero_is_at_fault_and_not_the_selector() -> None:
    snapshot = mesh(scaled_down(), proxies=[client(*no_healthy_upstream())])
    assert named(ANALYZER, snapshot) == [("MD0114", TO, "Deployment shop/ratings-v1")]
    assert ("MD0113", TO) in passed(ANALYZER, snapshot)


def test_scaling_up_mends_a_workload_scaled_to_zero() -> None:
    (found,) = problems(ANALYZER, mesh(scaled_down(), proxies=[client(*no_healthy_upstream())]))
    assert found.fills["command"] == "kubectl scale deployment ratings-v1 -n shop --replicas=1"
    assert found.fills["undo"] == "kubectl scale deployment ratings-v1 -n shop --replicas=0"


def test_one_of_two_workloads_at_zero_leaves_the_service_served() -> None:
    objects = [*shop(), app_deployment("ratings-v2", "ratings", "v2", replicas=0)]
    assert problems(ANALYZER, mesh(objects, proxies=[client(line(TO_RATINGS))])) == []


def test_a_workload_that_wants_pods_and_gets_none_is_neither_zero_nor_mismatched() -> None:
    snapshot = mesh(shop(without=(RATINGS_POD,)), proxies=[client(*no_healthy_upstream())])
    assert named(ANALYZER, snapshot) == [("MD0115", TO, "Deployment shop/ratings-v1")]


def test_a_pod_that_is_being_deleted_does_not_serve() -> None:
    objects = shop()
    for item in objects:
        if item["metadata"]["name"] == "ratings-v1-abc-1":
            item["metadata"]["deletionTimestamp"] = "2026-11-21T07:59:00Z"
    snapshot = mesh(objects, proxies=[client(*no_healthy_upstream())])
    assert named(ANALYZER, snapshot) == [("MD0115", TO, "Deployment shop/ratings-v1")]


def test_a_service_whose_only_pods_ran_to_their_end_selects_rightly() -> None:
    done = pod("task-1", labels={"app": "rating"}, ip="10.244.0.9")
    done["status"]["phase"] = "Succeeded"
    snapshot = mesh([*wrong_selector(), done], proxies=[client(*no_healthy_upstream())])
    assert named(ANALYZER, snapshot) == [("MD0115", TO, "Pod shop/task-1")]


def test_services_of_the_mesh_itself_are_left_to_other_playbooks() -> None:
    gateway = deployment("ingress", "edge", labels={"app": "ingress"}, replicas=0)
    gateway["spec"]["template"]["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto"}]
    objects = [
        *shop(),
        service("istiod", "istio-system", selector={"app": "gone"}),
        service("dns", "kube-system", selector={"app": "gone"}),
        service("ingress", "edge", selector={"app": "ingress"}),
        gateway,
    ]
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_system_service_that_is_called_in_vain_is_looked_at() -> None:
    cluster = "outbound|8080||tracing.istio-system.svc.cluster.local"
    objects = [*shop(), service("tracing", "istio-system", selector={"app": "gone"})]
    snapshot = mesh(objects, proxies=[client(*no_healthy_upstream(cluster)), server()])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0113"]
