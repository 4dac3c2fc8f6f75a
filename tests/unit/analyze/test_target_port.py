from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.target_port import ANALYZER
from meshdoctor.model.finding import FactState
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.traffic_build import (
    RATINGS_IP,
    RATINGS_POD,
    REFUSED,
    TO_RATINGS,
    answered,
    app_deployment,
    client,
    hosts,
    line,
    named,
    passed,
    problems,
    ratings_pod,
    ratings_service,
    refused,
    server,
    shop,
    unknowns,
)

TO = "destination ratings.shop.svc.cluster.local:8080"
WITHOUT = ("Service ratings", f"Pod {RATINGS_POD}", "Deployment ratings-v1")
SERVICE_AT_FAULT = [("MD0122", TO, "Service shop/ratings")]
WORKLOAD_AT_FAULT = [("MD0123", TO, "Deployment shop/ratings-v1")]
CALLER = client(line(TO_RATINGS, code=503))


def behind(target: int | str, **app: Any) -> list[dict[str, Any]]:
    """Ratings behind a target port; app replaces parts of its container."""
    port = {"name": "http", "port": 8080, "targetPort": target, "protocol": "TCP"}
    template = app_deployment("ratings-v1", "ratings")
    served = ratings_pod()
    for container in (
        served["spec"]["containers"][0],
        template["spec"]["template"]["spec"]["containers"][0],
    ):
        container |= app
    return [*shop(without=WITHOUT), ratings_service(ports=[port]), template, served]


def counted(port: int, *, total: int, failed: int) -> Any:
    counters = {"port": port, "cx_total": total, "cx_connect_fail": failed}
    return hosts({f"inbound|{port}||": [counters]})


def test_an_application_that_answers_is_ruled_out() -> None:
    proxies = [client(line(TO_RATINGS)), server(*answered())]
    snapshot = mesh(behind(8080), proxies=proxies)
    assert problems(ANALYZER, snapshot) == []
    assert {("MD0122", TO), ("MD0123", TO)} <= passed(ANALYZER, snapshot)


def test_a_refused_port_that_no_container_declares_is_the_services_fault() -> None:
    snapshot = mesh(behind(9999), proxies=[CALLER, server(*refused(9999))])
    assert named(ANALYZER, snapshot) == SERVICE_AT_FAULT
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}
    assert '"path": "/spec/ports/0/targetPort", "value": 8080' in found.fills["command"]
    assert '"value": 9999' in found.fills["undo"]


def test_a_refused_port_that_the_container_declares_is_the_applications_fault() -> None:
    snapshot = mesh(behind(8080), proxies=[CALLER, server(*refused(8080))])
    assert named(ANALYZER, snapshot) == WORKLOAD_AT_FAULT


@pytest.mark.parametrize(("target", "ruled_out"), [(9999, "MD0123"), (8080, "MD0122")])
def test_whose_port_it_is_rules_the_look_alike_out(target: int, ruled_out: str) -> None:
    snapshot = mesh(behind(target), proxies=[CALLER, server(*refused(target))])
    assert passed(ANALYZER, snapshot) == {(ruled_out, TO)}


@pytest.mark.parametrize(("target", "fault"), [(9999, SERVICE_AT_FAULT), (8080, WORKLOAD_AT_FAULT)])
def test_counters_tell_as_much_as_the_log(target: int, fault: list[tuple[str, str, str]]) -> None:
    seen = proxy(RATINGS_POD, hosts=counted(target, total=9, failed=9))
    snapshot = mesh(behind(target), proxies=[CALLER, seen])
    assert named(ANALYZER, snapshot) == fault


def test_counters_with_one_connection_made_tell_that_something_listens() -> None:
    seen = proxy(RATINGS_POD, hosts=counted(8080, total=9, failed=8))
    assert problems(ANALYZER, mesh(behind(8080), proxies=[CALLER, seen])) == []


def test_the_newest_lines_count_more_than_old_counters() -> None:
    seen = server(
        *answered(count=5, since=60), *refused(8080), hosts=counted(8080, total=9, failed=3)
    )
    assert named(ANALYZER, mesh(behind(8080), proxies=[CALLER, seen])) == WORKLOAD_AT_FAULT


