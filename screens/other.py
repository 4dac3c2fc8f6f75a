"""The mesh that the open one is compared with, and what the comparison came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.diff.change import Comparison
    from meshdoctor.model.diagnosis import Diagnosis, Scope
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Named:
    """How the command line names one of the two."""

    words: str = ""
    first: bool = False
    """Whether it can be A: a live cluster cannot."""
    second: bool = False
    """Whether it can be B."""


@dataclass(frozen=True, slots=True)
class _Made:
    snapshot: Snapshot
    diagnosis: Diagnosis
    other_first: bool
    comparison: Comparison


@dataclass(slots=True)
class Other:
    """What is compared with the open mesh."""

    snapshot: Snapshot
    name: str
    """As a person calls it."""
    named: Named
    own: Named
    """How the command line names the open one."""
    _diagnosis: Diagnosis | None = field(default=None, repr=False)
    _made: _Made | None = field(default=None, repr=False)

    def is_older_than(self, snapshot: Snapshot) -> bool:
        """Whether it was looked at before; at the same time counts as before."""
        return self.snapshot.about.captured_at <= snapshot.about.captured_at

    def compared(
        self, snapshot: Snapshot, diagnosis: Diagnosis, *, other_first: bool
    ) -> Comparison:
        """Compare, once for each snapshot of the open mesh; takes seconds for a large one.

        Args:
            snapshot: the open mesh.
            diagnosis: what was made of it.
            other_first: whether this one is what it was before.
        """
        # Imported here: it loads the analyzers, which the first paint need not wait for.
        from meshdoctor.diff.compare import compare

        made = self._made
        if (
            made is not None
            and made.snapshot is snapshot
            and made.diagnosis is diagnosis
            and made.other_first is other_first
        ):
            return made.comparison

        def diagnosed(mesh: Snapshot, scope: Scope) -> Diagnosis:
            return self._diagnosed(scope) if mesh is self.snapshot else diagnosis

        sides = (self.snapshot, snapshot) if other_first else (snapshot, self.snapshot)
        comparison = compare(*sides, diagnosed=diagnosed)
        self._made = _Made(snapshot, diagnosis, other_first, comparison)
        return comparison

    def _diagnosed(self, scope: Scope) -> Diagnosis:
        from meshdoctor.diagnose.diagnosis import diagnose

        if self._diagnosis is None:
            self._diagnosis = diagnose(self.snapshot, scope)
        return self._diagnosis

    def command(self, *, other_first: bool) -> str:
        """The command that says the same; empty where none does."""
        old, new = (self.named, self.own) if other_first else (self.own, self.named)
        if not (old.first and new.second):
            return ""
        return f"meshdoctor diff {old.words} {new.words}".rstrip()
