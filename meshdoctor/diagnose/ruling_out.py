"""Which look-alikes are ruled out, and by what.

A cause is ruled out while everything that was looked at for it is in order, and something proves
it: the evidence is of all that was looked at, so that with another value there the cause comes
back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.library import playbooks
from meshdoctor.model.diagnosis import RuledOut
from meshdoctor.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.diagnose.walker import FindingIndex
    from meshdoctor.model.diagnosis import Walk

_MOST_EVIDENCE = 8
_MOST_SAID = 3


def _looked_at(index: FindingIndex, walks: Iterable[Walk]) -> dict[str, list[Finding]]:
    """What was found of each cause that the steps of some walks name."""
    by_id = {playbook.id: playbook for playbook in playbooks()}
    found: dict[str, list[Finding]] = {}
    for taken in walks:
        for step in by_id[taken.playbook].steps:
            for outcome in step.outcomes:
                if outcome.cause:
                    seen = index.at(taken.subject, outcome.when)
                    found.setdefault(outcome.cause, []).extend(seen)
    return found


def ruled_out(
    index: FindingIndex, walks: Iterable[Walk], found: frozenset[str]
) -> tuple[RuledOut, ...]:
    """Look-alikes that these walks rule out, by id.

    Args:
        index: what the analyzers found.
        walks: the walks whose look-alikes are worth naming.
        found: ids of the root causes.
    """
    ruled: list[RuledOut] = []
    for cause, seen in sorted(_looked_at(index, walks).items()):
        if cause in found or any(finding.outcome is not Outcome.PASS for finding in seen):
            continue
        proven = [finding for finding in seen if finding.evidence]
        shown = dict.fromkeys(item for finding in proven for item in finding.evidence)
        if proven:
            said = dict.fromkeys(finding.message for finding in proven)
            because = "; ".join(tuple(said)[:_MOST_SAID])
            ruled.append(RuledOut(cause, because, tuple(shown)[:_MOST_EVIDENCE]))
    return tuple(ruled)