def test_refusals_that_ended_are_mended() -> None:
    lines = [*refused(8080), *answered(count=2, since=5)]
    assert problems(ANALYZER, mesh(behind(8080), proxies=[CALLER, server(*lines)])) == []


def test_a_pod_that_restarts_may_refuse_for_that() -> None:
    objects = behind(8080)
    ended = {"terminated": {"finishedAt": "2026-11-21T07:59:00Z", "exitCode": 1}}
    objects[-1]["status"]["containerStatuses"][0] |= {"lastState": ended, "restartCount": 1}
    assert problems(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(8080))])) == []


def test_connections_that_time_out_are_not_refused() -> None:
    late = line(
        "inbound|8080||",
        code=503,
        flags="UF",
        details="upstream_reset_before_response_started",
        failure="connection_timeout",
        local=f"{RATINGS_IP}:8080",
    )
    snapshot = mesh(behind(8080), proxies=[CALLER, server(late, late)])
    assert problems(ANALYZER, snapshot) == []


@pytest.mark.parametrize(
    ("app", "fault"),
    [
        ({"env": [{"name": "PORT", "value": "8080"}]}, SERVICE_AT_FAULT),
        ({"env": [{"name": "PORT", "value": "9999"}]}, WORKLOAD_AT_FAULT),
        ({"livenessProbe": {"httpGet": {"port": 8080}}}, SERVICE_AT_FAULT),
        ({"livenessProbe": {"tcpSocket": {"port": 9999}}}, WORKLOAD_AT_FAULT),
        ({"args": ["--listen", "127.0.0.1:9999"]}, WORKLOAD_AT_FAULT),
        ({}, SERVICE_AT_FAULT),
    ],
)
def test_where_nothing_is_declared_other_signs_tell(
    app: dict[str, Any], fault: list[tuple[str, str, str]]
) -> None:
    objects = behind(9999, ports=[], **app)
    assert named(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(9999))])) == fault


def test_where_nothing_tells_the_cause_is_only_likely() -> None:
    objects = behind(9999, ports=[])
    (found,) = problems(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(9999))]))
    states = {fact.id: fact.state for fact in found.facts}
    assert states["port-is-not-the-applications"] is FactState.SILENT


def test_a_pod_that_serves_another_port_says_that_the_service_is_wrong() -> None:
    served = hosts({"inbound|8080||": [{"cx_total": 5}], "inbound|9999||": []})
    seen = server(*refused(9999), hosts=served)
    objects = behind(9999, ports=[])
    assert named(ANALYZER, mesh(objects, proxies=[CALLER, seen])) == SERVICE_AT_FAULT


def test_a_setting_that_binds_to_localhost_is_changed_by_the_fix() -> None:
    objects = behind(8080, env=[{"name": "BIND", "value": "127.0.0.1:8080"}])
    (found,) = problems(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(8080))]))
    assert found.fills["command"] == (
        "kubectl set env deployment/ratings-v1 -n shop BIND=0.0.0.0:8080"
    )
    assert found.fills["undo"].endswith("BIND=127.0.0.1:8080")


def test_a_host_of_something_else_is_no_binding() -> None:
    objects = behind(8080, env=[{"name": "DATABASE", "value": "localhost:5432"}])
    (found,) = problems(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(8080))]))
    assert found.fills["command"].startswith("kubectl edit")


def test_another_pod_that_serves_the_same_port_clears_the_service() -> None:
    other = ratings_pod(labels={"app": "ratings", "version": "v2"})
    other["metadata"]["name"], other["status"]["podIP"] = "ratings-v2-abc-1", "10.244.0.9"
    serving = proxy("ratings-v2-abc-1", hosts=counted(9999, total=4, failed=0))
    objects = [*behind(9999, ports=[]), other]
    snapshot = mesh(objects, proxies=[CALLER, server(*refused(9999)), serving])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0123"]


def test_a_named_target_port_that_no_container_declares_is_the_services_fault() -> None:
    snapshot = mesh(behind("web"), proxies=[CALLER, server()])
    assert named(ANALYZER, snapshot) == SERVICE_AT_FAULT


def test_a_named_target_port_that_a_container_declares_leads_there() -> None:
    objects = behind("web", ports=[{"name": "web", "containerPort": 8000}])
    snapshot = mesh(objects, proxies=[CALLER, server(*answered(8000))])
    assert problems(ANALYZER, snapshot) == []


