"""A check: what should be true, and the function that says whether it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.check.outcome import Result

if TYPE_CHECKING:
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot

DOCS = "docs/check.md"
"""Where every check has a section of its own; the anchor is the check's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """What every check has; it looks at what was read and at nothing another check found."""

    id: str
    """Stable, kebab-case; also the anchor of its section in the docs."""
    description: str
    """A statement of what should be true."""
    fatal: bool = False
    """Where it fails, no other check can say anything."""
    warning: bool = False
    """Where it fails, the mesh still works and so does meshdoctor: a warning."""

    @property
    def hint(self) -> str:
        """Where the docs say what it means, how to see it and how to mend it."""
        return f"{DOCS}#{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshChecker(Checker):
    """A check of the mesh: live or recorded makes no difference."""

    check: Callable[[Snapshot], Result]
    needs: tuple[Kind, ...] = ()
    """Kinds without which nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChecker(Checker):
    """A check of the way to a cluster, which a recording has none of."""

    check: Callable[[Preflight], Result]


@dataclass(frozen=True, slots=True)
class CheckerCategory:
    """Checks that belong together, in the order they are shown."""

    name: str
    checkers: tuple[MeshChecker | LiveChecker, ...]
