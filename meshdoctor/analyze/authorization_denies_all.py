"""Workloads whose ALLOW policies have no rules: nothing matches, so nobody gets in.

A policy without rules is the usual way to shut a namespace by default; beside another one that
allows something it is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_denials import Denial, Reason, policies_at_all
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_words import (
    affected,
    callers_text,
    denied_fact,
    everyone,
    fills,
    save_and_delete,
    unlogged_fact,
)
from meshdoctor.analyze.base import holds
from meshdoctor.intent.authorization import rules_of
from meshdoctor.model.finding import Fact, Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.finding import Affected
    from meshdoctor.model.snapshot import Snapshot

DENIES_ALL = "MD0700"


def _finding(
    mesh: Snapshot, item: Governed, log: Fact, who: str, suffer: tuple[Affected, ...]
) -> Finding:
    # The narrowest is the one that a person edits: the root namespace's comes first.
    policies = tuple(reversed(policies_at_all(item)))
    first = policies[0]
    text = (
        f"{first} has action ALLOW and no rules, and no other ALLOW policy governs "
        f"{item.workload}: no call can match"
    )
    away, back = save_and_delete(first)
    return Finding(
        code=DENIES_ALL,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"{first} lets nobody call {item.workload}",
        resource=str(first),
        objects=tuple(map(str, policies)),
        facts=(holds("policy-has-no-rules", text, *(p.evidence("spec") for p in policies)), log),
        affected=suffer,
        fills={
            **fills(mesh, item, first, suffer[0].to),
            "who": who,
            "remove": away,
            "restore": back,
        },
    )


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    who = callers_text(mesh, found)
    return _finding(mesh, item, denied_fact(found), who, affected(mesh, found))


def _denies_all(item: Governed) -> bool:
    policies = policies_at_all(item)
    return bool(policies) and not any(rules_of(policy) for policy in policies)


def _configured(mesh: Snapshot, item: Governed) -> Finding | None:
    if not _denies_all(item):
        return None
    suffer = everyone(mesh, item)
    if not suffer[0].to:
        return None
    return _finding(mesh, item, unlogged_fact(mesh, item), "everyone who calls it", suffer)


def _possible(item: Governed) -> bool:
    return _denies_all(item)


QUESTION = Question(
    DENIES_ALL,
    Reason.NO_RULES,
    _refused,
    _configured,
    _possible,
    "no call was turned away for want of any rule",
)


@dataclass(frozen=True, slots=True)
class _DeniesAll:
    name: str = "authorization-denies-all"
    description: str = "No workload that others call is shut by ALLOW policies without rules."
    inputs: tuple[str, ...] = INPUTS
    codes: tuple[str, ...] = (DENIES_ALL,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _DeniesAll()
