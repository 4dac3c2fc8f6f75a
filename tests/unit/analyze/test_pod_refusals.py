from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.pod_refusals import refusals
from meshdoctor.model.kinds import EVENT, JOB, REPLICA_SET
from tests.build import mesh
from tests.unit.analyze.workload_build import MUST_SPECIFY, NO_ANSWER, event, refused

TILL = "Deployment market/till-v2"


def said(*objects: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return [(item.workload, item.text) for item in refusals(mesh(objects, **more))]


def controller(kind: str, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": "till", "namespace": "market"},
        "spec": spec,
        "status": status,
    }


def scheduled(count: int) -> dict[str, Any]:
    return {"desiredNumberScheduled": 3, "currentNumberScheduled": count}


def test_a_condition_tells_it_without_any_event() -> None:
    assert said(*refused(MUST_SPECIFY)) == [(TILL, MUST_SPECIFY)]


def test_the_deployment_tells_it_where_replica_sets_are_unread() -> None:
    assert said(*refused(MUST_SPECIFY), unread=[REPLICA_SET]) == [(TILL, MUST_SPECIFY)]


def test_an_event_alone_tells_it() -> None:
    told = event("ReplicaSet", "till-v2-abc", f"Error creating: {MUST_SPECIFY}")
    assert said(*refused(None), told) == [(TILL, f"Error creating: {MUST_SPECIFY}")]


def test_a_newer_event_is_believed_before_the_condition_that_keeps_the_first_text() -> None:
    told = event("ReplicaSet", "till-v2-abc", f"Error creating: {NO_ANSWER}")
    assert said(*refused(MUST_SPECIFY), told) == [(TILL, f"Error creating: {NO_ANSWER}")]


@pytest.mark.parametrize(
    ("has", "at"),
    [(1, "2026-11-21T07:59:30Z"), (0, "2026-11-21T07:10:00Z")],
    ids=["it has its pods by now", "long ago"],
)
def test_an_event_of_a_mended_fault_says_nothing(has: int, at: str) -> None:
    told = event("ReplicaSet", "till-v2-abc", MUST_SPECIFY, at=at)
    assert said(*refused(None, has=has), told) == []


def test_an_event_of_a_replica_set_that_is_gone_says_nothing() -> None:
    assert said(event("ReplicaSet", "till-v1-old", MUST_SPECIFY)) == []


def test_another_event_is_no_refusal() -> None:
    told = event("ReplicaSet", "till-v2-abc", MUST_SPECIFY, reason="SuccessfulCreate")
    assert said(*refused(None), told) == []


@pytest.mark.parametrize(
    ("item", "lacks"),
    [
        (controller("StatefulSet", {"replicas": 1}, replicas=2), True),
        (controller("StatefulSet", {"replicas": 2}, replicas=2), False),
        (controller("DaemonSet", {"desiredNumberScheduled": 3, "currentNumberScheduled": 2}), True),
        (
            controller("DaemonSet", {"desiredNumberScheduled": 3, "currentNumberScheduled": 3}),
            False,
        ),
        (controller("Job", {}), True),
        (controller("Job", {"active": 1}), False),
        (controller("Job", {"succeeded": 1}), False),
        (controller("Job", {"conditions": [{"type": "Failed", "status": "True"}]}), False),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else str(value),
)
def test_every_controller_counts_while_it_lacks_pods(item: dict[str, Any], lacks: bool) -> None:
    told = event(item["kind"], "till", MUST_SPECIFY)
    expected = [(f"{item['kind']} market/till", MUST_SPECIFY)] if lacks else []
    assert said(item, told) == expected


def test_a_job_that_could_not_be_read_may_still_lack_its_pod() -> None:
    assert said(event("Job", "till", MUST_SPECIFY), unread=[JOB]) == [
        ("Job market/till", MUST_SPECIFY)
    ]


def test_an_event_of_the_newer_api_is_read_as_well() -> None:
    told = event("ReplicaSet", "till-v2-abc", MUST_SPECIFY)
    told["note"], told["regarding"] = told.pop("message"), told.pop("involvedObject")
    told["series"] = {"lastObservedTime": told.pop("lastTimestamp"), "count": 3}
    assert said(*refused(None), told) == [(TILL, MUST_SPECIFY)]


def test_without_events_conditions_still_tell_it() -> None:
    assert said(*refused(MUST_SPECIFY), unread=[EVENT]) == [(TILL, MUST_SPECIFY)]
