"""The members of a tar stream, one header at a time.

The standard library decodes each header block; the walk is ours, because ``TarFile`` reads
extended headers of any size, recurses over them and takes damage for the end
(docs/adr/0003-reading-hostile-archives.md).
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_model import MIB
from meshdoctor.recording.archive_problem import DamageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.recording.archive_stream import ByteStream

BLOCK = tarfile.BLOCKSIZE
MAX_EXTENSION_BYTES = MIB
"""Extended headers before one member; a path of 4096 characters needs 8 KiB."""
_EXTENSIONS = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_WITHOUT_DATA = {
    tarfile.DIRTYPE: "a folder",
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a FIFO",
}
NO_TAR = "it holds no tar archive"
FILE = "a file"
FOLDER = _WITHOUT_DATA[tarfile.DIRTYPE]
SPARSE = "a sparse file"
_IS_EXTENDED_IN_HEADER = 482
_IS_EXTENDED_IN_MAP = 504
"""Where GNU tar says whether a block of a sparse file's map follows."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a tar; its data, if any, comes next in the stream."""

    name: str
    """As written: it may be absolute, climb out, or hold undecodable bytes as surrogates."""
    kind: str
    """``FILE``, ``FOLDER``, or words for what it is instead."""
    size: int
    """Bytes of data in the stream."""


@dataclass(slots=True)
class _Extension:
    """What extended headers say about the member they precede."""

    name: str | None = None
    size: int | None = None
    sparse: bool = False
    bytes_read: int = field(default=0)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def members(stream: ByteStream) -> Iterator[Member]:
    """The members in order; data that the caller left unread is skipped.

    Raises:
        DamageError: a header is wrong, or the stream ends before tar's end mark.
        OverLimitError: what comes next is larger than the stream's limit.
    """
    while (header := _header(stream)) is not None:
        extension = _Extension()
        while header.type in _EXTENSIONS:
            _extend(extension, header, stream)
            following = _header(stream)
            if following is None:
                raise DamageError("it ends after an extended tar header")
            header = following
        member = _member(header, extension, stream)
        stream.must_fit(member.size)
        end = stream.position + _padded(member.size)
        yield member
        stream.skip(end - stream.position)


class _Header(tarfile.TarInfo):
    """A header and its block, which the standard library drops."""

    block: bytes


def _header(stream: ByteStream) -> _Header | None:
    """The next header; None at the end mark."""
    block = b""
    while len(block) < BLOCK:
        data = stream.some(BLOCK - len(block))
        if not data:
            raise DamageError(_at_end(stream.position, len(block)))
        block += data
    if not block.strip(b"\0"):
        return None
    try:
        header = _Header.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        first = stream.position == BLOCK
        raise DamageError(NO_TAR if first else "it has a damaged tar header") from None
    if header.size < 0:
        raise DamageError("it has a tar header with a negative size")
    header.block = block
    return header


def _at_end(position: int, of_header: int) -> str:
    """What it means that the stream ends where a header should be."""
    if position == of_header:
        return NO_TAR
    return "it ends early" if of_header else "it has no end mark and may be cut short"


def _take(extension: _Extension, count: int, stream: ByteStream) -> bytes:
    """Read bytes that belong to headers, of which there is little in an honest archive."""
    extension.bytes_read += _padded(count)
    if extension.bytes_read > MAX_EXTENSION_BYTES:
        raise DamageError("it has tar headers of absurd size")
    data = b"".join(stream.chunks(count))
    stream.skip(_padded(count) - count)
    return data


def _extend(extension: _Extension, header: _Header, stream: ByteStream) -> None:
    # The header block itself counts too, or empty ones could go on for ever.
    extension.bytes_read += BLOCK
    data = _take(extension, header.size, stream)
    if header.type == tarfile.GNUTYPE_LONGNAME:
        extension.name = _text(data.partition(b"\0")[0])
    elif header.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}:
        _apply(extension, data)


def _apply(extension: _Extension, data: bytes) -> None:
    """Take what matters from a pax extended header: records of ``length key=value``."""
    try:
        for key, value in pax_records(data):
            if key == b"path":
                extension.name = _text(value)
            elif key == b"size":
                extension.size = int(value)
            elif key.startswith(b"GNU.sparse."):
                extension.sparse = True
    except ValueError:
        raise DamageError("it has a damaged extended tar header") from None
    if extension.size is not None and extension.size < 0:
        raise DamageError("it has a tar header with a negative size")


def pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records of a pax extended header (POSIX.1-2001, pax "Extended Header").

    Raises:
        ValueError: a record is malformed.
    """
    position = 0
    while position < len(data) and data[position]:
        space = data.index(b" ", position, position + 12)
        end = position + int(data[position:space])
        if not space < end <= len(data) or data[end - 1 : end] != b"\n":
            raise ValueError("a record's length is wrong")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals:
            raise ValueError("a record has no value")
        yield key, value
        position = end


def _member(header: _Header, extension: _Extension, stream: ByteStream) -> Member:
    name = header.name if extension.name is None else extension.name
    if header.type in _WITHOUT_DATA:
        return Member(name, _WITHOUT_DATA[header.type], 0)
    size = header.size if extension.size is None else extension.size
    if header.type == tarfile.GNUTYPE_SPARSE:
        more = header.block[_IS_EXTENDED_IN_HEADER]
        while more:
            more = _take(extension, BLOCK, stream)[_IS_EXTENDED_IN_MAP]
        return Member(name, SPARSE, size)
    if extension.sparse:
        return Member(name, SPARSE, size)
    if header.type in _FILES:
        return Member(name, FILE, size)
    return Member(name, f"of the unknown tar type {chr(header.type[0])!a}", size)
