"""The bytes of an archive file: opened without blocking, unpacked, forward only, bounded."""

from __future__ import annotations

import io
import os
import stat
import zlib
from typing import TYPE_CHECKING, Protocol

from meshdoctor.recording.archive_problem import (
    READ_ERRORS,
    DamageError,
    NotGzipError,
    OverLimitError,
    clause,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"
MAX_GZIP_MEMBERS = 65_536
"""Twice what block gzip makes of 2 GiB; millions of tiny members would only cost time."""
_GZIP_WINDOW = 31
"""zlib's word for a gzip wrapper around a window of 32 KiB."""
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path, *, follow: bool = True) -> io.FileIO:
    """Open a regular file; a FIFO, socket or device is refused instead of waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
        ValueError: the path holds a NUL.
    """
    if not stat.S_ISREG(path.stat(follow_symlinks=follow).st_mode):
        raise OSError(0, "not a regular file")
    descriptor = os.open(path, _OPEN_FLAGS | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    # The name may have been given to something else between the look and the opening.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return io.FileIO(descriptor, "rb")


class Source(Protocol):
    """Anything that gives bytes."""

    def read(self, most: int, /) -> bytes:
        """At least one byte and ``most`` at most; none at the end."""


class Gunzip:
    """Unpacks gzip members one after another, never more at once than asked for.

    Every member's checksum is verified when its end is reached (RFC 1952).
    """

    def __init__(self, packed: Source) -> None:
        """Unpack from the start of ``packed``."""
        self._packed = packed
        self._pending = b""
        self._members = 1
        self._member = zlib.decompressobj(_GZIP_WINDOW)

    def read(self, most: int, /) -> bytes:
        """At least one byte and ``most`` at most; none at the end.

        Raises:
            EOFError: the file ends inside a member.
            zlib.error: the data or its checksum is wrong, or something else follows.
            OSError: the file cannot be read.
        """
        while True:
            if self._member.eof and not self._next_member():
                return b""
            block = self._pending or self._packed.read(CHUNK)
            # zlib may hold output although all input is used up, so it is asked before giving up.
            data = self._member.decompress(block, most)
            ended = self._member.eof
            self._pending = self._member.unused_data if ended else self._member.unconsumed_tail
            if data:
                return data
            if not block and not ended:
                raise EOFError

    def _next_member(self) -> bool:
        # Some writers pad a gzip file with zeros, which gzip itself skips too.
        self._pending = self._pending.lstrip(b"\0")
        while not self._pending:
            block = self._packed.read(CHUNK)
            if not block:
                return False
            self._pending = block.lstrip(b"\0")
        if not self._pending.startswith(GZIP_MAGIC[: len(self._pending)]):
            raise NotGzipError
        self._members += 1
        if self._members > MAX_GZIP_MEMBERS:
            raise zlib.error("too many members")
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        return True


class ByteStream:
    """Bytes read forward, at most ``limit`` of them."""

    def __init__(self, source: Source, limit: int) -> None:
        """Read from ``source``, of which ``limit`` bytes may be taken."""
        self._source = source
        self._limit = limit
        self.position = 0

    def must_fit(self, count: int) -> None:
        """Make sure that so many bytes may still be taken.

        Raises:
            OverLimitError: they may not; nothing was read.
        """
        if count > self._limit - self.position:
            raise OverLimitError(self._limit)

    def some(self, most: int) -> bytes:
        """At least one byte and ``most`` at most; none at the end.

        Raises:
            DamageError: it cannot be read on.
            OverLimitError: it is larger than the limit.
        """
        try:
            data = self._source.read(min(most, CHUNK))
        except READ_ERRORS as error:
            raise DamageError(clause(error)) from None
        self.position += len(data)
        if self.position > self._limit:
            raise OverLimitError(self._limit)
        return data

    def chunks(self, count: int) -> Iterator[bytes]:
        """The next ``count`` bytes in pieces.

        Raises:
            DamageError: there are fewer.
        """
        while count:
            data = self.some(count)
            if not data:
                raise DamageError("it ends early")
            count -= len(data)
            yield data

    def skip(self, count: int) -> None:
        """Pass over bytes.

        Raises:
            DamageError: there are fewer.
        """
        for _ in self.chunks(count):
            pass
