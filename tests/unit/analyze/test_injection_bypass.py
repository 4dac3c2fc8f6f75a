from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.injection_restart import ANALYZER
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    app,
    control_plane,
    failing,
    injector,
    labelled,
    verdicts,
)

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot

TILL = "Deployment market/till"
FAULT = ("MD0308", "fail", f"workload {TILL}", TILL)
NOTE = ("MD0308", "warn note", f"workload {TILL}", TILL)
MADE = "2026-11-21T06:50:00Z"
"""While istiod, which is ready since 07:00:05, was away."""


def market(
    *objects: dict[str, Any], policy: str = "Ignore", labels: dict[str, str] | None = None
) -> Snapshot:
    webhook = injector(failurePolicy=policy)
    webhook["metadata"]["creationTimestamp"] = "2026-11-21T05:00:00Z"
    space = labelled("market", {INJECTION: "enabled"} if labels is None else labels)
    return mesh([*control_plane(), webhook, space, *objects])


def till(**more: Any) -> list[dict[str, Any]]:
    return app("till", "market", created=MADE, **more)


def neighbour(created: str, **more: Any) -> list[dict[str, Any]]:
    return app("stock", "market", proxy="native", created=created, **more)


def test_an_older_neighbour_with_a_sidecar_proves_that_the_call_failed() -> None:
    snapshot = market(*till(), *neighbour("2026-11-21T06:00:00Z"))
    assert verdicts(ANALYZER, snapshot) == {FAULT}
    (found,) = failing(ANALYZER, snapshot, "MD0308")
    assert {fact.state.value for fact in found.facts} == {"holds"}
    assert found.fills["restart"] == "kubectl rollout restart deployment/till -n market"


def test_an_earlier_pod_of_the_workload_proves_it_too() -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "market"},
        "involvedObject": {
            "kind": "Pod",
            "name": "till-bcd-x7k2p",
            "namespace": "market",
            "fieldPath": "spec.initContainers{istio-proxy}",
        },
    }
    assert verdicts(ANALYZER, market(*till(), event)) == {FAULT}


def test_a_pod_that_asks_by_itself_did_so_when_it_was_made() -> None:
    objects = till(pod_labels={INJECT: "true"})
    assert verdicts(ANALYZER, market(*objects, labels={})) == {FAULT}


@pytest.mark.parametrize(
    "others",
    [
        [],
        neighbour("2026-11-21T07:30:00Z"),
        neighbour("2026-11-21T06:00:00Z", pod_labels={INJECT: "true"}),
    ],
    ids=["alone", "a younger neighbour", "a neighbour that asks by itself"],
)
def test_where_the_label_may_be_younger_no_cause_is_named(others: list[dict[str, Any]]) -> None:
    assert verdicts(ANALYZER, market(*till(), *others)) == {NOTE}


def test_a_webhook_that_fails_closed_lets_nobody_through() -> None:
    snapshot = market(*till(), *neighbour("2026-11-21T06:00:00Z"), policy="Fail")
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0305", "fail", "namespace market", "Namespace market")
    }
