"""Walk a playbook for one subject: the first step that fails names the hypothesis."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.diagnosis import Walk, WalkedStep
from meshdoctor.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.diagnose.library import Playbook, Step

_PROBLEM = (Outcome.FAIL, Outcome.WARN)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A candidate explanation: a cause, the finding that names it and the walk that led there."""

    cause: str
    finding: Finding
    playbook: str
    path: tuple[WalkedStep, ...]
    consequences: tuple[str, ...]
    """Codes of what fails further down the same walk."""


class FindingIndex:
    """Findings by subject and code."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        """Index the findings, keeping their order."""
        self._found: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
        for finding in findings:
            self._found[finding.subject][finding.code].append(finding)

    def subjects(self, playbook: Playbook) -> list[str]:
        """The subjects a playbook has something to say about, by name."""
        kind = playbook.subject
        return sorted(
            subject
            for subject, by_code in self._found.items()
            if (kind == "any" or subject.partition(" ")[0] == kind)
            and not playbook.codes.isdisjoint(by_code)
        )

    def at(self, subject: str, code: str) -> list[Finding]:
        """The findings of one code about one subject."""
        return self._found[subject].get(code, [])


def _names_cause(finding: Finding, *, asked: bool) -> bool:
    return finding.outcome in _PROBLEM and (finding.root or asked)


def _step_outcome(found: list[Finding], *, asked: bool) -> tuple[Outcome, Finding | None]:
    """The outcome of a step and the finding that decides it."""
    for finding in found:
        if _names_cause(finding, asked=asked):
            return Outcome.FAIL, finding
    for outcome in (Outcome.UNKNOWN, Outcome.FAIL, Outcome.WARN, Outcome.PASS):
        for finding in found:
            if finding.outcome is outcome:
                return (Outcome.WARN if outcome in _PROBLEM else outcome), finding
    return Outcome.SKIP, None


def _walked(step: Step, outcome: Outcome, finding: Finding | None) -> WalkedStep:
    because = finding.message if finding else "Nothing here that this step could look at."
    evidence = finding.evidence if finding else ()
    return WalkedStep(step.id, step.question, outcome, because, evidence)


def _causes_at(
    step: Step, by_code: Mapping[str, list[Finding]], *, asked: bool
) -> tuple[bool, list[tuple[str, Finding]]]:
    """Whether the walk ends at this step, and the causes it ends at."""
    for outcome in step.outcomes:
        failing = [f for f in by_code[outcome.when] if _names_cause(f, asked=asked)]
        if failing:
            return True, [(outcome.cause, f) for f in failing] if outcome.cause else []
    return False, []


def walk(
    playbook: Playbook, subject: str, index: FindingIndex, *, asked: bool = False
) -> tuple[Walk, tuple[Hypothesis, ...]]:
    """Walk one playbook for one subject.

    Args:
        playbook: what to walk.
        subject: whom to walk it for.
        index: what the analyzers found.
        asked: whether a person named this symptom; notes then count as causes too.

    Returns:
        The walk with every step's outcome, and the hypotheses it ended at. Steps after the end
        are looked at as well: what fails there is a consequence, what passes is ruled out.
    """
    steps: list[WalkedStep] = []
    ended_at: list[tuple[str, Finding]] = []
    path: tuple[WalkedStep, ...] = ()
    consequences: list[str] = []
    ended = False
    for step in playbook.steps:
        by_code = {o.when: index.at(subject, o.when) for o in step.outcomes}
        outcome, finding = _step_outcome([f for fs in by_code.values() for f in fs], asked=asked)
        steps.append(_walked(step, outcome, finding))
        if ended:
            consequences += [f.code for fs in by_code.values() for f in fs if f.outcome in _PROBLEM]
            continue
        ended, ended_at = _causes_at(step, by_code, asked=asked)
        if ended:
            path = tuple(steps)
    hypotheses = tuple(
        Hypothesis(cause, finding, playbook.id, path, tuple(dict.fromkeys(consequences)))
        for cause, finding in ended_at
    )
    cause = ended_at[0][0] if ended_at else None
    return Walk(playbook.id, subject, tuple(steps), cause), hypotheses
