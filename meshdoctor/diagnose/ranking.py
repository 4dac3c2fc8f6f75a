"""From hypotheses to root causes in order: merged, folded under what explains them, ranked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.model.finding import Affected, FactState, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.diagnose.library import Cause, Explanation
    from meshdoctor.diagnose.walker import Hypothesis

MOST_OBJECTS = 6
"""At most so many objects are named."""


@dataclass(slots=True)
class Candidate:
    """One fault: every hypothesis with the same cause and the same object at fault."""

    cause: Cause
    hypotheses: list[Hypothesis]
    consequences: set[str] = field(default_factory=set)
    playbooks: set[str] = field(default_factory=set)
    """The symptoms it is an answer to, those of what it explains included."""

    @property
    def findings(self) -> list[Finding]:
        """The findings that name it."""
        return [hypothesis.finding for hypothesis in self.hypotheses]

    @property
    def objects(self) -> tuple[str, ...]:
        """At fault first, six at most."""
        found = [name for finding in self.findings for name in finding.objects]
        return tuple(dict.fromkeys(found))[:MOST_OBJECTS]

    @property
    def affected(self) -> tuple[Affected, ...]:
        """Everyone who suffers, in order."""
        return tuple(sorted({item for finding in self.findings for item in finding.affected}))

    @property
    def destinations(self) -> frozenset[str]:
        """What is called in vain."""
        return frozenset(item.to for item in self.affected if item.to)

    @property
    def severity(self) -> Severity:
        """The cause's severity, or the worst that its findings ask for."""
        asked = [finding.severity for finding in self.findings if finding.root and finding.severity]
        return min(asked, key=lambda item: item.rank) if asked else self.cause.severity

    @property
    def certainty(self) -> Certainty:
        """The best that any of its findings reaches."""
        return min(
            (certainty_of(finding, self.cause) for finding in self.findings),
            key=list(Certainty).index,
        )


def certainty_of(finding: Finding, cause: Cause) -> Certainty:
    """How sure one finding makes a cause.

    Proven when every fact the cause asks for holds; likely when the first, deciding one holds;
    possible otherwise.
    """
    held = {fact.id for fact in finding.facts if fact.state is FactState.HOLDS}
    if held.issuperset(cause.asks_for):
        return Certainty.PROVEN
    return Certainty.LIKELY if cause.asks_for[0] in held else Certainty.POSSIBLE


def merge(hypotheses: Iterable[Hypothesis], causes: dict[str, Cause]) -> list[Candidate]:
    """One candidate per cause and object at fault, hypotheses in the order they were found."""
    grouped: dict[tuple[str, str], list[Hypothesis]] = defaultdict(list)
    for hypothesis in hypotheses:
        at_fault = hypothesis.finding.objects[:1] or (hypothesis.finding.resource,)
        known = grouped[hypothesis.cause, at_fault[0]]
        if all(hypothesis.finding is not other.finding for other in known):
            known.append(hypothesis)
        else:
            known += [hypothesis] if hypothesis.playbook != known[0].playbook else []
    merged = []
    for (cause, _), members in grouped.items():
        consequences = {code for member in members for code in member.consequences}
        playbooks = {member.playbook for member in members}
        merged.append(Candidate(causes[cause], members, consequences, playbooks))
    return merged


def _workloads(candidate: Candidate) -> frozenset[str]:
    return frozenset({*candidate.objects, *(item.source for item in candidate.affected)})


def _namespaces(candidate: Candidate) -> frozenset[str]:
    named = {*candidate.objects, *(item.source for item in candidate.affected)}
    return frozenset(space for name in named if (space := namespace_of(name)))


def _is_explained(candidate: Candidate, by: Candidate, rule: Explanation) -> bool:
    if candidate.cause.id != rule.cause or candidate is by:
        return False
    match rule.where:
        case "mesh":
            return True
        case "same-destination":
            return bool(candidate.destinations) and candidate.destinations <= by.destinations
        case "same-workload":
            # One entry may speak of many workloads: all of them must be explained.
            others = _workloads(by)
            return all(not others.isdisjoint(item.objects) for item in candidate.findings)
        case "same-namespace":
            return namespace_of(candidate.objects[0]) in _namespaces(by)
    return False


def fold(candidates: list[Candidate]) -> list[Candidate]:
    """Drop every candidate that another one explains, noting it as that one's consequence."""
    explained: dict[int, Candidate] = {}
    for by in candidates:
        for rule in by.cause.explains:
            for candidate in candidates:
                circular = explained.get(id(by)) is candidate
                taken = id(candidate) in explained
                if not taken and not circular and _is_explained(candidate, by, rule):
                    explained[id(candidate)] = by
    for candidate in candidates:
        by_whom = explained.get(id(candidate))
        seen = {id(candidate)}
        while by_whom is not None and id(by_whom) not in seen:
            seen.add(id(by_whom))
            by_whom.consequences.update(finding.code for finding in candidate.findings)
            by_whom.consequences |= candidate.consequences
            by_whom.playbooks |= candidate.playbooks
            by_whom = explained.get(id(by_whom))
    return [candidate for candidate in candidates if id(candidate) not in explained]


def rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """By severity, then how much is affected, then id, then object.

    Of those that affect as much, what is proven stands before what is only likely.
    """
    sure = list(Certainty)
    return sorted(
        candidates,
        key=lambda c: (
            c.severity.rank,
            -len(c.affected),
            sure.index(c.certainty),
            c.cause.id,
            c.objects[:1],
        ),
    )
