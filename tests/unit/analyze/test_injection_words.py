"""Every cause of a missing sidecar can be told: its templates find their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze import (
    injection_labels,
    injection_pods,
    injection_restart,
    injection_revision,
    injection_webhook,
)
from meshdoctor.diagnose.explain import STANDARD_FILLS, placeholders
from meshdoctor.diagnose.library import causes, playbooks
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    REV,
    app,
    control_plane,
    every,
    injector,
    injector_values,
    labelled,
)

if TYPE_CHECKING:
    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.diagnose.library import Cause

ENABLED = labelled("shop", {INJECTION: "enabled"})
BASE = [*control_plane(), injector(), injector_values()]
SITUATIONS: dict[str, tuple[Analyzer, list[dict[str, Any]]]] = {
    "namespace-not-labelled-for-injection": (
        injection_labels.ANALYZER,
        every(BASE, [labelled("shop")], app("ratings"), app("web", proxy="native")),
    ),
    "injection-labels-conflict": (
        injection_labels.ANALYZER,
        every(BASE, [labelled("shop", {INJECTION: "off", REV: "default"})], app("ratings")),
    ),
    "revision-has-no-control-plane": (
        injection_revision.ANALYZER,
        every(BASE, [labelled("shop", {REV: "canary"})], app("ratings")),
    ),
    "injection-webhook-missing": (
        injection_webhook.ANALYZER,
        every(control_plane(), [ENABLED], app("ratings")),
    ),
    "pod-opted-out-of-injection": (
        injection_pods.ANALYZER,
        every(BASE, [ENABLED], app("ratings", pod_labels={INJECT: "false"})),
    ),
    "host-network-pod-not-injected": (
        injection_pods.ANALYZER,
        every(BASE, [ENABLED], app("ratings", hostNetwork=True)),
    ),
    "pods-not-restarted-after-labelling": (
        injection_restart.ANALYZER,
        every(BASE, [ENABLED], app("ratings")),
    ),
}


def templates(cause: Cause) -> list[str]:
    fixes = [text for fix in cause.fix for text in (fix.do, fix.command, fix.changes, fix.undo)]
    return [cause.title, cause.summary, *fixes, *cause.verify]


def code_of(cause: str) -> str:
    return next(
        outcome.when
        for playbook in playbooks()
        for step in playbook.steps
        for outcome in step.outcomes
        if outcome.cause == cause
    )


@pytest.mark.parametrize("cause", sorted(SITUATIONS))
def test_the_finding_fills_every_word_and_carries_every_fact(cause: str) -> None:
    analyzer, objects = SITUATIONS[cause]
    code = code_of(cause)
    finding = next(
        item
        for item in analyzer.analyze(mesh(objects))
        if item.code == code and item.outcome.value == "fail"
    )
    wanted = frozenset[str]().union(*map(placeholders, templates(causes()[cause])))
    assert wanted - finding.fills.keys() - set(STANDARD_FILLS) == frozenset()
    held = {fact.id for fact in finding.facts if fact.state.value == "holds"}
    assert held.issuperset(causes()[cause].asks_for)
    assert finding.objects[0].partition(" ")[0] in causes()[cause].object_kinds


@pytest.mark.parametrize("cause", sorted(SITUATIONS))
def test_every_fact_that_holds_points_at_something(cause: str) -> None:
    analyzer, objects = SITUATIONS[cause]
    code = code_of(cause)
    bare = [
        fact.id
        for finding in analyzer.analyze(mesh(objects))
        if finding.code == code
        for fact in finding.facts
        if fact.state.value == "holds" and not fact.evidence
    ]
    # What is absent from an empty list has no place to point at.
    assert bare == (["webhook-absent"] if cause == "injection-webhook-missing" else [])
