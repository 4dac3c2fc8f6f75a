"""A recording in a tar archive, gzipped or plain, read forward without unpacking it to disk."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_content import entry_from
from meshdoctor.recording.archive_model import MIB, Entry
from meshdoctor.recording.archive_path import (
    RootFinder,
    UnsafeNameError,
    below,
    possible_paths,
    printable,
    relative_path,
)
from meshdoctor.recording.archive_problem import PATH_ERRORS, DamageError, ProblemLog, unreadable
from meshdoctor.recording.archive_stream import GZIP_MAGIC, ByteStream, Gunzip, open_regular
from meshdoctor.recording.archive_tar import FILE, FOLDER, Member, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from meshdoctor.recording.archive_model import Limits, Problem, Wanted

    Keep = Callable[[str, int], bool]
    """Whether to read the data of a path of this many bytes."""

LOOK_AHEAD_BYTES = 32 * MIB
"""Wanted bytes held while the root is sought, so that most archives are unpacked once only."""
_MAX_TAIL_BYTES = MIB
"""Read after tar's end mark to verify gzip's checksum; tar pads to 10 KiB."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file of the archive, with its bytes when they were kept."""

    path: str
    entry: Entry | None


class _LookAhead:
    """Holds what is read before the root is known, as long as it is little."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._held: list[Entry] = []
        self._room = LOOK_AHEAD_BYTES
        self.full = False

    def keep(self, path: str, size: int) -> bool:
        """Whether to read this file now."""
        if self.full or not any(map(self._wanted, possible_paths(path))):
            return False
        if size > self._room:
            self.full = True
            self._held.clear()
            return False
        self._room -= size
        return True

    def hold(self, entry: Entry) -> None:
        """Keep a file that was read."""
        self._held.append(entry)

    def entries(self, root: str) -> list[Entry] | None:
        """All that is wanted below the root; None when not all of it could be held."""
        return None if self.full else list(_wanted_below(root, self._held, self._wanted))


def _wanted_below(root: str, found: list[Entry], wanted: Wanted) -> Iterator[Entry]:
    for entry in found:
        path = below(root, entry.path)
        if path is not None and wanted(path):
            yield Entry(path, entry.data, entry.first_line)


class TarArchive:
    """Reads a ``.tar.gz`` or ``.tar``.

    The root is found before the first entry is given out. When all wanted files are small together
    they are held meanwhile; otherwise only names are looked at, and ``entries()`` reads again.
    """

    def __init__(self, path: Path, limits: Limits, wanted: Wanted, root: str | None = None) -> None:
        """Look for the root.

        Args:
            path: the archive.
            limits: the bounds for reading.
            wanted: which files are of use.
            root: the root where it is known, empty for the top; None to look for recording.json.

        Raises:
            RecordingError: the file cannot be opened, or holds no recording.json.
        """
        self._path = path
        self._limits = limits
        self._wanted = wanted
        self._log = ProblemLog(path.name)
        self._held: list[Entry] | None = None
        if root is None:
            self._root, self._held = self._look_ahead()
        else:
            self._root = root

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was skipped and why; complete once ``entries()`` is used up."""
        return self._log.problems(self._root)

    def names(self) -> list[str]:
        """Every file's path, in the archive's order; no content is kept.

        Raises:
            RecordingError: the file vanished since it was opened.
        """
        self._log = ProblemLog(self._path.name)
        with self._opened() as stream:
            found = [file.path for file in self._walk(stream, lambda _path, _size: False)]
        inner = (below(self._root, path) for path in found)
        return [path for path in inner if path is not None]

    def entries(self) -> Iterator[Entry]:
        """The wanted files in the archive's order.

        Raises:
            RecordingError: the file vanished since it was opened.
        """
        if self._held is not None:
            yield from self._held
            return
        self._log = ProblemLog(self._path.name)
        with self._opened() as stream:
            for found in self._walk(stream, self._is_wanted):
                if found.entry is not None:
                    yield from _wanted_below(self._root, [found.entry], self._wanted)

    def _is_wanted(self, path: str, _size: int) -> bool:
        inner = below(self._root, path)
        return inner is not None and self._wanted(inner)

    def _look_ahead(self) -> tuple[str, list[Entry] | None]:
        ahead = _LookAhead(self._wanted)
        finder = RootFinder()
        with self._opened() as stream:
            for found in self._walk(stream, ahead.keep):
                finder.see(found.path)
                if found.entry is not None:
                    ahead.hold(found.entry)
                if ahead.full and finder.certain:
                    break
        root = finder.root(printable(str(self._path)))
        if root is None:
            raise self._log.no_manifest(self._path)
        return root, ahead.entries(root)

    @contextmanager
    def _opened(self) -> Iterator[ByteStream]:
        try:
            file = open_regular(self._path)
        except PATH_ERRORS as error:
            raise unreadable(self._path, error) from None
        with file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            yield ByteStream(Gunzip(file) if packed else file, self._limits.max_total_bytes)

    def _walk(self, stream: ByteStream, keep: Keep) -> Iterator[_Found]:
        """Every file with a safe name that stands in the archive for the first time."""
        seen: set[str] = set()
        try:
            for number, member in enumerate(members(stream), start=1):
                if number > self._limits.max_entries:
                    raise DamageError(f"it holds more than {self._limits.max_entries} entries")
                path = self._safe_file(member)
                if path is None:
                    continue
                if path in seen:
                    self._log.skip(path, "is in the archive twice: the first one counts")
                    continue
                seen.add(path)
                yield _Found(path, self._read(path, member, stream, keep))
            self._check_tail(stream)
        except DamageError as damage:
            self._log.cut(str(damage))

    def _safe_file(self, member: Member) -> str | None:
        try:
            path = relative_path(member.name)
        except UnsafeNameError as error:
            self._log.skip(member.name, str(error))
            return None
        if member.kind == FOLDER:
            return None
        if member.kind != FILE:
            self._log.skip(path, f"is {member.kind}, not a plain file")
            return None
        if not path:
            self._log.skip(member.name, "is a file without a name")
            return None
        return path

    def _read(self, path: str, member: Member, stream: ByteStream, keep: Keep) -> Entry | None:
        if not keep(path, member.size):
            return None
        return entry_from(path, member.size, stream.chunks(member.size), self._limits, self._log)

    def _check_tail(self, stream: ByteStream) -> None:
        """After tar's end mark comes padding, then gzip's checksum of the whole."""
        room = _MAX_TAIL_BYTES
        hidden = False
        try:
            while room > 0 and (data := stream.some(room)):
                room -= len(data)
                hidden = hidden or bool(data.strip(b"\0"))
        except DamageError as damage:
            self._log.remark(f"at its very end, {damage}: what was read may be damaged")
        if hidden:
            self._log.remark("it holds more after tar's end mark, which was not read")
