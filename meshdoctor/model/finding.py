"""Findings: what an analyzer says about one subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.evidence import Evidence


class Outcome(StrEnum):
    """Result of a step or a check."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class FactState(StrEnum):
    """Whether a fact that a cause asks for was seen."""

    HOLDS = "holds"
    UNREAD = "unread"
    """Its source could not be read."""
    SILENT = "silent"
    """Its source was read and says nothing either way (an access log that is switched off)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a cause asks for, with what proves it."""

    id: str
    """Kebab-case name, as a cause's ``asks_for`` lists it."""
    state: FactState
    text: str
    """A plain sentence."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Affected:
    """Who suffers: a caller and what it calls, or a workload alone."""

    source: str
    """The caller or the workload, e.g. ``Deployment shop/client-v1``; empty when unknown."""
    to: str
    """The destination, e.g. ``ratings.shop.svc.cluster.local:8080``; empty when none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one analyzer says about one subject.

    A PASS rules causes out, a FAIL or WARN supports one, an UNKNOWN names the inputs it lacked.
    """

    code: str
    """Stable id ``MDnnnn``, registered in ``analyze/codes.yaml``."""
    subject: str
    """What the finding speaks of, e.g. ``destination ratings.shop.svc.cluster.local:8080``."""
    outcome: Outcome
    message: str
    """A plain sentence: what is so."""
    resource: str
    """The object it is attached to, ``Kind namespace/name``."""
    objects: tuple[str, ...] = ()
    """At fault first: the object whose change mends it, then the others that take part."""
    facts: tuple[Fact, ...] = ()
    affected: tuple[Affected, ...] = ()
    needs: tuple[str, ...] = ()
    """Inputs that were unread (UNKNOWN)."""
    severity: Severity | None = None
    """Overrides the code's own level; None keeps it."""
    root: bool = True
    """False when nothing in the mesh suffers from it: stays a finding, names no root cause."""
    fills: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Words for the cause's templates."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every piece of evidence of every fact, in order, once."""
        return tuple(dict.fromkeys(item for fact in self.facts for item in fact.evidence))
