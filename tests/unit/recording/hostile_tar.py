"""Tar and gzip bytes made by hand, also those that no honest writer makes."""

from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
"""Tar's end mark."""


def padded(data: bytes) -> bytes:
    """Data filled up to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """One header block; GNU form, so the size may be anything, also negative."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def member(name: str, data: bytes = b"") -> bytes:
    """A file."""
    return header(name, len(data)) + padded(data)


def pax(records: bytes, size: int | None = None) -> bytes:
    """An extended header with these records, and a size that may be a lie."""
    claimed = len(records) if size is None else size
    return header("PaxHeader", claimed, tarfile.XHDTYPE) + padded(records)


def pax_record(key: str, value: bytes) -> bytes:
    """One record, its length in front counting itself."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def sparse(name: str, maps: int) -> bytes:
    """An old GNU sparse file whose map goes on for ``maps`` more blocks."""
    block = bytearray(header(name, 0, tarfile.GNUTYPE_SPARSE))
    block[482] = bool(maps)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    blocks = []
    for left in range(maps, 0, -1):
        following = bytearray(BLOCK)
        following[504] = left > 1
        blocks.append(bytes(following))
    return bytes(block) + b"".join(blocks)


def tar(files: Mapping[str, bytes], *more: bytes, end: bytes = END) -> bytes:
    """A tar of these files, then other members as bytes."""
    return b"".join([*(member(name, data) for name, data in files.items()), *more, end])


def gz(data: bytes) -> bytes:
    """Gzipped, the same bytes every time."""
    return gzip.compress(data, compresslevel=1, mtime=0)


def gz_pieces(pieces: Iterable[tuple[bytes, int]]) -> bytes:
    """One gzip member a piece, repeated so many times: gigabytes of zeros in no time."""
    listed = list(pieces)
    packed = {data: gz(data) for data in {data for data, _ in listed}}
    return b"".join(packed[data] * times for data, times in listed)
