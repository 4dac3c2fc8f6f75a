"""The words of the archive layer: what it yields, what it bounds, what it says went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from meshdoctor.model.source_error import SourceError

MIB = 1024 * 1024
Wanted = Callable[[str], bool]
"""Whether an entry's bytes are of use, told by its path below the recording's root."""


class RecordingError(SourceError):
    """One clear line for the person; the recording cannot be used at all."""


class NotARecordingError(RecordingError):
    """It can be read and is no recording: another tool's archive, perhaps."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a recording is read at most, so that no archive can exhaust the machine."""

    max_entries: int = 200_000
    """Files, folders and links together."""
    max_entry_bytes: int = 256 * MIB
    """A larger file is skipped."""
    max_total_bytes: int = 2048 * MIB
    """All that is unpacked, also what is skipped; reading stops there."""
    max_log_bytes: int = 64 * MIB
    """Of a longer ``.log`` only the end is read: the newest lines count."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the recording that was not read, or not in full."""

    path: str
    """Path below the recording's root; the archive's own name when it is the archive that fails."""
    status: str
    """Always ``failed``: the JSON contract's word for what broke while being read."""
    reason: str
    """One line that reads on from the path."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a recording."""

    path: str
    """Relative POSIX path below the recording's root."""
    data: bytes
    first_line: int = 1
    """Line number, from 1, of the first line in ``data``: above 1 when a long log lost its head."""


class Archive(Protocol):
    """A recording opened for reading."""

    @property
    def name(self) -> str:
        """File or folder name, without the folders above it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was skipped and why; complete once ``entries()`` is used up."""

    def names(self) -> list[str]:
        """Every file's path below the root, wanted or not; no content is kept."""

    def entries(self) -> Iterator[Entry]:
        """The wanted files, one at a time; may be called again.

        Folders come sorted by path, archives in their own order.

        Raises:
            RecordingError: the file vanished or changed since it was opened.
        """
