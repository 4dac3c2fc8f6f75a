"""DENY rules that turn calls away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_denials import Denial, Reason
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_words import (
    affected,
    callers_text,
    denied_fact,
    everyone,
    fills,
    save_and_delete,
    save_and_edit,
    unlogged_fact,
)
from meshdoctor.analyze.base import holds
from meshdoctor.intent.authorization import action_of, matches_everything, rules_of
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.finding import Affected
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

DENY_MATCHES = "MD0703"


def _finding(
    mesh: Snapshot,
    item: Governed,
    at: tuple[Resource, int],
    log: Fact,
    who: str,
    suffer: tuple[Affected, ...],
    *,
    root: bool = True,
) -> Finding:
    policy, rule = at
    text = f"Rule {rule} of {policy} (action DENY) matches the calls of {who} to {item.workload}"
    away, back = save_and_delete(policy)
    edit, undo = save_and_edit(policy)
    return Finding(
        code=DENY_MATCHES,
        subject=item.subject,
        outcome=Outcome.FAIL if root else Outcome.WARN,
        message=f"{policy} denies {who} to call {item.workload}, by its rule {rule}",
        resource=str(policy),
        objects=(str(policy),),
        facts=(holds("deny-rule-matches", text, policy.evidence("spec", "rules", rule)), log),
        affected=suffer,
        severity=None if root else Severity.INFO,
        root=root,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "who": who,
            "rule": str(rule),
            "edit": edit,
            "undo_edit": undo,
            "remove": away,
            "restore": back,
        },
    )


def _is_probing(mesh: Snapshot, found: Sequence[Denial]) -> bool:
    """Whether only strangers at a gateway are turned away: what a DENY rule there is for."""
    return all(d.client is None and is_gateway(d.pod) for d in found) and all(
        any(key in _rule(d) for key in ("from", "to", "when")) for d in found
    )


def _rule(denial: Denial) -> dict[str, object]:
    assert denial.decision.policy is not None
    rule = denial.decision.policy.get("spec", "rules", denial.decision.rule or 0)
    return rule if isinstance(rule, dict) else {}


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    newest = max(found, key=lambda denial: denial.calls[-1].time)
    policy, rule = newest.decision.policy, newest.decision.rule
    assert policy is not None
    same = [denial for denial in found if denial.decision.policy == policy]
    return _finding(
        mesh,
        item,
        (policy, rule or 0),
        denied_fact(same),
        callers_text(mesh, same),
        affected(mesh, same),
        root=not _is_probing(mesh, found),
    )


def _denying(item: Governed) -> tuple[Resource, ...]:
    return tuple(policy for policy in item.policies if action_of(policy) == "DENY")


def _configured(mesh: Snapshot, item: Governed) -> Finding | None:
    suffer = everyone(mesh, item)
    if not suffer[0].to:
        return None
    for policy in _denying(item):
        for index, rule in enumerate(rules_of(policy)):
            if matches_everything(rule):
                log = unlogged_fact(mesh, item)
                return _finding(mesh, item, (policy, index), log, "everyone", suffer)
    return None


QUESTION = Question(
    DENY_MATCHES,
    Reason.DENY,
    _refused,
    _configured,
    lambda item: bool(_denying(item)),
    "no DENY rule turned a call away in the last minutes",
)


@dataclass(frozen=True, slots=True)
class _DenyMatches:
    name: str = "authorization-deny"
    description: str = "No DENY rule turns away what others call."
    inputs: tuple[str, ...] = INPUTS
    codes: tuple[str, ...] = (DENY_MATCHES,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _DenyMatches()
