"""A cause is ruled out while all that was looked at for it is in order, and shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshdoctor.diagnose.library import playbooks
from meshdoctor.diagnose.ruling_out import ruled_out
from meshdoctor.diagnose.walker import FindingIndex
from meshdoctor.model.diagnosis import RuledOut, Walk
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Fact, FactState, Finding, Outcome

_PLAYBOOK = next(item for item in playbooks() if item.id == "503")
_CODE, _CAUSE = next(
    (outcome.when, outcome.cause)
    for step in _PLAYBOOK.steps
    for outcome in step.outcomes
    if outcome.cause
)


def _evidence(value: str) -> Evidence:
    return Evidence("kubernetes/core/v1/pods.json", value, "kubectl get pods", f"/items/0/{value}")


def _fine(subject: str, value: str = "True") -> Finding:
    fact = Fact("is-so", FactState.HOLDS, value, (_evidence(value),))
    return Finding(_CODE, subject, Outcome.PASS, f"{value} is so", subject, facts=(fact,))


def _out(*findings: Finding, found: frozenset[str] = frozenset()) -> list[RuledOut]:
    walks = [Walk(_PLAYBOOK.id, subject, (), None) for subject in ("one", "two")]
    return [i for i in ruled_out(FindingIndex(findings), walks, found) if i.id == _CAUSE]


def test_all_that_was_looked_at_is_shown() -> None:
    (ruled,) = _out(_fine("one", "first"), _fine("two", "second"))
    assert ruled.because == "first is so; second is so"
    assert [item.excerpt for item in ruled.evidence] == ["first", "second"]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.WARN, Outcome.FAIL])
def test_one_subject_that_is_not_in_order_is_enough_to_rule_nothing_out(outcome: Outcome) -> None:
    assert not _out(_fine("one"), replace(_fine("two"), outcome=outcome))


def test_nothing_is_ruled_out_without_anything_to_show() -> None:
    assert not _out(replace(_fine("one"), facts=()))


def test_a_root_cause_is_not_ruled_out() -> None:
    assert _CAUSE is not None
    assert not _out(_fine("one"), found=frozenset({_CAUSE}))


def test_what_another_subject_says_does_not_count() -> None:
    assert not _out(_fine("three"))
