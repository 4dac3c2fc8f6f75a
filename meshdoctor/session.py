"""A session: one source, its snapshot and the diagnoses made of it; both faces use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.diagnosis import Diagnosis, Scope
from meshdoctor.model.source_error import SourceError
from meshdoctor.source import Progress, Saved, Silence

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener, Source


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """A recording on disk, or another tool's archive that becomes one."""

    path: Path
    replace: bool = False
    """Whether ``save`` may replace what is there."""

    @property
    def name(self) -> str:
        """The recording's file name."""
        return self.path.name

    @property
    def is_live(self) -> bool:
        """A recording is what it is."""
        return False

    def check(self) -> None:
        """See whether there is something that can be read, without reading it.

        Raises:
            SourceError: nothing can be used.
        """
        from meshdoctor.imports.opening import recognised

        recognised(self.path)

    def read(self, listener: Listener) -> Snapshot:
        """Read the recording.

        Raises:
            SourceError: nothing can be used.
        """
        # Imported here: the parsers take 0.1 s, which the app's first paint need not wait for.
        from meshdoctor.imports.reading import read

        def tell(path: str, count: int) -> None:
            if listener.wants_to_stop():
                raise SourceError(f"stopped after {count} files; nothing was diagnosed")
            listener.progress(Progress("files", path, count))

        return read(self.path, tell)

    def follow(self, listener: Listener) -> None:
        """A recording never changes."""

    def save(self, path: Path, listener: Listener) -> Saved:
        """Write the recording that another tool's archive becomes; a recording is one already.

        Raises:
            SourceError: it is a recording, or it cannot be written there.
        """
        from meshdoctor.imports.opening import recognised
        from meshdoctor.imports.saving import save

        found = recognised(self.path)
        if found is None:
            raise SourceError(f"{self.name} is a recording already: copy it to {path}")

        def tell(file: str, count: int) -> None:
            listener.progress(Progress("files", file, count))

        written = save(self.path, *found, path, tell, force=self.replace)
        return Saved(
            path=path,
            files=written.files,
            size=written.size,
            redactions=sum(entry.count for entry in written.imported.redactions),
            not_read=len(written.imported.told),
        )


@dataclass(slots=True)
class Session:
    """One source being looked at."""

    source: Source
    _snapshot: Snapshot | None = None
    _diagnoses: dict[Scope, Diagnosis] = field(default_factory=dict)

    def take(self, snapshot: Snapshot) -> None:
        """Look at a newer snapshot of the source from now on."""
        self._snapshot = snapshot
        self._diagnoses.clear()

    def read(self, listener: Listener | None = None) -> Snapshot:
        """Read the source anew; what was read before stays until that is done.

        Raises:
            SourceError: nothing can be used.
        """
        self.take(self.source.read(listener or Silence()))
        return self.snapshot()

    def snapshot(self, listener: Listener | None = None) -> Snapshot:
        """The snapshot; read on first use.

        Raises:
            SourceError: nothing can be used.
        """
        if self._snapshot is None:
            self._snapshot = self.source.read(listener or Silence())
        return self._snapshot

    def diagnosis(self, scope: Scope | None = None) -> Diagnosis:
        """The diagnosis for a scope; made once a snapshot.

        Raises:
            SourceError: nothing can be used.
            ScopeError: the scope names something that is not there.
        """
        # Imported here: analyzers and yaml take 0.1 s.
        from meshdoctor.diagnose.diagnosis import diagnose

        asked = scope or Scope()
        if asked not in self._diagnoses:
            self._diagnoses[asked] = diagnose(self.snapshot(), asked)
        return self._diagnoses[asked]
