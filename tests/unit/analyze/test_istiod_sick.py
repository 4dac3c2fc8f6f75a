from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze import istiod_memory, istiod_pushes, istiod_restarts
from meshdoctor.analyze.control_plane import ANALYZER as CONTROL_PLANE
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.istiod import Istiod
from meshdoctor.model.kinds import POD
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.istiod_metrics import parse_istiod_metrics
from tests.build import istio_object, mesh, namespace
from tests.unit.analyze.control_plane_build import (
    ago,
    found,
    injected,
    istiod_deployment,
    istiod_log,
    istiod_pod,
    knowing,
    one,
    sync,
)

BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}
ISTIOD = ("Deployment istio-system/istiod",)


def ended(reason: str, *, minutes: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "terminated": {"reason": reason, "exitCode": 1, "finishedAt": ago(minutes=minutes)} | more
    }


def limited(pod: dict[str, Any], limit: str | None = "256Mi") -> dict[str, Any]:
    if limit:
        pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": limit}}
    return pod


def running(*pods: dict[str, Any], istiods: tuple[Istiod, ...] = (), **how: Any) -> Snapshot:
    standing = [namespace("shop", istio_injection="enabled"), istiod_deployment(), injected("web")]
    return mesh([*standing, *pods], istiods=istiods, **how)


class TestMemory:
    KILLED = ended("OOMKilled")

    def killed(self, *, ready: bool = False, limit: str | None = "256Mi", **how: Any) -> Snapshot:
        state = None if ready else BACK_OFF
        last = how.pop("last", self.KILLED)
        pod = istiod_pod(ready=ready, state=state, last=last, restarts=how.pop("restarts", 4))
        return running(limited(pod, limit), **how)

    def test_one_that_is_killed_over_and_over(self) -> None:
        seen = self.killed()
        assert found(istiod_memory.ANALYZER, seen, Outcome.FAIL) == [("MD0440", "mesh", ISTIOD)]
        finding = one(istiod_memory.ANALYZER.analyze(seen), "MD0440", Outcome.FAIL)
        assert {fact.state for fact in finding.facts[:2]} == {FactState.HOLDS}
        assert [item.source for item in finding.affected] == ["Deployment shop/web"]
        assert "--limits=memory=512Mi" in finding.fills["mend_command"]
        assert "--limits=memory=256Mi" in finding.fills["mend_undo"]

    def test_one_that_is_up_between_two_kills_is_no_better(self) -> None:
        seen = self.killed(ready=True)
        assert found(istiod_memory.ANALYZER, seen, Outcome.FAIL) == [("MD0440", "mesh", ISTIOD)]

    def test_a_limit_too_small_to_start_counts_too(self) -> None:
        message = "container init was OOM-killed (memory limit too low?)"
        seen = self.killed(last=ended("StartError", message=message))
        assert found(istiod_memory.ANALYZER, seen, Outcome.FAIL) == [("MD0440", "mesh", ISTIOD)]

    def test_without_a_limit_it_is_the_nodes_memory(self) -> None:
        seen = self.killed(limit=None)
        finding = one(istiod_memory.ANALYZER.analyze(seen), "MD0440", Outcome.FAIL)
        limit = next(fact for fact in finding.facts if fact.id == "istiod-memory-limit")
        assert limit.state is FactState.SILENT

    def test_one_kill_of_long_ago_is_a_note(self) -> None:
        seen = self.killed(ready=True, last=ended("OOMKilled", minutes=90), restarts=1)
        assert found(istiod_memory.ANALYZER, seen, Outcome.FAIL) == []
        assert one(istiod_memory.ANALYZER.analyze(seen), "MD0440", Outcome.WARN).root is False

    def test_another_end_is_not_memory(self) -> None:
        seen = self.killed(last=ended("Error"))
        assert found(istiod_memory.ANALYZER, seen, Outcome.FAIL, Outcome.WARN) == []
        assert one(istiod_memory.ANALYZER.analyze(seen), "MD0440", Outcome.PASS).evidence

    def test_without_pods_it_is_not_known(self) -> None:
        seen = running(unread=[POD])
        unknown = one(istiod_memory.ANALYZER.analyze(seen), "MD0440", Outcome.UNKNOWN)
        assert unknown.needs == (POD.input,)

    def test_proxies_without_an_istiod_meanwhile_are_its_consequence(self) -> None:
        assert one(CONTROL_PLANE.analyze(self.killed()), "MD0402", Outcome.WARN).root is False


