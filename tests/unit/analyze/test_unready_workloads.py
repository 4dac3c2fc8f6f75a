from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.container_exits import last_words
from meshdoctor.analyze.pod_states import why_not_ready
from meshdoctor.analyze.unready_workloads import ANALYZER
from meshdoctor.model.kinds import EVENT, PEER_AUTHENTICATION, POD
from meshdoctor.parse.container_log import read_container_log
from tests.build import istio_object, mesh, pod
from tests.unit.analyze.workload_build import (
    crashing,
    ended,
    event,
    market,
    named,
    passed,
    problems,
    states,
)

TILL = "Deployment market/till-v2"
SUBJECT = f"workload {TILL}"
CRASH = [("MD0330", SUBJECT, TILL, True)]
RESET = [("MD0331", SUBJECT, TILL, True)]
DIRECT = {"httpGet": {"path": "/health", "port": 8080}}
STRICT = istio_object("PeerAuthentication", "default", "market", mtls={"mode": "STRICT"})


def running(**probes: Any) -> list[dict[str, Any]]:
    """The workload with an application that runs and is not ready."""
    state = {"running": {"startedAt": "2026-11-21T07:50:00Z"}}
    objects = crashing(state=state, lastState={}, restartCount=0)
    objects[1]["spec"]["containers"][0].update(probes)
    return objects


def said(word: str, text: str = "read: connection reset by peer") -> dict[str, Any]:
    message = f'{word} probe failed: Get "http://10.244.0.10:8080/health": {text}'
    return event("Pod", "till-v2-abc-x", message, reason="Unhealthy")


