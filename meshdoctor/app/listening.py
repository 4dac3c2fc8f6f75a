"""What a source tells in its own thread, as messages in the app's."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Lock
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Progress


class Progressed(Message):
    """More was read; the listener has the news."""

    def __init__(self, listener: ThreadListener) -> None:
        """Carry the listener that was told."""
        self.listener = listener
        super().__init__()


class SnapshotCame(Message):
    """A snapshot of what was read so far, or of what has changed."""

    def __init__(self, listener: ThreadListener, snapshot: Snapshot) -> None:
        """Carry the listener that was told, and the snapshot."""
        self.listener = listener
        self.snapshot = snapshot
        super().__init__()


class ThreadListener:
    """A source's listener that touches no widget: it posts messages, never more than one of news.

    ``progress``, ``so_far`` and ``wants_to_stop`` are called in the reading thread, the rest in the
    app's.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        """Post messages that way; it must be safe in any thread."""
        self._post_message = post
        self._stop = Event()
        self._lock = Lock()
        self._latest: dict[str, Progress] = {}

    def progress(self, progress: Progress) -> None:
        """Keep the latest of each stage; the app fetches it when it comes to it."""
        with self._lock:
            is_first = not self._latest
            self._latest[progress.stage] = progress
        if is_first:
            self._post(Progressed(self))

    def so_far(self, snapshot: Snapshot) -> None:
        """Hand a snapshot over."""
        self._post(SnapshotCame(self, snapshot))

    def wants_so_far(self) -> bool:
        """Always: somebody is looking."""
        return True

    def wants_to_stop(self) -> bool:
        """Whether the person will not wait any longer."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the source to end with what it has."""
        self._stop.set()

    def news(self) -> tuple[Progress, ...]:
        """The latest of each stage that has moved since the last call."""
        with self._lock:
            told = tuple(self._latest.values())
            self._latest.clear()
        return told

    def _post(self, message: Message) -> None:
        # The app may have been left in the meantime.
        with suppress(RuntimeError):
            self._post_message(message)
