from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.pod_security import ANALYZER, ENFORCE
from meshdoctor.model.kinds import NAMESPACE
from tests.build import mesh, pod
from tests.unit.analyze.workload_build import (
    FORBIDDEN,
    MUST_SPECIFY,
    OWN_FAULT,
    market,
    named,
    passed,
    problems,
    refused,
    states,
)

SUBJECT = "workload Deployment market/till-v2"


def enforcing(level: str | None) -> dict[str, Any]:
    item = market()
    if level:
        item["metadata"]["labels"][ENFORCE] = level
    return item


def test_a_refusal_that_names_istio_init_is_the_namespaces_doing() -> None:
    snapshot = mesh([enforcing("restricted"), *refused(FORBIDDEN)])
    assert named(ANALYZER, snapshot) == [("MD0320", SUBJECT, "Namespace market", True)]
    (found,) = problems(ANALYZER, snapshot)
    assert set(states(found).values()) == {"holds"}
    assert found.objects == ("Namespace market", "Deployment market/till-v2")
    assert found.fills["undo"].endswith(f"{ENFORCE}=restricted --overwrite")


@pytest.mark.parametrize(
    ("objects", "unread", "state"),
    [
        ([enforcing(None)], [], "silent"),
        ([enforcing("restricted")], [NAMESPACE], "unread"),
    ],
    ids=["the cluster's default", "namespaces unread"],
)
def test_without_the_label_it_is_not_proven(
    objects: list[dict[str, Any]], unread: list[Any], state: str
) -> None:
    (found,) = problems(ANALYZER, mesh([*objects, *refused(FORBIDDEN)], unread=unread))
    assert found.root
    assert states(found)["namespace-enforces-pod-security"] == state


def test_a_level_that_was_lowered_since_names_no_cause() -> None:
    snapshot = mesh([enforcing("privileged"), *refused(FORBIDDEN)])
    assert named(ANALYZER, snapshot) == [("MD0320", SUBJECT, "Namespace market", False)]


@pytest.mark.parametrize("text", [OWN_FAULT, MUST_SPECIFY], ids=["the application", "a quota"])
def test_a_refusal_for_another_reason_rules_it_out(text: str) -> None:
    snapshot = mesh([enforcing("baseline"), *refused(text)])
    assert named(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0320", SUBJECT)}


def older_pod(*init: str) -> dict[str, Any]:
    item = pod("till-v2-abc-y", "market", owner="till-v2")
    item["spec"]["initContainers"] += [{"name": name} for name in init]
    return item


def test_pods_older_than_the_label_are_a_note() -> None:
    snapshot = mesh([enforcing("baseline"), older_pod("istio-init")])
    assert named(ANALYZER, snapshot) == [("MD0320", "namespace market", "Namespace market", False)]


@pytest.mark.parametrize(
    "objects",
    [
        [enforcing("privileged"), older_pod("istio-init")],
        [enforcing(None), older_pod("istio-init")],
        [enforcing("restricted"), older_pod("istio-validation")],
    ],
    ids=["privileged", "no label", "with istio-cni"],
)
def test_pods_that_may_be_made_anew_are_no_note(objects: list[dict[str, Any]]) -> None:
    assert named(ANALYZER, mesh(objects)) == []
