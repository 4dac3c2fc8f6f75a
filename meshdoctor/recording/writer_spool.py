"""Where a recording waits until it is whole: a private folder beside its target."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from meshdoctor.recording.archive_model import RecordingError
from meshdoctor.recording.archive_path import printable

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)


def unwritable(target: Path, error: OSError) -> RecordingError:
    """Why a recording cannot be written, as one line for the person."""
    reason = error.strerror or type(error).__name__
    return RecordingError(f"{printable(str(target))} cannot be written: {reason}")


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whatever the umask.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, _FLAGS, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    path.chmod(FILE_MODE)


class Spool:
    """A folder beside the target, on the same file system, gone when it is closed."""

    def __init__(self, target: Path) -> None:
        """Make the folder.

        Raises:
            RecordingError: the target's folder is missing or cannot be written to.
        """
        try:
            # mkdtemp makes it 0700.
            made = tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        except OSError as error:
            raise unwritable(target, error) from None
        self.folder = Path(made)
        self.tree = self.folder / "recording"
        """The recording's own tree grows here."""
        self._remove = weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        try:
            self.tree.mkdir(mode=FOLDER_MODE)
        except OSError as error:
            self.close()
            raise unwritable(target, error) from None

    def put(self, path: str, data: bytes) -> None:
        """Keep one file, replacing one of the same path.

        Args:
            path: checked by ``checked_path``.
            data: what it holds.

        Raises:
            OSError: it cannot be written.
        """
        file = self.tree.joinpath(*path.split("/"))
        folder = self.tree
        for part in path.split("/")[:-1]:
            folder /= part
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        write_private(file, data)

    def close(self) -> None:
        """Remove the folder and all in it; safe to call again."""
        self._remove()
