"""Open a recording: a folder, or the same tree as ``.tar.gz``.

Nothing is ever unpacked to disk, nothing outside the recording is opened, and however hostile the
archive, reading is bounded in memory and ends (docs/adr/0003-reading-hostile-archives.md).
"""

from __future__ import annotations

import stat
import tarfile
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_folder import FolderArchive
from meshdoctor.recording.archive_model import (
    DEFAULT_LIMITS,
    Archive,
    Entry,
    Limits,
    NotARecordingError,
    Problem,
    RecordingError,
    Wanted,
)
from meshdoctor.recording.archive_path import printable
from meshdoctor.recording.archive_problem import PATH_ERRORS, unreadable
from meshdoctor.recording.archive_stream import GZIP_MAGIC, open_regular
from meshdoctor.recording.archive_tarball import TarArchive
from meshdoctor.recording.layout import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_LIMITS",
    "Archive",
    "Entry",
    "Limits",
    "NotARecordingError",
    "Problem",
    "RecordingError",
    "Wanted",
    "open_archive",
    "open_tree",
]

_ACCEPTED = "a recording is a folder or a .tar.gz"
_OTHER_CONTAINERS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
)


def _everything(_path: str) -> bool:
    return True


def open_archive(
    path: Path, limits: Limits = DEFAULT_LIMITS, wanted: Wanted = _everything
) -> Archive:
    """Open a recording and find its root, the folder of the shallowest ``recording.json``.

    Args:
        path: a folder, a ``.tar.gz``, or a plain ``.tar`` (what a browser leaves that unzips).
        limits: the bounds for reading.
        wanted: told each path below the root; where it says no, the bytes are skipped. While the
            root is sought it may be asked about paths that lie elsewhere.

    Raises:
        RecordingError: nothing in it can be used; the message is one line for the person.
    """
    return _opened(path, limits, wanted, None)


def open_tree(path: Path, limits: Limits = DEFAULT_LIMITS, wanted: Wanted = _everything) -> Archive:
    """Open a folder or tar of any layout, read as carefully as a recording; its top is the root.

    Args:
        path: a folder, a ``.tar.gz``, or a plain ``.tar``.
        limits: the bounds for reading.
        wanted: told each path; where it says no, the bytes are skipped.

    Raises:
        RecordingError: it cannot be opened.
        NotARecordingError: it is one file, and no tar.
    """
    return _opened(path, limits, wanted, "")


def _opened(path: Path, limits: Limits, wanted: Wanted, root: str | None) -> Archive:
    try:
        mode = path.stat().st_mode
    except PATH_ERRORS as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        return FolderArchive(path, limits, wanted, root)
    if not stat.S_ISREG(mode):
        raise RecordingError(f"{printable(str(path))} is neither a file nor a folder: {_ACCEPTED}")
    _refuse_other_files(path)
    return TarArchive(path, limits, wanted, root)


def _refuse_other_files(path: Path) -> None:
    """Say what a file is that is no tar and no gzip."""
    shown = printable(str(path))
    try:
        with open_regular(path) as file:
            head = file.read(tarfile.BLOCKSIZE)
    except PATH_ERRORS as error:
        raise unreadable(path, error) from None
    if not head:
        raise RecordingError(f"{shown} is empty: {_ACCEPTED}")
    if head.startswith(GZIP_MAGIC):
        return
    for magic, words in _OTHER_CONTAINERS:
        if head.startswith(magic):
            raise RecordingError(f"{shown} is {words}: {_ACCEPTED}")
    if path.name == MANIFEST:
        raise RecordingError(f"{shown} is one file of a recording: name its folder instead")
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        raise NotARecordingError(f"{shown} is no archive: {_ACCEPTED}") from None
