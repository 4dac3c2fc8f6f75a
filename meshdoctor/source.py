"""Where snapshots come from: the only place that knows a recording from a live mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Progress:
    """How far reading has come."""

    stage: str
    """What is being read: ``files``, ``objects``, ``istiod``, ``proxies``, ``logs`` …"""
    what: str
    """Path, pod or kind that was just read."""
    done: int
    """How many of this stage are done."""
    total: int | None = None
    """How many there are in this stage; None while that is not known."""


class Listener(Protocol):
    """Who is told while a source is read; called in the reading thread."""

    def progress(self, progress: Progress) -> None:
        """Something more was read."""

    def so_far(self, snapshot: Snapshot) -> None:
        """A snapshot of what has been read so far: what is missing is listed as not read."""

    def wants_so_far(self) -> bool:
        """Whether a snapshot of what has been read so far is of use now: making one costs time."""

    def wants_to_stop(self) -> bool:
        """Whether the person will not wait any longer: what was read is kept and used."""


class Silence:
    """A listener that does not care."""

    def progress(self, progress: Progress) -> None:
        """Nothing."""

    def so_far(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def wants_so_far(self) -> bool:
        """Never."""
        return False

    def wants_to_stop(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Saved:
    """A recording that was written."""

    path: Path
    files: int
    size: int
    """Bytes on disk."""
    redactions: int
    """How many secrets were hidden."""
    not_read: int
    """How many things could not be read."""
    lacks_needed: bool = False
    """Whether a diagnosis needs some of them."""


class Source(Protocol):
    """Where snapshots come from."""

    @property
    def name(self) -> str:
        """How a person calls it: a file's name, or a kubeconfig context."""

    @property
    def is_live(self) -> bool:
        """Whether it can be read again and followed, and its age matters."""

    def check(self) -> None:
        """See whether it can be read at all, without reading it.

        Raises:
            SourceError: nothing can be used.
        """

    def read(self, listener: Listener) -> Snapshot:
        """Read everything that is asked for; when stopped, what was read so far.

        Raises:
            SourceError: nothing can be used.
        """

    def follow(self, listener: Listener) -> None:
        """Keep what was read current until the listener wants to stop.

        Each change is told by ``so_far``; a recording never changes and returns at once.

        Raises:
            SourceError: the source is lost.
        """

    def save(self, path: Path, listener: Listener) -> Saved:
        """Read everything once more, into a new recording.

        Raises:
            SourceError: nothing could be read, or it cannot be written there.
        """
