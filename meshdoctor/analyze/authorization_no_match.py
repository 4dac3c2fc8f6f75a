"""Calls that no rule of the ALLOW policies in force matches, whatever the caller's identity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.authorization_denials import (
    Denial,
    Reason,
    nearest_of,
    policies_at_all,
)
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_named import denied_count, named_denials
from meshdoctor.analyze.authorization_words import (
    affected,
    appending,
    callers_text,
    denied_fact,
    everyone,
    field_text,
    fills,
    save_and_edit,
    unlogged_fact,
)
from meshdoctor.analyze.base import holds
from meshdoctor.intent.authorization import Access, Decision, decide, rules_of
from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import is_finished, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.intent.authorization_match import Field
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NO_MATCH = "MD0701"

_MOST_SHOWN = 3


def widening(policy: Resource, fields: Sequence[Field]) -> tuple[str, str]:
    """The command that lets the call through, and its undo."""
    if len(fields) == 1 and isinstance(fields[0].seen, str) and "when" not in fields[0].path:
        field = fields[0]
        if not field.name.startswith("not") and isinstance(policy.get(*field.path), list):
            return appending(policy, field.path, field.seen)
    return save_and_edit(policy)


def _finding(
    mesh: Snapshot,
    item: Governed,
    nearest: tuple[Resource, tuple[Field, ...]],
    log: Fact,
    who: str,
    suffer: tuple[Affected, ...],
    *,
    root: bool = True,
) -> Finding:
    policy, fields = nearest
    others = [p for p in policies_at_all(item) if p != policy and rules_of(p)]
    words = [field_text(policy, field) for field in fields[:_MOST_SHOWN]]
    rule = fields[0].path[2] if fields else 0
    why = "; ".join(words) or "it has no rule that could"
    text = f"Rule {rule} of {policy} comes nearest to matching the calls of {who}, but {why}"
    widen, narrow = widening(policy, fields)
    edit, undo = save_and_edit(policy)
    shown = [policy.evidence(*field.path) for field in fields[:_MOST_SHOWN]]
    return Finding(
        code=NO_MATCH,
        subject=item.subject,
        outcome=Outcome.FAIL if root else Outcome.WARN,
        message=f"No rule of {policy} lets {who} call {item.workload}: {why}",
        resource=str(policy),
        objects=(str(policy), *map(str, others))[:6],
        facts=(holds("no-rule-matches", text, *(shown or [policy.evidence("spec")])), log),
        affected=suffer,
        severity=None if root else Severity.INFO,
        root=root,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "who": who,
            "rule": str(rule),
            "why": why,
            "widen": widen,
            "narrow": narrow,
            "edit": edit,
            "undo_edit": undo,
        },
    )


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    # Callers inside the mesh say most: their identity is known.
    inside = [d for d in found if isinstance(d.request.principal, str)] or [
        d for d in found if d.client
    ]
    chosen = (inside or list(found))[0]
    strangers = all(d.client is None and is_gateway(d.pod) for d in found)
    return _finding(
        mesh,
        item,
        chosen.nearest,
        denied_fact(found),
        callers_text(mesh, inside or found),
        affected(mesh, found),
        root=not strangers,
    )


@lru_cache(maxsize=2)
def _candidates(mesh: Snapshot) -> list[Request]:
    """Everyone who may call: each identity of the cluster once, and those without any."""
    named = {identity(mesh, pod) for pod in mesh.catalog.of(POD) if not is_finished(pod)}
    return [Request(principal=Seen.ABSENT), *(Request(principal=name) for name in sorted(named))]


def _names_only_own(mesh: Snapshot, decision: Decision) -> bool:
    """Whether every rule fails at a principal of this mesh, which no other cluster's is."""
    return bool(decision.missed) and all(
        any(
            field.name in ("principals", "serviceAccounts", "namespaces")
            for field in miss.rule.fields
            if field.match is Match.NO
        )
        for miss in decision.missed
    )


def _counted(mesh: Snapshot, item: Governed) -> Finding | None:
    """The proxies count denials, and a client that is told to call is one that no rule matches."""
    count = denied_count(mesh, item) if not is_gateway(item.pods[0]) else None
    found = named_denials(mesh, item) if count else ()
    nearest = nearest_of(found[0].decision) if found else None
    if count is None or nearest is None:
        return None
    names = sorted({str(mesh.workloads.owning(denial.client)) for denial in found})
    untold = unlogged_fact(mesh, item)
    text = (
        f"{untold.text}; its proxy counts {count.count} denied, and the template of "
        f"{names[0]} names {found[0].to}"
    )
    log = Fact(untold.id, untold.state, text, (count.evidence, found[0].evidence))
    pairs = {(str(mesh.workloads.owning(denial.client)), denial.to) for denial in found}
    suffer = tuple(Affected(source, to) for source, to in sorted(pairs))
    return _finding(mesh, item, nearest, log, ", ".join(names[:_MOST_SHOWN]), suffer)


def _configured(mesh: Snapshot, item: Governed) -> Finding | None:
    """Nobody of the mesh can match, whatever else a call carries; or counters tell who cannot."""
    if not _has_rules(item) or is_gateway(item.pods[0]):
        return None
    suffer = everyone(mesh, item)
    if not suffer[0].to:
        return None
    decision = None
    for request in _candidates(mesh):
        decision = decide(mesh, item.pods[0], request)
        if decision.access is not Access.DENIED or not _names_only_own(mesh, decision):
            return _counted(mesh, item)
    if decision is None:
        return None
    miss = decision.missed[0]
    fields = tuple(
        field
        for field in miss.rule.fields
        if field.name in ("principals", "serviceAccounts", "namespaces")
    )
    log = unlogged_fact(mesh, item)
    return _finding(mesh, item, (miss.policy, fields), log, "any workload of the mesh", suffer)


def _has_rules(item: Governed) -> bool:
    return any(rules_of(policy) for policy in policies_at_all(item))


QUESTION = Question(
    NO_MATCH,
    Reason.NO_MATCH,
    _refused,
    _configured,
    _has_rules,
    "no call was turned away because its rules match others",
)


@dataclass(frozen=True, slots=True)
class _NoMatch:
    name: str = "authorization-no-match"
    description: str = "Some rule of the ALLOW policies matches those who call."
    inputs: tuple[str, ...] = INPUTS
    codes: tuple[str, ...] = (NO_MATCH,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _NoMatch()