class TestCrash:
    @pytest.mark.parametrize(
        ("status", "how"),
        [
            ({}, "exit code 3"),
            ({"lastState": ended(137, "OOMKilled")}, "OOMKilled"),
            ({"lastState": ended(137)}, "killed from outside"),
            ({"lastState": ended(0, "Completed")}, "exit code 0"),
            ({"state": ended(3), "lastState": {}, "restartCount": 1}, "exit code 3"),
        ],
    )
    def test_it_tells_how_the_container_ends(self, status: dict[str, Any], how: str) -> None:
        snapshot = mesh([market(), *crashing(**status)])
        assert named(ANALYZER, snapshot) == CRASH
        (found,) = problems(ANALYZER, snapshot)
        assert how in found.fills["how"]
        assert states(found) == {"container-restarts": "holds", "exit-is-told": "holds"}

    def test_a_classic_sidecar_makes_no_difference(self) -> None:
        assert named(ANALYZER, mesh([market(), *crashing(proxy="classic")])) == CRASH

    def test_an_older_pod_that_serves_on_is_told(self) -> None:
        older = pod("till-v2-abc-o", "market", owner="till-v2")
        (found,) = problems(ANALYZER, mesh([market(), *crashing(), older]))
        assert found.fills["served"] == "One other pod still serves"

    def test_an_init_container_of_its_own_counts(self) -> None:
        objects = crashing(state={"waiting": {"reason": "PodInitializing"}}, restartCount=0)
        objects[1]["status"]["containerStatuses"][0]["lastState"] = {}
        failing = {"name": "migrate", "ready": False, "restartCount": 4, "lastState": ended(1)}
        failing["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        objects[1]["status"]["initContainerStatuses"].append(failing)
        snapshot = mesh([market(), *objects])
        assert named(ANALYZER, snapshot) == CRASH
        assert "init container migrate" in problems(ANALYZER, snapshot)[0].message

    def test_the_containers_last_words_are_told(self) -> None:
        path = "logs/market/till-v2-abc-x/app.previous.log"
        log = read_container_log(b"starting\nno such table: tills\n\n", path)
        base = mesh([market(), *crashing()])
        snapshot = type(base).build(
            about=base.about,
            catalog=base.catalog,
            istiods=(),
            proxies=(),
            not_read=(),
            container_logs=[log],
        )
        (found,) = problems(ANALYZER, snapshot)
        assert "no such table: tills" in found.fills["said"]
        crash = why_not_ready(snapshot, snapshot.catalog.of(POD)[0]).crash
        assert crash is not None
        words = last_words(snapshot, crash)
        assert words is not None
        assert (words.source, words.line, words.excerpt) == (path, 2, "no such table: tills")

    def test_a_pod_that_is_ready_again_has_recovered(self) -> None:
        objects = crashing(state={"running": {}}, ready=True)
        objects[1]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        assert named(ANALYZER, mesh([market(), *objects])) == []

    def test_a_first_ending_may_be_the_last(self) -> None:
        objects = crashing(state=ended(0, "Completed"), lastState={}, restartCount=0)
        assert named(ANALYZER, mesh([market(), *objects])) == []

    def test_a_workload_outside_the_mesh_is_not_the_meshs_affair(self) -> None:
        assert named(ANALYZER, mesh([market(), *crashing(proxy=None)])) == []

    def test_the_pod_of_a_job_is_meant_to_end(self) -> None:
        objects = crashing()
        owner = {"kind": "Job", "name": "till", "controller": True}
        objects[1]["metadata"]["ownerReferences"] = [owner]
        assert named(ANALYZER, mesh([market(), *objects])) == []

    def test_an_application_that_runs_rules_it_out(self) -> None:
        snapshot = mesh([market(), *running()])
        assert passed(ANALYZER, snapshot) == {("MD0330", SUBJECT), ("MD0331", SUBJECT)}


class TestProbe:
    def test_a_direct_probe_under_strict_is_reset(self) -> None:
        objects = [*running(readinessProbe=DIRECT), STRICT, said("Readiness")]
        snapshot = mesh([market(), *objects])
        assert named(ANALYZER, snapshot) == RESET
        (found,) = problems(ANALYZER, snapshot)
        assert found.objects == (TILL, "PeerAuthentication market/default")
        assert set(states(found).values()) == {"holds"}

    @pytest.mark.parametrize(
        ("kind", "fact"),
        [(PEER_AUTHENTICATION, "server-takes-only-mtls"), (EVENT, "probe-is-reset")],
        ids=["policies", "events"],
    )
    def test_one_unread_source_makes_it_less_than_proven(self, kind: Any, fact: str) -> None:
        objects = [*running(readinessProbe=DIRECT), STRICT, said("Readiness")]
        (found,) = problems(ANALYZER, mesh([market(), *objects], unread=[kind]))
        assert (found.code, states(found)[fact]) == ("MD0331", "unread")

    @pytest.mark.parametrize("code", [137, 143, 0])
    def test_a_liveness_probe_that_is_reset_is_no_crash(self, code: int) -> None:
        objects = crashing(lastState=ended(code))
        objects[1]["spec"]["containers"][0]["livenessProbe"] = DIRECT
        snapshot = mesh([market(), *objects, STRICT, said("Liveness")])
        assert named(ANALYZER, snapshot) == RESET

    def test_a_container_that_ends_by_itself_crashes_whatever_its_probe_says(self) -> None:
        objects = crashing()
        objects[1]["spec"]["containers"][0]["livenessProbe"] = DIRECT
        assert named(ANALYZER, mesh([market(), *objects, STRICT])) == CRASH

    @pytest.mark.parametrize(
        "objects",
        [
            [*running(readinessProbe=DIRECT), said("Readiness")],
            [*running(readinessProbe={"tcpSocket": {"port": 8080}}), STRICT],
            [
                *running(
                    readinessProbe={"httpGet": {"path": "/app-health/app/readyz", "port": 15020}}
                ),
                STRICT,
            ],
            [
                *running(readinessProbe=DIRECT),
                STRICT,
                said("Readiness", "HTTP probe failed with statuscode: 500"),
            ],
        ],
        ids=["permissive", "tcp", "rewritten", "answered"],
    )
    def test_a_probe_that_fails_otherwise_is_not_reset(self, objects: list[dict[str, Any]]) -> None:
        assert named(ANALYZER, mesh([market(), *objects])) == []

    def test_a_port_that_a_policy_opens_is_not_reset(self) -> None:
        opened = istio_object(
            "PeerAuthentication",
            "till",
            "market",
            selector={"matchLabels": {"app": "till-v2"}},
            mtls={"mode": "STRICT"},
            portLevelMtls={"8080": {"mode": "PERMISSIVE"}},
        )
        objects = [*running(readinessProbe=DIRECT), opened, said("Readiness")]
        assert named(ANALYZER, mesh([market(), *objects])) == []


@pytest.mark.parametrize("name", ["istio-init", "istio-validation"])
def test_capture_that_cannot_be_set_up_is_told(name: str) -> None:
    objects = running()
    failing = {"name": name, "ready": False, "restartCount": 3, "lastState": ended(126)}
    failing["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    objects[1]["status"]["initContainerStatuses"].insert(0, failing)
    assert named(ANALYZER, mesh([market(), *objects])) == [("MD0334", SUBJECT, TILL, True)]
