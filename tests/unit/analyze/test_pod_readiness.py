from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.pod_readiness import ANALYZER
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import EVENT, PEER_AUTHENTICATION, POD
from tests.build import istio_object, mesh
from tests.unit.analyze.traffic_build import (
    RATINGS_POD,
    TO_RATINGS,
    client,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    ratings_pod,
    ratings_service,
    shop,
)

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind

TO = "destination ratings.shop.svc.cluster.local:8080"
WITHOUT = f"Pod {RATINGS_POD}"
REWRITTEN = {"httpGet": {"path": "/app-health/app/readyz", "port": 15020}}
DIRECT = {"httpGet": {"path": "/", "port": 8080}}
RESET = 'Readiness probe failed: Get "http://10.244.0.6:8080/": read: connection reset by peer'


def unready(probe: dict[str, Any] | None = REWRITTEN, **app: Any) -> dict[str, Any]:
    """The ratings pod: its proxy ready, its application running and not ready."""
    item = ratings_pod(ready=False)
    item["status"]["initContainerStatuses"][0]["ready"] = True
    item["status"]["containerStatuses"][0] |= app
    if probe is not None:
        item["spec"]["containers"][0]["readinessProbe"] = probe
    return item


def event(message: str, *, at: str = "2026-11-21T07:59:50Z") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"e{hash(message) % 1000}", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": RATINGS_POD},
        "reason": "Unhealthy",
        "message": message,
        "lastTimestamp": at,
    }


