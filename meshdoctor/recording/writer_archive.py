"""Pack a spooled recording: a tar.gz that is the same, byte for byte, for the same files."""

from __future__ import annotations

import gzip
import os
import tarfile
from typing import TYPE_CHECKING

from meshdoctor.recording.layout import MANIFEST
from meshdoctor.recording.writer_spool import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

_LEVEL = 6


def pack(tree: Path, paths: Iterable[str], packed: Path, time: datetime) -> None:
    """Write the files of a tree into an archive, the manifest first: a cut archive stays usable.

    Args:
        tree: the recording's root folder.
        paths: its files, without the manifest.
        packed: the archive to write; made with mode 0600.
        time: written as the time of every member.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with (
        os.fdopen(descriptor, "wb") as file,
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in (MANIFEST, *sorted(paths)):
            member = tree.joinpath(*path.split("/"))
            info = tarfile.TarInfo(path)
            info.size, info.mode = member.stat().st_size, FILE_MODE
            info.mtime = int(time.timestamp())
            with member.open("rb") as content:
                archive.addfile(info, content)
    packed.chmod(FILE_MODE)
