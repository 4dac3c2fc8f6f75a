"""How the analyzers of refused calls go about it: log first, configuration where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_denials import (
    Denial,
    Reason,
    denials,
    policies_at_all,
    refused_by,
)
from meshdoctor.analyze.authorization_workloads import (
    Governed,
    governed,
    newest_call,
    recent_calls,
)
from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_LOG, holds
from meshdoctor.intent.authorization import rules_of
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, POD, REQUEST_AUTHENTICATION, SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.snapshot import Snapshot

_MOST_SHOWN = 2
INPUTS = (AUTHORIZATION_POLICY.input, POD.input, PROXY_LOG)


@dataclass(frozen=True, slots=True)
class Question:
    """What one analyzer asks of every governed workload."""

    code: str
    reason: Reason
    refused: Callable[[Snapshot, Governed, Sequence[Denial]], Finding]
    """The finding for calls that were turned away for this reason."""
    configured: Callable[[Snapshot, Governed], Finding | None]
    """The finding where configuration alone decides it; asked where a log is unread or off."""
    possible: Callable[[Governed], bool]
    """Whether without a log it cannot be ruled out."""
    good: str
    """What is so where nothing is wrong; said of a workload."""


def _unknown(question: Question, item: Governed, needs: tuple[str, ...], why: str) -> Finding:
    return Finding(
        code=question.code,
        subject=item.subject,
        outcome=Outcome.UNKNOWN,
        message=f"Whether {item.workload} turns calls away because {question.reason.value}: {why}",
        resource=str(item.workload),
        needs=needs,
    )


def _policies(item: Governed) -> tuple[Evidence, ...]:
    """What the policies in force let through: their rules, and where they say so their action."""
    return tuple(
        policy.evidence("spec", key)
        if key in policy.spec
        else policy.evidence("spec" if "spec" in policy.raw else "metadata")
        for policy in item.policies[:_MOST_SHOWN]
        for key in ("rules", "action")
        if key in policy.spec or key == "rules"
    )


def _misses(denial: Denial) -> tuple[Evidence, ...]:
    """The fields at which rules fail that come nearest to matching."""
    if not denial.decision.missed:
        return ()
    policy, fields = denial.nearest
    return tuple(policy.evidence(*field.path) for field in fields[:_MOST_SHOWN])


def _passes(question: Question, item: Governed, message: str, *shown: Evidence) -> Finding:
    return Finding(
        code=question.code,
        subject=item.subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=(holds("policies-let-calls-through", message, *shown),),
    )


def _names_a_rule(mesh: Snapshot, item: Governed) -> bool:
    """Whether a line of the last minutes says that a DENY rule matched, whichever it was."""
    said = (refused_by(call.entry) for call in recent_calls(mesh, item))
    return any(rule not in (None, "none") for rule in said)


def _lets_nobody_in(item: Governed) -> bool:
    """Whether there are ALLOW policies, and none has a rule."""
    allowing = policies_at_all(item)
    return bool(allowing) and not any(rules_of(policy) for policy in allowing)


def _other_reason(question: Question, item: Governed, mine: list[Denial]) -> Finding | None:
    """Calls are turned away, and the newest line and the policies tell for which other reason."""
    newest = max(mine, key=lambda denial: denial.calls[-1].time)
    call = newest.calls[-1]
    if question.reason is Reason.PLAIN_TCP and not newest.request.http:
        return None
    message = (
        f"{item.workload}: {question.good}; the newest refusal is because {newest.reason.value}"
    )
    shown = (*_misses(newest), *_policies(item), call.evidence)
    return _passes(question, item, message, *dict.fromkeys(shown))


def _nobody_refused(mesh: Snapshot, question: Question, item: Governed) -> Finding | None:
    """No call is turned away now; None where the newest line says otherwise of older policies."""
    if question.reason is Reason.NO_RULES and _lets_nobody_in(item):
        return None
    newest = newest_call(mesh, item)
    if newest is None:
        return _passes(question, item, f"{item.workload}: {question.good}", *_policies(item))
    if refused_by(newest.entry) is not None:
        return None
    message = f"{item.workload}: {question.good}; the newest ended with {newest.outcome}"
    return _passes(question, item, message, newest.evidence, *_policies(item))


def _judge_one(mesh: Snapshot, question: Question, item: Governed) -> Finding | None:
    mine = [denial for denial in denials(mesh) if denial.governed is item]
    found = [denial for denial in mine if denial.reason is question.reason]
    if found:
        return question.refused(mesh, item, found)
    untold = any(denial.reason is Reason.UNTOLD for denial in mine)
    if untold and question.reason in (Reason.TOKEN, Reason.PLAIN_TCP, Reason.NO_MATCH):
        needs = mesh.catalog.unread(REQUEST_AUTHENTICATION, SERVICE)
        why = f"{' and '.join(needs)} were not read, so nobody can tell what its proxies look at"
        return _unknown(question, item, needs, why)
    if item.is_blind(mesh):
        decided = question.configured(mesh, item)
        if decided is not None:
            return decided
        if question.possible(item):
            why = "it stands in the access log, which was not read or is switched off"
            return _unknown(question, item, (PROXY_LOG,), why)
    if question.reason is Reason.DENY and _names_a_rule(mesh, item):
        return None
    if mine:
        return _other_reason(question, item, mine)
    return _nobody_refused(mesh, question, item)


def judge(mesh: Snapshot, question: Question) -> Iterator[Finding]:
    """Ask one question of every workload that AuthorizationPolicies govern."""
    needs = mesh.catalog.unread(AUTHORIZATION_POLICY, POD)
    if needs:
        text = "Which AuthorizationPolicies turn calls away cannot be told"
        yield Finding(question.code, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
        return
    for item in governed(mesh):
        if item.policies and (found := _judge_one(mesh, question, item)) is not None:
            yield found