def test_a_pod_without_sidecar_is_judged_by_its_callers_lines() -> None:
    objects = behind(9999)
    objects[-1]["spec"]["initContainers"] = []
    lines = [
        line(
            TO_RATINGS,
            code=503,
            flags="URX,UF",
            details=REFUSED,
            failure="delayed_connect_error:_Connection_refused",
            upstream=f"{RATINGS_IP}:9999",
            seconds_ago=n,
        )
        for n in (20, 10)
    ]
    assert named(ANALYZER, mesh(objects, proxies=[client(*lines)])) == SERVICE_AT_FAULT


def test_a_tls_failure_towards_a_pod_without_sidecar_is_no_refusal() -> None:
    objects = behind(8080)
    objects[-1]["spec"]["initContainers"] = []
    failed = line(
        TO_RATINGS,
        code=503,
        flags="URX,UF",
        failure="TLS_error:|WRONG_VERSION_NUMBER:TLS_error_end",
        details="upstream_reset_before_response_started",
        upstream=f"{RATINGS_IP}:8080",
    )
    assert problems(ANALYZER, mesh(objects, proxies=[client(failed, failed)])) == []


def test_without_anything_of_the_server_it_cannot_be_told() -> None:
    snapshot = mesh(behind(8080), proxies=[CALLER])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot).keys() == {"MD0122", "MD0123"}


def localhost_fact(*more: dict[str, Any], **app: Any) -> FactState:
    objects = [*behind(8080, **app), *more]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[CALLER, server(*refused(8080))]))
    assert found.objects[0] == "Deployment shop/ratings-v1"
    return next(f.state for f in found.facts if f.id == "application-is-told-localhost")


def sidecar(endpoint: str, **labels: str) -> dict[str, Any]:
    ingress = [{"port": {"number": 9080, "protocol": "HTTP"}, "defaultEndpoint": endpoint}]
    return istio_object(
        "Sidecar",
        "ratings",
        workloadSelector={"labels": labels or {"app": "ratings"}},
        ingress=ingress,
    )


class TestWhatSaysLocalhost:
    @pytest.mark.parametrize(
        "app",
        [
            {"env": [{"name": "BIND", "value": "127.0.0.1"}]},
            {"env": [{"name": "HOST", "value": "localhost"}]},
            {"env": [{"name": "LISTEN_ADDR", "value": "127.0.0.1:8080"}]},
            {"env": [{"name": "ASPNETCORE_URLS", "value": "http://localhost:8080"}]},
            {"args": ["--bind=127.0.0.1:8080"]},
            {"command": ["uvicorn", "app", "--host", "127.0.0.1"]},
        ],
    )
    def test_a_setting_that_names_it_proves_the_cause(self, app: dict[str, Any]) -> None:
        assert localhost_fact(**app) is FactState.HOLDS

    @pytest.mark.parametrize(
        "app",
        [
            {},
            {"env": [{"name": "BIND", "value": "0.0.0.0"}]},
            {"env": [{"name": "DATABASE_HOST", "value": "localhost"}]},
            {"env": [{"name": "ADMIN_LISTEN", "value": "127.0.0.1:9901"}]},
            {"args": ["--proxy", "127.0.0.1:8080"]},
        ],
    )
    def test_settings_for_something_else_leave_it_likely(self, app: dict[str, Any]) -> None:
        assert localhost_fact(**app) is FactState.SILENT

    def test_a_sidecar_that_hands_calls_to_localhost_says_so(self) -> None:
        assert localhost_fact(sidecar("127.0.0.1:8080")) is FactState.HOLDS

    @pytest.mark.parametrize(
        "other",
        [sidecar("127.0.0.1:7070"), sidecar("0.0.0.0:8080"), sidecar("127.0.0.1:8080", app="web")],
    )
    def test_a_sidecar_of_another_port_or_workload_does_not(self, other: dict[str, Any]) -> None:
        assert localhost_fact(other) is FactState.SILENT


def test_what_is_refused_at_localhost_itself_is_no_matter_of_binding() -> None:
    lines = [text.replace(f"{RATINGS_IP}:8080", "127.0.0.1:8080", 1) for text in refused(8080)]
    assert any("127.0.0.1:8080" in text for text in lines)
    assert problems(ANALYZER, mesh(behind(8080), proxies=[CALLER, server(*lines)])) == []