def with_pod(item: dict[str, Any], *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [*shop(without=(WITHOUT,)), item, *more]


def strict(**more: Any) -> dict[str, Any]:
    return istio_object("PeerAuthentication", "default", mtls={"mode": "STRICT"}, **more)


CALLER = client(*no_healthy_upstream())


def test_a_ready_pod_rules_every_cause_out() -> None:
    snapshot = mesh(shop(), proxies=[client(line(TO_RATINGS))])
    assert problems(ANALYZER, snapshot) == []
    assert {("MD0117", TO), ("MD0118", TO), ("MD0119", TO), ("MD0120", TO)} == passed(
        ANALYZER, snapshot
    )


def test_a_running_pod_whose_probe_fails_is_the_workloads_fault() -> None:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 500"
    snapshot = mesh(with_pod(unready(), event(said)), proxies=[CALLER])
    assert named(ANALYZER, snapshot) == [("MD0117", TO, "Deployment shop/ratings-v1")]
    (found,) = problems(ANALYZER, snapshot)
    assert "statuscode: 500" in found.message


def test_the_probe_of_the_template_is_shown_as_it_was_written() -> None:
    objects = with_pod(unready())
    for item in objects:
        if item["metadata"]["name"] == "ratings-v1":
            container = item["spec"]["template"]["spec"]["containers"][0]
            container["readinessProbe"] = {"httpGet": {"path": "/ready", "port": 8081}}
    (found,) = problems(ANALYZER, mesh(objects, proxies=[CALLER]))
    assert found.fills["probe"] == "the probe is HTTP GET /ready on port 8081"


@pytest.mark.parametrize(
    ("events", "kinds", "state"),
    [
        ([event("Readiness probe failed: statuscode: 500")], [], FactState.HOLDS),
        ([], [], FactState.SILENT),
        ([], [EVENT], FactState.UNREAD),
        ([event("Readiness probe failed: old", at="2026-11-21T07:30:00Z")], [], FactState.SILENT),
    ],
)
def test_only_a_recent_event_says_why(
    events: list[dict[str, Any]], kinds: list[Kind], state: FactState
) -> None:
    snapshot = mesh(with_pod(unready(), *events), proxies=[CALLER], unread=kinds)
    (found,) = problems(ANALYZER, snapshot)
    assert next(f.state for f in found.facts if f.id == "reason-is-known") is state


def test_one_ready_pod_is_enough() -> None:
    other = ratings_pod()
    other["metadata"]["name"], other["status"]["podIP"] = "ratings-v1-abc-2", "10.244.0.9"
    assert problems(ANALYZER, mesh(with_pod(unready(), other), proxies=[CALLER])) == []


def test_a_service_that_publishes_unready_addresses_needs_no_ready_pod() -> None:
    objects = [item for item in with_pod(unready()) if item["kind"] != "Service"]
    objects.append(ratings_service(publishNotReadyAddresses=True))
    assert problems(ANALYZER, mesh(objects, proxies=[CALLER])) == []


@pytest.mark.parametrize(
    "app",
    [
        {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4},
        {
            "state": {"running": {}},
            "restartCount": 1,
            "lastState": {"terminated": {"finishedAt": "2026-11-21T07:58:00Z", "exitCode": 1}},
        },
        {
            "state": {"terminated": {"finishedAt": "2026-11-21T07:59:00Z", "exitCode": 3}},
            "restartCount": 2,
        },
    ],
)
def test_a_pod_that_crashes_is_not_merely_unready(app: dict[str, Any]) -> None:
    snapshot = mesh(with_pod(unready(**app)), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0118"]


def test_a_restart_of_long_ago_is_no_crash() -> None:
    ended = {"terminated": {"finishedAt": "2026-11-21T03:00:00Z", "exitCode": 1}}
    item = unready(restartCount=1, lastState=ended)
    snapshot = mesh(with_pod(item), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0117"]


def test_a_sidecar_that_is_not_ready_is_another_matter() -> None:
    item = unready(state={"waiting": {"reason": "PodInitializing"}})
    item["status"]["initContainerStatuses"][0]["ready"] = False
    snapshot = mesh(with_pod(item), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0119"]


def test_an_image_that_cannot_be_pulled_is_named() -> None:
    item = unready(state={"waiting": {"reason": "ImagePullBackOff"}})
    (found,) = problems(ANALYZER, mesh(with_pod(item), proxies=[CALLER]))
    assert found.code == "MD0117"
    assert "ImagePullBackOff" in found.message


def test_a_pod_that_no_node_takes_is_named() -> None:
    item = unready(state={"waiting": {"reason": "ContainerCreating"}})
    item["status"]["conditions"].append(
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
    )
    (found,) = problems(ANALYZER, mesh(with_pod(item), proxies=[CALLER]))
    assert (found.code, "no cpu" in found.message) == ("MD0117", True)


def test_a_probe_that_the_sidecar_resets_is_another_matter() -> None:
    snapshot = mesh(with_pod(unready(DIRECT), event(RESET), strict()), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0120"]


def test_without_an_event_a_strict_policy_tells_that_the_probe_is_reset() -> None:
    snapshot = mesh(with_pod(unready(DIRECT), strict()), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0120"]


def test_while_policies_are_unread_a_direct_probe_may_be_reset() -> None:
    snapshot = mesh(with_pod(unready(DIRECT)), proxies=[CALLER], unread=[PEER_AUTHENTICATION])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0120"]


@pytest.mark.parametrize(
    "item",
    [
        unready(REWRITTEN),
        unready({"exec": {"command": ["true"]}}),
        unready(DIRECT) | {"spec": {**unready(DIRECT)["spec"], "initContainers": []}},
    ],
    ids=["rewritten", "exec", "no sidecar"],
)
def test_a_probe_that_passes_by_the_sidecar_is_not_reset(item: dict[str, Any]) -> None:
    snapshot = mesh(with_pod(item, strict()), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0117"]


def test_a_direct_probe_that_is_answered_badly_is_not_reset() -> None:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    snapshot = mesh(with_pod(unready(DIRECT), event(said), strict()), proxies=[CALLER])
    assert [code for code, _, _ in named(ANALYZER, snapshot)] == ["MD0117"]


def test_a_readiness_gate_is_named() -> None:
    item = unready(ready=True)
    item["status"]["conditions"][0] |= {"reason": "ReadinessGatesNotReady", "message": "gate lb"}
    (found,) = problems(ANALYZER, mesh(with_pod(item), proxies=[CALLER]))
    assert (found.code, "gate lb" in found.message) == ("MD0117", True)


def test_without_pods_nothing_is_said() -> None:
    assert list(ANALYZER.analyze(mesh(with_pod(unready()), proxies=[CALLER], unread=[POD]))) == []
