"""What went wrong while reading: mapped to words, gathered, bounded."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_model import (
    MIB,
    NotARecordingError,
    Problem,
    RecordingError,
)
from meshdoctor.recording.archive_path import below, printable
from meshdoctor.recording.layout import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

FAILED = "failed"
MAX_LISTED = 100
"""Problems listed one by one; a hostile archive can hold as many as it has entries."""
READ_ERRORS = (OSError, EOFError, MemoryError, zlib.error)
"""What reading or unpacking bytes can raise."""
PATH_ERRORS = (OSError, ValueError, RuntimeError)
"""What looking at a path can raise: ValueError for a NUL in it, RuntimeError for a link loop."""


class NotGzipError(zlib.error):
    """What follows a gzip member is not another one."""


class DamageError(Exception):
    """The archive cannot be read on; the message is a clause about ``it``."""


class OverLimitError(DamageError):
    """All that may be read has been read."""

    def __init__(self, limit: int) -> None:
        """Name the bound, in bytes."""
        super().__init__(f"it holds more than {size_text(limit)}")


def size_text(count: int) -> str:
    """A byte bound as a person writes it."""
    return f"{count / MIB:g} MiB" if count >= MIB else f"{count} bytes"


def clause(error: BaseException) -> str:
    """What an error from reading means, as a clause about ``it``."""
    if isinstance(error, EOFError):
        return "it ends early"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, NotGzipError):
        return "it goes on with bytes that are not gzip"
    if isinstance(error, zlib.error):
        return "its gzip data is damaged"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return "it cannot be read"


def unreadable(path: Path, error: BaseException) -> RecordingError:
    """The refusal of a path that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return RecordingError(f"{printable(str(path))} does not exist")
    reason = error.strerror if isinstance(error, OSError) else None
    return RecordingError(f"{printable(str(path))} cannot be read: {reason or 'not a path'}")


class ProblemLog:
    """Gathers problems, each under its path in the archive."""

    def __init__(self, archive: str) -> None:
        """Start empty.

        Args:
            archive: the archive's name, under which its own failures are listed.
        """
        self._archive = archive
        self._skipped: list[tuple[str, str]] = []
        self._unlisted = 0
        self._about_all: list[str] = []
        self.damage: str | None = None
        """Why reading stopped before the end, as a clause about ``it``."""

    def skip(self, path: str, reason: str) -> None:
        """Note one entry that was skipped or shortened."""
        if len(self._skipped) < MAX_LISTED:
            self._skipped.append((path, reason))
        else:
            self._unlisted += 1

    def cut(self, damage: str) -> None:
        """Note that reading stopped here; what was read before stays usable."""
        self.damage = damage
        self._about_all.append(f"{damage}; the rest was not read")

    def remark(self, reason: str) -> None:
        """Note something about the archive as a whole."""
        self._about_all.append(reason)

    def problems(self, root: str) -> tuple[Problem, ...]:
        """All of them, with paths below the root where they lie there."""
        listed = []
        for path, reason in self._skipped:
            inner = below(root, path)
            listed.append(Problem(printable(inner or path), FAILED, reason))
        about = list(self._about_all)
        if self._unlisted:
            about.append(f"it holds {self._unlisted} more entries that were skipped like these")
        return (*listed, *(Problem(printable(self._archive), FAILED, text) for text in about))

    def no_manifest(self, path: Path) -> RecordingError:
        """The refusal when no recording.json was found."""
        line = f"{printable(str(path))} is not a meshdoctor recording: no {MANIFEST} in it"
        return NotARecordingError(f"{line}, and {self.damage}" if self.damage else line)
