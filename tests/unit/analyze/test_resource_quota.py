from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.resource_quota import ANALYZER
from meshdoctor.model.kinds import LIMIT_RANGE, RESOURCE_QUOTA
from meshdoctor.model.quantity import quantity, quantity_text
from tests.build import mesh
from tests.unit.analyze.workload_build import (
    FORBIDDEN,
    MUST_SPECIFY,
    TOO_BIG,
    USED_UP,
    event,
    market,
    named,
    passed,
    problems,
    quota,
    refused,
    states,
)

SUBJECT = "workload Deployment market/till-v2"
TIGHT = "ResourceQuota market/tight"


def limits(**edges: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "bounds", "namespace": "market"},
        "spec": {"limits": [{"type": "Pod"}, {"type": "Container", **edges}]},
    }


@pytest.mark.parametrize("text", [MUST_SPECIFY, USED_UP], ids=["must specify", "used up"])
def test_a_quota_that_refuses_is_at_fault(text: str) -> None:
    snapshot = mesh([market(), quota(used="8"), *refused(text)])
    assert named(ANALYZER, snapshot) == [("MD0321", SUBJECT, TIGHT, True)]
    (found,) = problems(ANALYZER, snapshot)
    assert set(states(found).values()) == {"holds"}


def test_what_is_used_up_tells_how_much_would_do() -> None:
    (found,) = problems(ANALYZER, mesh([market(), quota(used="8"), *refused(USED_UP)]))
    assert '"limits.cpu": "10500m"' in found.fills["raise_command"]
    assert '"limits.cpu": "9"' in found.fills["raise_undo"]
    assert "sidecar.istio.io/proxyCPULimit" in found.fills["mend_command"]


def test_who_must_name_something_is_given_the_command_to_do_so() -> None:
    (found,) = problems(ANALYZER, mesh([market(), quota(), *refused(MUST_SPECIFY)]))
    assert found.fills["mend_command"] == (
        "kubectl set resources deployment/till-v2 -n market -c app --limits=cpu=500m"
    )
    assert found.fills["raise_do"].startswith("And")


def test_an_unread_quota_is_known_by_the_refusal() -> None:
    (found,) = problems(ANALYZER, mesh(refused(USED_UP), unread=[RESOURCE_QUOTA]))
    assert (found.objects[0], found.root) == (TIGHT, True)
    assert states(found)["quota-stands"] == "unread"


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([], MUST_SPECIFY),
        ([quota(resource="pods")], MUST_SPECIFY),
        ([quota(hard="20", used="8")], USED_UP),
    ],
    ids=["gone", "counts something else now", "has room now"],
)
def test_a_quota_that_was_mended_since_names_no_cause(
    objects: list[dict[str, Any]], text: str
) -> None:
    assert named(ANALYZER, mesh([*objects, *refused(text)])) == [("MD0321", SUBJECT, TIGHT, False)]


def test_another_quota_that_refuses_the_same_stands_for_one_that_is_gone() -> None:
    item = quota()
    item["metadata"]["name"] = "newer"
    snapshot = mesh([item, *refused(MUST_SPECIFY)])
    assert named(ANALYZER, snapshot) == [("MD0321", SUBJECT, "ResourceQuota market/newer", True)]


def test_a_limit_range_is_found_by_its_bound() -> None:
    snapshot = mesh([limits(max={"cpu": "1000m"}), *refused(TOO_BIG)])
    assert named(ANALYZER, snapshot) == [("MD0321", SUBJECT, "LimitRange market/bounds", True)]
    (found,) = problems(ANALYZER, snapshot)
    assert '"value": "2"' in found.fills["raise_command"]
    assert '"value": "1000m"' in found.fills["raise_undo"]


def test_without_limit_ranges_the_workload_stands_for_it() -> None:
    (found,) = problems(ANALYZER, mesh(refused(TOO_BIG), unread=[LIMIT_RANGE]))
    assert (found.objects, found.root) == (("Deployment market/till-v2",), True)


def test_a_bound_that_was_moved_since_names_no_cause() -> None:
    (found,) = problems(ANALYZER, mesh([limits(max={"cpu": "4"}), *refused(TOO_BIG)]))
    assert not found.root


def test_a_refusal_for_another_reason_rules_it_out() -> None:
    snapshot = mesh([quota(), *refused(FORBIDDEN)])
    assert named(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0321", SUBJECT)}


def test_a_quota_that_refuses_nobody_is_in_order() -> None:
    assert named(ANALYZER, mesh([quota(used="9"), *refused(None, has=1)])) == []


def test_a_daemon_set_gets_a_default_where_the_sidecar_is_the_one_without() -> None:
    agents = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agents", "namespace": "market"},
        "status": {"desiredNumberScheduled": 2},
    }
    text = "Error creating: failed quota: tight: must specify limits.memory for: istio-init"
    told = event("DaemonSet", "agents", text)
    (found,) = problems(ANALYZER, mesh([agents, quota(resource="limits.memory"), told]))
    assert found.subject == "workload DaemonSet market/agents"
    assert '"default": {"memory": "256Mi"}' in found.fills["mend_command"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), ("2", 2.0), ("1Gi", 2.0**30), ("1e3", 1000.0), (3, 3.0), ("x", None)],
)
def test_quantities_are_read_as_kubernetes_writes_them(text: object, value: float | None) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize(("value", "text"), [(10.5, "10500m"), (9.0, "9"), (2.0**31, "2Gi")])
def test_quantities_are_written_short(value: float, text: str) -> None:
    assert quantity_text(value) == text
