"""One entry's bytes, within bounds: a file whole, of a long log the end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_model import Entry
from meshdoctor.recording.archive_problem import ProblemLog, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.recording.archive_model import Limits

_NEWLINE = b"\n"


class TooLargeError(Exception):
    """A file grew over its bound while being read."""


def is_log(path: str) -> bool:
    """Whether a file may grow without bound, and only its end counts."""
    return path.endswith(".log")


def entry_from(
    path: str, size: int, chunks: Iterable[bytes], limits: Limits, log: ProblemLog
) -> Entry | None:
    """Read one file, or note why not.

    Args:
        path: where it lies in the archive.
        size: bytes it is said to have.
        chunks: its bytes; left unread when it is too large.
        limits: the bounds.
        log: told what was skipped or shortened.
    """
    try:
        if is_log(path):
            data, first_line = newest_lines(chunks, limits.max_log_bytes)
            if first_line is not None:
                shown = size_text(limits.max_log_bytes)
                log.skip(path, f"is longer than {shown}: only its newest lines were read")
            return Entry(path, data, first_line or 1)
        if size > limits.max_entry_bytes:
            raise TooLargeError
        return Entry(path, b"".join(_bounded(chunks, limits.max_entry_bytes)))
    except TooLargeError:
        log.skip(path, f"is larger than {size_text(limits.max_entry_bytes)}")
    except MemoryError:
        log.skip(path, "is larger than the memory there is")
    return None


def _bounded(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise TooLargeError
        yield chunk


def newest_lines(chunks: Iterable[bytes], most: int) -> tuple[bytes, int | None]:
    """The end of a text, from the start of a line, ``most`` bytes at most.

    Returns:
        The bytes, and the number of their first line, from 1; None when nothing was dropped.
        Of a last line longer than ``most`` the end is kept.
    """
    kept: deque[bytes] = deque()
    held = 0
    dropped_lines = 0
    dropped = ends_a_line = False
    for chunk in chunks:
        kept.append(chunk)
        held += len(chunk)
        while held > most:
            dropped = True
            excess = kept[0][: held - most]
            rest = kept.popleft()[len(excess) :]
            if rest:
                kept.appendleft(rest)
            held -= len(excess)
            ends_a_line = excess.endswith(_NEWLINE)
            dropped_lines += excess.count(_NEWLINE)
    data = b"".join(kept)
    if not dropped:
        return data, None
    newline = data.find(_NEWLINE)
    if ends_a_line or newline < 0:
        return data, dropped_lines + 1
    return data[newline + 1 :], dropped_lines + 2
