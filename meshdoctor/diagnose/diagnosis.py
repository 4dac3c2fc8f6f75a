"""Diagnose a snapshot: analyzers, then playbooks, then root causes in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.registry import analyze
from meshdoctor.diagnose.explain import root_cause
from meshdoctor.diagnose.library import Playbook, causes, playbook_for, playbooks
from meshdoctor.diagnose.ranking import Candidate, fold, merge, rank
from meshdoctor.diagnose.ruling_out import ruled_out
from meshdoctor.diagnose.scope import ScopeError, in_scope, namespaces_in
from meshdoctor.diagnose.unread import required_unread, unknown_causes
from meshdoctor.diagnose.walker import FindingIndex, Hypothesis, walk
from meshdoctor.model.diagnosis import Diagnosis, RootCause, Scope, Walk
from meshdoctor.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.snapshot import Snapshot

_SHOWN = (Outcome.FAIL, Outcome.WARN)


def _asked_playbook(scope: Scope) -> Playbook | None:
    """The playbook of the symptom a person named.

    Raises:
        ScopeError: no playbook knows the symptom.
    """
    if scope.symptom is None:
        return None
    found = playbook_for(scope.symptom)
    if found is None:
        known = ", ".join(playbook.id for playbook in playbooks())
        raise ScopeError(f"no playbook knows the symptom {scope.symptom!r}; there are {known}")
    return found


def _walk_all(index: FindingIndex, asked: Playbook | None) -> tuple[list[Walk], list[Hypothesis]]:
    walks: list[Walk] = []
    hypotheses: list[Hypothesis] = []
    for playbook in playbooks():
        for subject in index.subjects(playbook):
            taken, found = walk(playbook, subject, index, asked=playbook is asked)
            walks.append(taken)
            hypotheses += found
    return walks, hypotheses


def _candidates(hypotheses: Iterable[Hypothesis], asked: Playbook | None) -> list[Candidate]:
    """Root causes to be: of every symptom, or those that answer the one asked about."""
    kept = fold(merge(hypotheses, causes()))
    return rank(c for c in kept if asked is None or asked.id in c.playbooks)


def _shown(findings: Iterable[Finding], asked: Playbook | None) -> tuple[Finding, ...]:
    """What is not in order, of everything or of what the asked playbook looks at."""
    return tuple(
        finding
        for finding in findings
        if finding.outcome in _SHOWN and (asked is None or finding.code in asked.codes)
    )


def diagnose(mesh: Snapshot, scope: Scope | None = None) -> Diagnosis:
    """Find out what is wrong with a mesh.

    Args:
        mesh: what was read.
        scope: what to look at; everything when absent.

    Raises:
        ScopeError: the scope names a symptom, namespace or caller that is not there.
    """
    scope = scope or Scope()
    asked = _asked_playbook(scope)
    findings = in_scope(mesh, scope, analyze(mesh))
    index = FindingIndex(findings)
    walks, hypotheses = _walk_all(index, asked)
    ranked = _candidates(hypotheses, asked)
    roots = tuple(root_cause(candidate, rank=n) for n, candidate in enumerate(ranked, start=1))
    walked = (asked,) if asked else playbooks()
    found = frozenset(cause.id for cause in roots)
    of_interest = _walks_of_interest(walks, roots, asked)
    return Diagnosis(
        scope=scope,
        namespaces=namespaces_in(mesh, scope),
        # A log is the kubelet's: it comes of a proxy that answers nothing, too.
        proxies_read=sum(1 for proxy in mesh.proxies.values() if proxy.config is not None),
        proxies_total=max(len(mesh.proxy_pods), len(mesh.proxies)),
        root_causes=roots,
        ruled_out=ruled_out(index, of_interest, found),
        unknown=unknown_causes(mesh, scope, walked, causes(), findings, found),
        findings=_shown(findings, asked),
        not_read=mesh.not_read,
        required_unread=required_unread(mesh, scope, walked, causes()),
        walks=tuple(walks),
    )


def _walks_of_interest(
    walks: list[Walk], roots: tuple[RootCause, ...], asked: Playbook | None
) -> list[Walk]:
    """The walks whose look-alikes are worth naming: of what is wrong, or of what was asked."""
    subjects = {cause.subject for cause in roots}
    if not subjects:
        return [taken for taken in walks if asked is not None and taken.playbook == asked.id]
    return [taken for taken in walks if taken.subject in subjects]
