"""Write a recording: a folder or a ``.tar.gz`` that appears at once and whole, or not at all.

What it is given must have passed the Redactor (docs/adr/0007-redact-before-disk.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.resource import parse_time
from meshdoctor.recording.archive_content import is_log, newest_lines
from meshdoctor.recording.archive_model import DEFAULT_LIMITS, MIB, RecordingError
from meshdoctor.recording.archive_path import printable
from meshdoctor.recording.archive_problem import size_text
from meshdoctor.recording.layout import MANIFEST
from meshdoctor.recording.writer_archive import pack
from meshdoctor.recording.writer_names import (
    UnsafePathError,
    checked_path,
    is_archive_name,
    safe_name,
)
from meshdoctor.recording.writer_place import place, refuse_existing
from meshdoctor.recording.writer_spool import Spool, unwritable, write_private

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_SIZE_LIMIT", "RecordingWriter", "safe_name"]

DEFAULT_SIZE_LIMIT = 1024 * MIB
"""Bytes of all files together, before compression."""
_MOST_LISTED = 1_000
"""Files left out that are named one by one."""


class RecordingWriter:
    """Gathers a recording's files and makes the recording of them at the end."""

    def __init__(
        self,
        target: Path,
        *,
        size_limit: int = DEFAULT_SIZE_LIMIT,
        log_limit: int = DEFAULT_LIMITS.max_log_bytes,
        force: bool = False,
    ) -> None:
        """Start with nothing.

        Args:
            target: ``….tar.gz`` or ``….tgz`` for an archive; any other name for a folder.
            size_limit: bytes of all files together; what goes beyond is left out and listed.
            log_limit: bytes of one log; of a longer one the newest lines are kept.
            force: replace what is there, if it is a file or a recording's folder.

        Raises:
            RecordingError: the target exists, or cannot be written.
        """
        self._target = target
        self._force = force
        self._size_limit = size_limit
        self._log_limit = log_limit
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._left_out: dict[str, str] = {}
        self._failure: RecordingError | None = None
        refuse_existing(target, force=force)
        self._spool = Spool(target)

    @property
    def files(self) -> int:
        """How many files it holds, without the manifest."""
        return len(self._sizes)

    @property
    def size(self) -> int:
        """Bytes of all its files together, before compression."""
        return self._size

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why files were left out or shortened, by path."""
        return self._left_out

    def add(self, path: str, data: bytes) -> None:
        """Take one file, replacing one of the same path; what exceeds a bound is left out.

        Args:
            path: where it lies in a recording.
            data: what it holds, redacted.

        Raises:
            RecordingError: it cannot be written; ``finish`` will say so again.
        """
        if self._failure is not None:
            raise self._failure
        try:
            checked_path(path)
        except UnsafePathError as error:
            self._leave_out(path, str(error))
            return
        self._left_out.pop(path, None)
        if is_log(path) and len(data) > self._log_limit:
            data, _ = newest_lines([data], self._log_limit)
            self._leave_out(path, f"only its newest {size_text(self._log_limit)} were recorded")
        others = self._size - self._sizes.get(path, 0)
        if others + len(data) > self._size_limit:
            bound = size_text(self._size_limit)
            self._leave_out(path, f"left out: the recording would exceed {bound}")
            return
        try:
            self._spool.put(path, data)
        except OSError as error:
            self._fail(error)
        self._sizes[path] = len(data)
        self._size = others + len(data)

    def finish(self, manifest: Mapping[str, Any]) -> int:
        """Make the recording of what was added.

        Args:
            manifest: recording.json, as ``manifest_document`` makes it; what was left out here
                is added to its errors.

        Returns:
            Bytes on disk.

        Raises:
            RecordingError: it could not be written; nothing is left under the target's name.
        """
        try:
            if self._failure is not None:
                raise self._failure
            return self._finish(manifest)
        except OSError as error:
            raise unwritable(self._target, error) from None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Leave nothing behind; safe to call again, and after ``finish``."""
        self._spool.close()

    def _leave_out(self, path: str, reason: str) -> None:
        self._left_out[printable(path)] = reason

    def _fail(self, error: OSError) -> None:
        # Collectors go on after a failed file: the failure must not be forgotten at the end.
        self._failure = unwritable(self._target, error)
        self.abandon()
        raise self._failure from None

    def _errors(self) -> list[dict[str, str]]:
        status = NotReadStatus.FAILED.value
        listed = sorted(self._left_out.items())[:_MOST_LISTED]
        errors = [{"what": path, "status": status, "reason": why} for path, why in listed]
        more = len(self._left_out) - len(listed)
        if more:
            reason = f"{more} more files were left out like these"
            errors.append({"what": "recording", "status": status, "reason": reason})
        return errors

    def _finish(self, manifest: Mapping[str, Any]) -> int:
        document = {**manifest, "errors": [*manifest.get("errors", ()), *self._errors()]}
        time = parse_time(document.get("captured_at"))
        if time is None:
            raise RecordingError(f"{MANIFEST} needs a captured_at time")
        text = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
        tree = self._spool.tree
        write_private(tree / MANIFEST, text)
        if not is_archive_name(self._target.name):
            size = self.size + len(text)
            place(tree, self._target, force=self._force)
            return size
        packed = self._spool.folder / "recording.tar.gz"
        pack(tree, self._sizes, packed, time)
        size = packed.stat().st_size
        place(packed, self._target, force=self._force)
        return size
