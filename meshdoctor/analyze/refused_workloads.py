"""Findings about workloads whose pods are refused, and about the destinations they leave empty."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_to
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.pod_refusals import refusals
from meshdoctor.intent.backends import pods_behind, templates_behind
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import EVENT, REPLICA_SET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.analyze.pod_refusals import Refusal
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.snapshot import Snapshot

REFUSAL_KINDS = (EVENT, REPLICA_SET)
"""Where refusals stand; a Deployment has them as well."""


@lru_cache(maxsize=2)
def _empty_destinations(mesh: Snapshot) -> Mapping[str, tuple[Use, ...]]:
    """Destinations in use without any pod, by the refused workload that should serve them."""
    refused = {item.workload for item in refusals(mesh)}
    found: dict[str, list[Use]] = {}
    for use in destinations_in_use(mesh) if refused else ():
        service = use.service
        if service is None or not use.is_wanted or pods_behind(mesh, service):
            continue
        for workload in templates_behind(mesh, service):
            if str(workload) in refused:
                found.setdefault(str(workload), []).append(use)
    return {name: tuple(uses) for name, uses in found.items()}


def refused_fact(refusal: Refusal) -> Fact:
    """``pods-are-refused``: what the API server answered."""
    text = f"The API server refuses the pods of {refusal.workload}: {refusal.text}"
    return holds("pods-are-refused", text, *refusal.evidence)


def still_served_words(mesh: Snapshot, refusal: Refusal) -> str:
    """Whether older pods of the workload serve on, for a sentence."""
    for workload in mesh.workloads.within(refusal.namespace):
        if str(workload) == refusal.workload and workload.ready_pods:
            count = len(workload.ready_pods)
            if count == 1:
                return "one older pod of it still runs and serves"
            return f"{count} older pods of it still run and serve"
    return "no pod of it is ready"


def at_destinations(mesh: Snapshot, finding: Finding, refusal: Refusal) -> Iterator[Finding]:
    """A finding about a refused workload, and the same about each destination it leaves empty.

    Args:
        mesh: the snapshot.
        finding: what is wrong, with the workload as its subject.
        refusal: what was refused.
    """
    yield finding
    for use in _empty_destinations(mesh).get(refusal.workload, ()) if finding.root else ():
        callers = affected_by(mesh, use, failed_calls_to(mesh, use, "UH"))
        yield replace(finding, subject=use.subject, affected=callers)


def not_the_reason(code: str, refusal: Refusal, message: str) -> Finding:
    """A PASS: the refusal gives another reason."""
    return Finding(
        code=code,
        subject=workload_subject(refusal.workload),
        outcome=Outcome.PASS,
        message=message,
        resource=refusal.workload,
        facts=(holds("refused-for-another-reason", message, *refusal.evidence),),
    )


def sufferer(refusal: Refusal) -> tuple[Affected, ...]:
    """The refused workload as the one who suffers."""
    return (Affected(refusal.workload, ""),)
