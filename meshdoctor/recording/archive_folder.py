"""A recording in a folder, read file by file, never outside it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_content import entry_from, is_log
from meshdoctor.recording.archive_path import (
    MAX_ROOT_DEPTH,
    RootFinder,
    UnsafeNameError,
    printable,
    relative_path,
)
from meshdoctor.recording.archive_problem import (
    PATH_ERRORS,
    READ_ERRORS,
    DamageError,
    OverLimitError,
    ProblemLog,
    clause,
    size_text,
    unreadable,
)
from meshdoctor.recording.archive_stream import CHUNK, ByteStream, open_regular
from meshdoctor.recording.layout import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.recording.archive_model import Entry, Limits, Problem, Wanted

MAX_SEARCHED_FOLDERS = 10_000
"""Folders looked into for recording.json: a home folder given by mistake must not take minutes."""
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _kind(mode: int) -> str:
    return next((words for matches, words in _KINDS if matches(mode)), "no plain file")


def _listed(folder: Path, most: int) -> list[os.DirEntry[str]]:
    """A folder's entries by name, ``most`` and one at most."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            found.append(entry)
            if len(found) > most:
                break
    return sorted(found, key=lambda entry: entry.name)


class FolderArchive:
    """Reads a folder.

    Files are opened only when they are regular and lie inside the folder: a link that leads outside
    is skipped, and so is a link to a folder, a FIFO (which would block), a socket or a device.
    """

    def __init__(self, path: Path, limits: Limits, wanted: Wanted, root: str | None = None) -> None:
        """Look for the root.

        Args:
            path: the folder.
            limits: the bounds for reading.
            wanted: which files are of use.
            root: the root where it is known, empty for the top; None to look for recording.json.

        Raises:
            RecordingError: the folder cannot be read, or holds no recording.json.
        """
        self._path = path
        self._limits = limits
        self._wanted = wanted
        try:
            self._base = self._top = path.resolve(strict=True)
            self._log = ProblemLog(self.name)
            root = self._search() if root is None else root
        except PATH_ERRORS as error:
            raise unreadable(path, error) from None
        if root is None:
            raise self._log.no_manifest(path)
        self._base = self._top / root

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._path.name or self._top.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was skipped and why; complete once ``entries()`` is used up."""
        return self._log.problems("")

    def names(self) -> list[str]:
        """Every file's path, sorted; nothing is opened."""
        self._log = ProblemLog(self.name)
        return sorted(self._paths())

    def entries(self) -> Iterator[Entry]:
        """The wanted files, sorted by path."""
        self._log = ProblemLog(self.name)
        room = self._limits.max_total_bytes
        for path in sorted(self._paths()):
            if not self._wanted(path):
                continue
            # However much lies beside it, a recording without its manifest would be lost.
            allowed = self._limits.max_entry_bytes if path == MANIFEST else room
            entry, count = self._read(path, allowed)
            room = max(0, room - count)
            if entry is not None:
                yield entry

    def _search(self) -> str | None:
        """The folder of the shallowest recording.json; None when there is none."""
        finder = RootFinder()
        level = [self._top]
        searched = 0
        for _ in range(MAX_ROOT_DEPTH + 1):
            deeper: list[Path] = []
            for folder in level:
                searched += 1
                if searched > MAX_SEARCHED_FOLDERS:
                    self._log.damage = f"it has more than {MAX_SEARCHED_FOLDERS} folders"
                    return None
                if self._target(folder / MANIFEST) is not None:
                    finder.see((folder / MANIFEST).relative_to(self._top).as_posix())
                deeper += self._subfolders(folder)
            root = finder.root(printable(str(self._path)))
            if root is not None:
                return root
            level = deeper
        return None

    def _subfolders(self, folder: Path) -> list[Path]:
        try:
            listed = _listed(folder, MAX_SEARCHED_FOLDERS)
            return [folder / entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]
        except PATH_ERRORS:
            if folder == self._top:
                raise
            return []

    def _target(self, path: Path) -> Path | None:
        """The regular file that a path leads to inside the folder, through links or not."""
        try:
            target = path.resolve(strict=True)
            if not target.is_relative_to(self._base):
                return None
            return target if stat.S_ISREG(target.stat(follow_symlinks=False).st_mode) else None
        except PATH_ERRORS:
            return None

    def _paths(self) -> Iterator[str]:
        """Paths of all files, in no order; notes what is none."""
        count = 0
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                listed = _listed(self._base / folder, self._limits.max_entries - count)
            except PATH_ERRORS as error:
                self._log.skip(folder, f"is a folder that was skipped: {clause(error)}")
                continue
            for entry in listed:
                count += 1
                if count > self._limits.max_entries:
                    self._log.cut(f"it holds more than {self._limits.max_entries} entries")
                    return
                path = f"{folder}/{entry.name}" if folder else entry.name
                if self._is_folder(path, entry):
                    waiting.append(path)
                elif self._is_file(path, entry):
                    yield path

    def _is_folder(self, path: str, entry: os.DirEntry[str]) -> bool:
        try:
            return relative_path(path) == path and entry.is_dir(follow_symlinks=False)
        except (UnsafeNameError, OSError):
            return False

    def _is_file(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Whether it may be opened; what may not is noted."""
        try:
            relative_path(path)
            if entry.is_symlink():
                if self._target(self._base / path) is not None:
                    return True
                self._log.skip(path, "is a link that leads to no file inside the recording")
                return False
            mode = entry.stat(follow_symlinks=False).st_mode
        except UnsafeNameError as error:
            self._log.skip(path, str(error))
            return False
        except OSError as error:
            self._log.skip(path, f"was skipped: {clause(error)}")
            return False
        if not stat.S_ISREG(mode):
            self._log.skip(path, f"is {_kind(mode)}, not a plain file")
            return False
        return True

    def _read(self, path: str, room: int) -> tuple[Entry | None, int]:
        """One file, unless it is larger than ``room``, and how many bytes were taken."""
        target: Path | None = self._base / path
        if target is not None and target.is_symlink():
            target = self._target(target)
        if target is None:
            self._log.skip(path, "vanished while the recording was read")
            return None, 0
        try:
            with open_regular(target, follow=False) as file:
                size = os.fstat(file.fileno()).st_size
                stream = ByteStream(file, room)
                if is_log(path) or size <= self._limits.max_entry_bytes:
                    stream.must_fit(size)
                chunks = iter(lambda: stream.some(CHUNK), b"")
                return entry_from(path, size, chunks, self._limits, self._log), stream.position
        except OverLimitError:
            total = size_text(self._limits.max_total_bytes)
            self._log.skip(path, f"was skipped: the files hold more than {total}")
        except DamageError as damage:
            self._log.skip(path, f"was skipped: {damage}")
        except READ_ERRORS as error:
            self._log.skip(path, f"was skipped: {clause(error)}")
        return None, 0
