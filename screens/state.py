"""What the screens look at: one session's snapshot and diagnosis, or how far reading has come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of
from screens.stages import FILES, Stage, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from textual.signal import Signal

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Progress

STALE_AFTER = 60.0
"""Seconds after which what is shown of a live mesh is called stale, unless it is known current."""
MOST_KEPT = 200
"""Proxies of a mesh whose first snapshot is kept: two of a larger one would not fit in memory."""
_SYSTEM = "kube-"
"""Kubernetes' own namespaces come last: nobody's mesh lives there."""


class Phase(StrEnum):
    """How far the session is."""

    READING = "reading"
    DIAGNOSING = "diagnosing"
    READY = "ready"
    FAILED = "failed"


class Following(StrEnum):
    """Whether a live mesh is followed."""

    OFF = "off"
    """Not yet, or it cannot be."""
    ON = "on"
    PAUSED = "paused"
    LOST = "lost"
    """The cluster does not answer; it is tried again."""


@dataclass(slots=True)
class Saving:
    """A recording that is being taken."""

    path: Path
    stages: dict[str, Stage] = field(default_factory=dict)
    size: int = 0
    """Bytes written so far."""
    stopping: bool = False


@dataclass(slots=True)
class MeshState:
    """The app's one state; screens read it and subscribe to its changes."""

    name: str
    """Name of the source, as a person calls it."""
    changed: Signal[MeshState]
    """Published after every change, always in the app's own thread."""
    clock: Callable[[], float] = monotonic
    """Seconds, for how long a person has been waiting and how old a live snapshot is."""
    is_live: bool = False
    started: float = 0.0
    """When reading began, by the clock."""
    phase: Phase = Phase.READING
    stages: dict[str, Stage] = field(default_factory=dict)
    """How far each stage of reading is, in the order they began."""
    stopping: bool = False
    """The person does not want to wait any longer."""
    snapshot: Snapshot | None = None
    diagnosis: Diagnosis | None = None
    is_partial: bool = False
    """What is shown was made before everything was read."""
    current_at: float | None = None
    """When, by the clock, what is shown was last known to be how the mesh is."""
    failure: str = ""
    """Why nothing can be shown, and what to do."""
    namespace: str = ""
    """The namespace that tables are filtered to; empty for all."""
    namespaces: tuple[str, ...] = ()
    """The namespaces looked at, in the order of the keys 1 to 9."""
    following: Following = Following.OFF
    retry_at: float = 0.0
    """When a lost cluster is tried again, by the clock."""
    saving: Saving | None = None
    closed: Mapping[str, str] = field(default_factory=dict)
    """Places and actions that are closed here, and why."""
    banner: Callable[[], str] | None = None
    """What the header says instead of where the mesh comes from."""
    opened: Snapshot | None = None
    """The live mesh as it was when it was first read whole; None where that was not kept."""

    @property
    def is_ready(self) -> bool:
        """Whether there is a diagnosis to show; an older one stays while it is made anew."""
        return self.diagnosis is not None and not self.failure

    @property
    def is_busy(self) -> bool:
        """Whether something is being read or diagnosed."""
        return self.phase in (Phase.READING, Phase.DIAGNOSING)

    @property
    def is_whole(self) -> bool:
        """Whether what is shown was made of everything that can be read."""
        return self.diagnosis is not None and not self.is_partial

    @property
    def is_reading_first(self) -> bool:
        """Whether a live mesh is being read, and was never read whole before."""
        return self.is_live and self.is_busy and not self.is_whole

    @property
    def elapsed(self) -> float:
        """Seconds since reading began."""
        return max(0.0, self.clock() - self.started)

    @property
    def age(self) -> float:
        """Seconds since what is shown was how the mesh is; 0 when nothing is shown."""
        return 0.0 if self.current_at is None else max(0.0, self.clock() - self.current_at)

    @property
    def files_read(self) -> int:
        """How many files of a recording were read."""
        return self.stages[FILES].done if FILES in self.stages else 0

    def why_not(self, action: str) -> str:
        """Why an action of the app cannot be taken now; empty when it can."""
        if why := self.closed.get(action.removeprefix("go('").removesuffix("')")):
            return why
        if action in ("record", "follow") and not self.is_live:
            return f"{self.name} is a recording already: it does not change"
        if action in ("report", "changes") and not self.is_ready:
            return "there is no diagnosis yet"
        if action == "follow" and not self.is_whole:
            return "the mesh is followed once it has been read whole"
        return ""

    def begin(self) -> None:
        """Reading begins; what is shown stays."""
        self.phase, self.failure, self.stopping = Phase.READING, "", False
        self.started = self.clock()
        self.stages = {}

    def progress(self, news: Iterable[Progress], stages: dict[str, Stage]) -> None:
        """Note how far stages have come, among those of a reading or of a saving."""
        now = self.clock()
        for progress in news:
            stages.setdefault(progress.stage, Stage(progress.stage, now)).take(progress, now)

    def show(
        self, snapshot: Snapshot, diagnosis: Diagnosis, *, whole: bool, arrived: float
    ) -> None:
        """Look at a newer snapshot from now on.

        Args:
            snapshot: what was read.
            diagnosis: what was made of it.
            whole: whether it was made of everything that can be read.
            arrived: when the snapshot came, by the clock.
        """
        self._number_namespaces(diagnosis)
        self.snapshot, self.diagnosis = snapshot, diagnosis
        self.is_partial, self.current_at = not whole, arrived
        if whole and self.is_live and self.opened is None and len(snapshot.proxies) <= MOST_KEPT:
            self.opened = snapshot
        if whole and self.namespace not in diagnosis.namespaces:
            self.namespace = ""

    def _number_namespaces(self, diagnosis: Diagnosis) -> None:
        """Those with most findings first; digits keep their meaning while a mesh is followed."""
        if self.is_whole and set(diagnosis.namespaces) == set(self.namespaces):
            return
        found = Counter(namespace_of(item.resource) for item in diagnosis.findings)
        for cause in diagnosis.root_causes:
            found[namespace_of(cause.objects[0])] += len(diagnosis.findings) + 1
        self.namespaces = tuple(
            sorted(
                diagnosis.namespaces,
                key=lambda name: (-found[name], name.startswith(_SYSTEM), name),
            )
        )

    def waiting_line(self) -> str:
        """What a person is waiting for, and since when."""
        if self.phase is Phase.DIAGNOSING:
            return f"Walking the playbooks… {self.elapsed:.0f}s"
        if self.is_live:
            return self._live_waiting_line()
        last = self.stages[FILES].what if FILES in self.stages else ""
        what = f"\n{last}" if last else ""
        read = f"{self.files_read} files, {self.elapsed:.0f}s"
        return f"Reading {self.name}: {read} (esc cancels){what}"

    def _live_waiting_line(self) -> str:
        if self.stopping:
            return f"Stopping: what was read of {self.name} is kept (esc again does not wait)"
        read = in_words(self.stages.values()) or "asking the API server"
        return f"Reading {self.name}: {read}, {self.elapsed:.0f}s (esc keeps what was read)"
