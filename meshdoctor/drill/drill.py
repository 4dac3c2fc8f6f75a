"""A drill: a broken mesh, the task, what helps, and what counts as mended. All of it data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.drill.conditions import Condition
    from meshdoctor.drill.edits import Edit
    from meshdoctor.drill.mesh_facts import MeshFact
    from meshdoctor.drill.new_pods import NewPod
    from meshdoctor.drill.wanted_route import WantedRoute

HINTS = 3
"""Which layer, which command or screen, which object."""


class Domain(StrEnum):
    """The domains of the Istio Certified Associate exam (CNCF curriculum, since 2025-08-12)."""

    INSTALLATION = "installation"
    TRAFFIC = "traffic-management"
    SECURITY = "securing-workloads"
    TROUBLESHOOTING = "troubleshooting"


DOMAIN_SHARES = {
    Domain.INSTALLATION: 20,
    Domain.TRAFFIC: 35,
    Domain.SECURITY: 25,
    Domain.TROUBLESHOOTING: 20,
}
"""Percent of the exam."""


class Role(StrEnum):
    """What a fix in a drill is there to prove."""

    REFERENCE = "reference"
    ALTERNATIVE = "alternative"
    """Another right one: it passes as well."""
    WRONG = "wrong"
    """A lazy or mistaken one: it does not pass."""


class Topic(StrEnum):
    """What a question on the way asks for."""

    LAYER = "layer"
    TOOL = "tool"
    """A command or a screen."""
    OBJECT = "object"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Question:
    """A question on the way to the cause."""

    topic: Topic
    ask: str
    answers: tuple[str, ...]
    """Each of them is right."""
    choices: tuple[str, ...]
    """Offered beside the right one; empty where the candidate types."""
    because: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to mend the mesh, or one that does not."""

    role: Role
    says: str
    edits: tuple[Edit, ...]
    fails: tuple[str, ...] = ()
    """Of a wrong one: the checks that catch it."""


@dataclass(frozen=True, slots=True)
class WantedRequest:
    """A request whose end is checked, as ``meshdoctor trace`` takes it."""

    source: str
    """``deploy/name``, a pod, or ``gateway``."""
    to: str
    namespace: str = ""
    """Where the source is; empty for anywhere."""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    """Of the token that comes with it; empty for none."""
    succeeds: bool = True
    status: int | None = None
    """With which status it must fail; None for any failure."""


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """A request whose way is checked; how it ends is not asked."""

    request: WantedRequest
    way: WantedRoute


Wanted: TypeAlias = "WantedRequest | RoutedRequest | NewPod | MeshFact | Condition"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold when the candidate says that it is done."""

    id: str
    says: str
    """What is wanted, for the report."""
    wants: Wanted
    """Behaviour, or state of objects."""
    points: int = 1
    """Its share among the checks."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What costs points though the checks may pass."""

    id: str
    says: str
    points: int
    when: Condition


@dataclass(frozen=True, slots=True)
class Seen:
    """What the candidate may look at from the beginning."""

    namespaces: tuple[str, ...]
    """Empty for all."""
    screens: tuple[str, ...]
    """Empty for all."""
    commands: tuple[str, ...]
    """That the task names, as an exam's curl does."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill."""

    id: str
    title: str
    recording: str
    """A bundled recording without ``.tar.gz``, or a path from ``home``."""
    setup: tuple[Edit, ...]
    """What breaks the recording before the drill begins; empty where it is broken already."""
    causes: tuple[str, ...]
    """Root causes that it teaches, by id."""
    domain: Domain
    weight: int
    """Percent of an exam of sixteen tasks."""
    minutes: int
    task: str
    seen: Seen
    hints: tuple[str, ...]
    questions: tuple[Question, ...]
    fixes: tuple[Fix, ...]
    checks: tuple[Check, ...]
    guards: tuple[Guard, ...]
    explanation: str
    look_alike: str
    """What it is easily taken for, and the fact that tells the two apart."""
    paired_with: tuple[str, ...]
    """Drills or root causes that look alike."""
    documents: tuple[str, ...]
    """Pages that the exam allows."""
    home: Path | None = None
    """The folder of its YAML; None for a bundled one."""

    def fixes_of(self, role: Role) -> tuple[Fix, ...]:
        """The fixes of one role."""
        return tuple(fix for fix in self.fixes if fix.role is role)

    def is_cause(self, supposed: str | None) -> bool | None:
        """Whether a hypothesis is right; None without one, and where there is no cause to find.

        Args:
            supposed: the root cause that the candidate committed to, by id.
        """
        return supposed in self.causes if self.causes and supposed is not None else None

    @property
    def reference(self) -> Fix:
        """The reference fix."""
        return self.fixes_of(Role.REFERENCE)[0]
