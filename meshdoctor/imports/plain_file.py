"""One file that stands for itself, perhaps gzipped: read within bounds, what is sound kept."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_model import DEFAULT_LIMITS, Entry, Limits
from meshdoctor.recording.archive_problem import (
    PATH_ERRORS,
    DamageError,
    OverLimitError,
    ProblemLog,
    unreadable,
)
from meshdoctor.recording.archive_stream import CHUNK, GZIP_MAGIC, ByteStream, Gunzip, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.recording.archive import Problem
    from meshdoctor.recording.archive_stream import Source


def _read(source: Source, most: int) -> tuple[bytes, str]:
    """Bytes, and why there are not more; empty when that is all."""
    parts: list[bytes] = []
    # One more is let through, so that a file of just the bound is no damage.
    stream = ByteStream(source, most)
    try:
        while block := stream.some(CHUNK):
            parts.append(block)
    except OverLimitError as error:
        return b"", str(error)
    except DamageError as error:
        return b"".join(parts), str(error)
    return b"".join(parts), ""


def unpacked(data: bytes, most: int = DEFAULT_LIMITS.max_entry_bytes) -> tuple[bytes, str]:
    """A gzipped file's content; any other as it is.

    Args:
        data: the file.
        most: bytes it may have unpacked.

    Returns:
        What could be unpacked, and what is wrong with it; empty when nothing is.
    """
    if not data.startswith(GZIP_MAGIC):
        return data, ""
    return _read(Gunzip(io.BytesIO(data)), most)


def is_tar(path: Path) -> bool:
    """Whether a file is a tar, gzipped or not; a damaged one too, as long as it begins as one."""
    try:
        with open_regular(path) as file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            stream = ByteStream(Gunzip(file) if packed else file, 1 << 20)
            head = b""
            while len(head) < tarfile.BLOCKSIZE and (block := stream.some(tarfile.BLOCKSIZE)):
                head += block
    except (*PATH_ERRORS, DamageError):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        return False
    return True


class PlainFile:
    """A file as an archive of itself."""

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._limits = replace(limits)
        self._log = ProblemLog(path.name)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read of it; complete once ``entries()`` is used up."""
        return self._log.problems("")

    def names(self) -> list[str]:
        """Its own name."""
        return [self._path.name]

    def entries(self) -> Iterator[Entry]:
        """The file, unpacked.

        Raises:
            RecordingError: it cannot be opened.
        """
        self._log = ProblemLog(self._path.name)
        try:
            with open_regular(self._path) as file:
                packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
                file.seek(0)
                source: Source = Gunzip(file) if packed else file
                data, damage = _read(source, self._limits.max_entry_bytes)
        except PATH_ERRORS as error:
            raise unreadable(self._path, error) from None
        if damage:
            self._log.cut(damage)
        yield Entry(self._path.name, data)
