"""A Diagnosis: root causes on top, what was ruled out, what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
    from meshdoctor.model.not_read import NotRead


class Certainty(StrEnum):
    """How sure a root cause is."""

    PROVEN = "proven"
    """Every fact the cause asks for was read and holds."""
    LIKELY = "likely"
    """The deciding facts hold; a confirming source is unread or silent."""
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing to do about a root cause."""

    do: str
    command: str
    changes: str
    """What the command changes."""
    undo: str


@dataclass(frozen=True, slots=True)
class WalkedStep:
    """One step of a playbook's walk."""

    step: str
    question: str
    outcome: Outcome
    because: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class RootCause:
    """The chosen explanation of a symptom."""

    id: str
    rank: int
    certainty: Certainty
    severity: Severity
    domain: str
    title: str
    summary: str
    objects: tuple[str, ...]
    affected: tuple[Affected, ...]
    symptoms: tuple[str, ...]
    playbook: str
    subject: str
    path: tuple[WalkedStep, ...]
    evidence: tuple[Evidence, ...]
    consequences: tuple[str, ...]
    """Codes of findings that follow from it."""
    fix: tuple[Fix, ...]
    verify: tuple[str, ...]
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A look-alike, and the fact that rules it out."""

    id: str
    because: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A cause that can be neither found nor ruled out with what was read."""

    id: str
    needs: tuple[str, ...]
    why_missing: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a person asked to look at."""

    namespaces: tuple[str, ...] = ()
    """Empty for all."""
    symptom: str | None = None
    """A playbook's id."""
    source: str | None = None
    """Caller: ``pod[.namespace]`` or ``deploy/name``."""
    to: str | None = None
    """Destination host, short or full, with an optional port."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a mesh, why we think so, and what to do."""

    scope: Scope
    namespaces: tuple[str, ...]
    """The namespaces looked at."""
    proxies_read: int
    proxies_total: int
    root_causes: tuple[RootCause, ...]
    ruled_out: tuple[RuledOut, ...]
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    """Failures, warnings and notes; what passed is not listed."""
    not_read: tuple[NotRead, ...]
    required_unread: tuple[NotRead, ...]
    """Those of ``not_read`` without which some conclusion in scope is unknown."""
    walks: tuple[Walk, ...]
    """Every walk that was taken, for the person who wants to follow it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One playbook walked for one subject."""

    playbook: str
    subject: str
    steps: tuple[WalkedStep, ...]
    cause: str | None
    """Id of the root cause it ended at."""
