from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.job_completion import ANALYZER
from meshdoctor.model.kinds import JOB
from tests.build import mesh, pod
from tests.unit.analyze.workload_build import ended, market, named, passed, problems

REPORT = "Job market/report"
SUBJECT = f"workload {REPORT}"


def job(name: str = "report", *, cron_job: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "market"}
    if cron_job:
        metadata["ownerReferences"] = [{"kind": "CronJob", "name": cron_job, "controller": True}]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}}


def job_pod(
    state: dict[str, Any], *, name: str = "report", kind: str = "Job", proxy: str = "classic"
) -> dict[str, Any]:
    item = pod(f"{name}-x7k2p", "market", proxy=proxy, restartPolicy="Never")
    owner = {"kind": kind, "name": name, "controller": True}
    item["metadata"]["ownerReferences"] = [owner]
    item["status"]["containerStatuses"][0] |= {"state": state, "ready": False}
    return item


@pytest.mark.parametrize("code", [0, 2], ids=["done", "failed"])
def test_a_classic_sidecar_that_outlives_the_work_is_at_fault(code: int) -> None:
    snapshot = mesh([market(), job(), job_pod(ended(code))])
    assert named(ANALYZER, snapshot) == [("MD0332", SUBJECT, REPORT, True)]


def test_the_cron_job_that_made_it_is_to_be_changed() -> None:
    (found,) = problems(ANALYZER, mesh([market(), job(cron_job="nightly"), job_pod(ended(0))]))
    assert found.objects == ("CronJob market/nightly", REPORT)
    assert found.fills["command"].startswith("kubectl patch cronjob nightly -n market")


def test_where_jobs_are_unread_the_name_tells_the_cron_job() -> None:
    item = job_pod(ended(0), name="nightly-29394720")
    (found,) = problems(ANALYZER, mesh([market(), item], unread=[JOB]))
    assert found.objects == ("CronJob market/nightly", "Job market/nightly-29394720")


def test_a_bare_pod_that_is_meant_to_end_counts_too() -> None:
    item = job_pod(ended(0))
    del item["metadata"]["ownerReferences"]
    (found,) = problems(ANALYZER, mesh([market(), item]))
    assert found.objects == ("Pod market/report-x7k2p",)


@pytest.mark.parametrize(
    "item",
    [
        job_pod(ended(0), proxy="native"),
        job_pod({"running": {"startedAt": "2026-11-21T07:00:00Z"}}),
        job_pod(ended(0, at="2026-11-21T07:59:55Z")),
        job_pod(ended(0)) | {"status": {**job_pod(ended(0))["status"], "phase": "Succeeded"}},
        job_pod(ended(1), kind="ReplicaSet"),
    ],
    ids=["native", "at work", "a moment ago", "completed", "of a Deployment"],
)
def test_a_job_that_completes_or_works_is_in_order(item: dict[str, Any]) -> None:
    assert named(ANALYZER, mesh([market(), job(), item])) == []


def test_a_container_that_is_to_be_tried_again_has_not_ended() -> None:
    item = job_pod(ended(1))
    item["spec"]["restartPolicy"] = "OnFailure"
    assert named(ANALYZER, mesh([market(), job(), item])) == []


def test_a_native_sidecar_rules_it_out() -> None:
    snapshot = mesh([market(), job(), job_pod(ended(0), proxy="native")])
    assert passed(ANALYZER, snapshot) == {("MD0332", SUBJECT)}
