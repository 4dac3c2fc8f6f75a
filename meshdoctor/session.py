"""A session: one source, its snapshot and the diagnoses made of it; both faces use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from meshdoctor.model.diagnosis import Diagnosis, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot

    Progress = Callable[[str, int], None]
    """Called with what was just read and how many things have been read."""


class Source(Protocol):
    """Where snapshots come from: the only place that knows a recording from a live mesh."""

    @property
    def name(self) -> str:
        """How a person calls it."""

    def check(self) -> None:
        """See whether it can be read at all, without reading it.

        Raises:
            RecordingError: nothing can be used.
        """

    def read(self, progress: Progress | None = None) -> Snapshot:
        """Read everything.

        Raises:
            RecordingError: nothing can be used.
        """


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """A recording on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The recording's file name."""
        return self.path.name

    def check(self) -> None:
        """See whether there is something that can be read, without reading it.

        Raises:
            RecordingError: nothing can be used.
        """
        from meshdoctor.recording.archive import open_archive

        open_archive(self.path, wanted=lambda _: False)

    def read(self, progress: Progress | None = None) -> Snapshot:
        """Read the recording.

        Raises:
            RecordingError: nothing can be used.
        """
        # Imported here: the parsers take 0.1 s, which the app's first paint need not wait for.
        from meshdoctor.recording.reader import read_recording

        return read_recording(self.path, progress)


@dataclass(slots=True)
class Session:
    """One source being looked at."""

    source: Source
    _snapshot: Snapshot | None = None
    _diagnoses: dict[Scope, Diagnosis] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop what was read and diagnosed, so that the next question reads the source again."""
        self._snapshot = None
        self._diagnoses.clear()

    def snapshot(self, progress: Progress | None = None) -> Snapshot:
        """The snapshot; read on first use.

        Raises:
            RecordingError: nothing can be used.
        """
        if self._snapshot is None:
            self._snapshot = self.source.read(progress)
        return self._snapshot

    def diagnosis(self, scope: Scope | None = None) -> Diagnosis:
        """The diagnosis for a scope; made once.

        Raises:
            RecordingError: nothing can be used.
            ScopeError: the scope names something that is not there.
        """
        # Imported here: analyzers and yaml take 0.1 s.
        from meshdoctor.diagnose.diagnosis import diagnose

        asked = scope or Scope()
        if asked not in self._diagnoses:
            self._diagnoses[asked] = diagnose(self.snapshot(), asked)
        return self._diagnoses[asked]
