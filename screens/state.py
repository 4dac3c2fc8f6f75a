"""What the screens look at: one session's snapshot and diagnosis, or how far reading has come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.signal import Signal

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot

_SYSTEM = "kube-"
"""Kubernetes' own namespaces come last: nobody's mesh lives there."""


class Phase(StrEnum):
    """How far the session is."""

    READING = "reading"
    DIAGNOSING = "diagnosing"
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True)
class MeshState:
    """The app's one state; screens read it and subscribe to its changes."""

    name: str
    """Name of the source, as a person calls it."""
    changed: Signal[MeshState]
    """Published after every change, always in the app's own thread."""
    clock: Callable[[], float] = monotonic
    """Seconds, for how long a person has been waiting."""
    started: float = 0.0
    """When reading began, by the clock."""
    phase: Phase = Phase.READING
    reading: str = ""
    """What was read last."""
    files_read: int = 0
    snapshot: Snapshot | None = None
    diagnosis: Diagnosis | None = None
    failure: str = ""
    """One line: why nothing can be shown."""
    namespace: str = ""
    """The namespace that tables are filtered to; empty for all."""

    @property
    def is_ready(self) -> bool:
        """Whether there is a diagnosis to show; an older one stays while it is made anew."""
        return self.diagnosis is not None and not self.failure

    @property
    def is_busy(self) -> bool:
        """Whether something is being read or diagnosed."""
        return self.phase in (Phase.READING, Phase.DIAGNOSING)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces looked at, those with most findings first: keys 1 to 9 choose them."""
        if self.diagnosis is None:
            return ()
        found = Counter(namespace_of(item.resource) for item in self.diagnosis.findings)
        for cause in self.diagnosis.root_causes:
            found[namespace_of(cause.objects[0])] += len(self.diagnosis.findings) + 1
        return tuple(
            sorted(
                self.diagnosis.namespaces,
                key=lambda name: (-found[name], name.startswith(_SYSTEM), name),
            )
        )

    def waiting_line(self) -> str:
        """What a person is waiting for, and since when."""
        elapsed = max(0.0, self.clock() - self.started)
        if self.phase is Phase.DIAGNOSING:
            return f"Walking the playbooks… {elapsed:.0f}s"
        what = f"\n{self.reading}" if self.reading else ""
        return f"Reading {self.name}: {self.files_read} files, {elapsed:.0f}s (esc cancels){what}"