class TestRestarts:
    def test_one_that_ends_again_and_again_says_why(self) -> None:
        pod = istiod_pod(ready=False, state=BACK_OFF, last=ended("Error"), restarts=5)
        line = f"{ago(minutes=1)}\terror\tfailed to create discovery service: no CA key"
        seen = running(pod, istiods=(knowing(log=istiod_log(line)),))
        warned = one(istiod_restarts.ANALYZER.analyze(seen), "MD0441", Outcome.WARN)
        assert warned.root is False
        assert "5 times" in warned.message
        assert any("no CA key" in fact.text for fact in warned.facts)

    @pytest.mark.parametrize(
        ("restarts", "minutes"),
        [pytest.param(1, 1, id="only once"), pytest.param(5, 300, id="long ago")],
    )
    def test_one_that_runs_on_is_well(self, restarts: int, minutes: int) -> None:
        pod = istiod_pod(last=ended("Error", minutes=minutes), restarts=restarts)
        assert list(istiod_restarts.ANALYZER.analyze(running(pod))) == []

    def test_memory_is_another_matter(self) -> None:
        pod = istiod_pod(ready=False, state=BACK_OFF, last=ended("OOMKilled"), restarts=5)
        assert list(istiod_restarts.ANALYZER.analyze(running(pod))) == []


def metrics(**counts: int) -> bytes:
    """Buckets of the convergence time: ``le_10=5`` for five of at most ten seconds."""
    names = {key.removeprefix("le_"): count for key, count in counts.items()}
    rows = [
        f'pilot_proxy_convergence_time_bucket{{le="{key.replace("inf", "+Inf")}"}} {count}'
        for key, count in names.items()
    ]
    return "\n".join(["# TYPE x histogram", *rows, "garbled{", 'a_bucket{le="x"} y']).encode()


class TestPushes:
    def seen(self, *objects: dict[str, Any], **parts: Any) -> Snapshot:
        return running(istiod_pod(), *objects, istiods=(knowing(sync("web.shop"), **parts),))

    def warned(self, seen: Snapshot) -> list[str]:
        return [item.message for item in istiod_pushes.ANALYZER.analyze(seen)]

    def test_many_slow_pushes(self) -> None:
        read = parse_istiod_metrics(metrics(le_1=60, le_10=80, le_30=95, le_inf=100))
        (message,) = self.warned(self.seen(metrics=read))
        assert message.startswith("20 of the 100 pushes")
        assert "no Sidecar object" in message

    def test_a_sidecar_that_is_there_is_not_asked_for(self) -> None:
        read = parse_istiod_metrics(metrics(le_1=60, le_10=80, le_inf=100))
        (message,) = self.warned(self.seen(istio_object("Sidecar", "default"), metrics=read))
        assert "Sidecar" not in message

    @pytest.mark.parametrize(
        "counts",
        [
            pytest.param({"le_1": 90, "le_10": 99, "le_inf": 100}, id="a few slow ones"),
            pytest.param({"le_1": 1, "le_10": 2, "le_inf": 10}, id="few pushes at all"),
            pytest.param({}, id="no such metric"),
        ],
    )
    def test_what_says_nothing(self, counts: dict[str, int]) -> None:
        assert self.warned(self.seen(metrics=parse_istiod_metrics(metrics(**counts)))) == []

    def test_evidence_is_the_line_of_the_metric(self) -> None:
        data = metrics(le_1=60, le_10=80, le_inf=100)
        (finding,) = istiod_pushes.ANALYZER.analyze(self.seen(metrics=parse_istiod_metrics(data)))
        rows = data.decode().split("\n")
        assert finding.evidence
        assert all(item.line and rows[item.line - 1] == item.excerpt for item in finding.evidence)

    def test_clients_that_are_busy_now(self) -> None:
        rows = [
            f"{ago(minutes=1)}\twarn\tads\tFailed to push, client busy web.shop-{n}" for n in "12"
        ]
        assert len(self.warned(self.seen(log=istiod_log(*rows)))) == 1

    def test_clients_that_were_busy_long_ago(self) -> None:
        rows = [
            f"{ago(hours=1)}\twarn\tads\tFailed to push, client busy web.shop-{n}" for n in "12"
        ]
        assert self.warned(self.seen(log=istiod_log(*rows))) == []
