"""A recording in the making: redacted at once, with what is missing and when it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.imports.documents import documents, is_list, objects_of
from meshdoctor.imports.newest_time import newest_in_json, newest_in_log
from meshdoctor.imports.shelf import Shelf
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.recording.archive import Entry
from meshdoctor.recording.archive_content import is_log
from meshdoctor.recording.archive_path import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshdoctor.model.kinds import Kind
    from meshdoctor.recording.redact import Redactor

_TIMED_LOGS = ("istiod/", "proxies/", "ztunnels/")
"""Whose lines begin with Istio's own times; an application may write any."""


class Draft:
    """Takes an archive's files and objects, each redacted before anything else sees it."""

    def __init__(self, redactor: Redactor, take: Callable[[Entry], None]) -> None:
        """Start empty.

        Args:
            redactor: hides secrets.
            take: handed every file of the recording, redacted.
        """
        self._redactor = redactor
        self._take = take
        self._told: dict[str, NotRead] = {}
        self.shelf = Shelf()
        self.kubernetes = ""
        self.istio = ""
        self.newest: datetime | None = None
        """The newest moment that any file speaks of."""
        self.newest_in = ""
        """Where it was found."""
        self.files = 0

    @property
    def told(self) -> tuple[NotRead, ...]:
        """What is known to be missing."""
        return tuple(sorted(self._told.values()))

    def lacks(self, what: str, reason: str, status: NotReadStatus = NotReadStatus.FAILED) -> None:
        """Note that something is missing, or not whole; the first word on it counts.

        Args:
            what: a path in a recording, or a kind's input name.
            reason: why, reading on from the path.
            status: why, in one word.
        """
        self._told.setdefault(what, NotRead(printable(what), status, reason))

    def partial(self, kind: Kind, reason: str) -> None:
        """Note that not all objects of a kind are there: none may be said to be absent."""
        self.lacks(kind.input, reason)

    def saw(self, time: datetime | None, where: str) -> None:
        """Note a moment that a file speaks of."""
        if time is not None and (self.newest is None or time > self.newest):
            self.newest, self.newest_in = time, printable(where)

    def file(self, path: str, data: bytes, first_line: int = 1, origin: str = "") -> None:
        """Add a file of a recording.

        Args:
            path: where a recording keeps it.
            data: what it holds.
            first_line: number of its first line.
            origin: its path in the archive.
        """
        if is_log(path) and path.startswith(_TIMED_LOGS):
            self.saw(newest_in_log(data), origin or path)
        elif path.endswith(".json"):
            self.saw(newest_in_json(data), origin or path)
        self._emit(path, data, first_line)

    def objects(self, path: str, data: bytes, hint: Kind | None = None) -> FileOfObjects:
        """Add the objects of a file of Kubernetes objects; nothing of it is lost that can be read.

        Args:
            path: where it lies in the archive.
            data: JSON or YAML.
            hint: the kind of objects that do not say.

        Returns:
            What was found in it.
        """
        found, damage = documents(data)
        content = FileOfObjects(path)
        for document in found:
            content.listed = content.listed or is_list(document)
            for raw in objects_of(document):
                kind = self.shelf.add(raw, hint)
                if kind is not None:
                    content.add(kind, raw)
        if damage:
            self.lacks(path, f"is damaged: {damage}; what could be read of it is used")
            for kind in content.namespaces:
                self.partial(kind, f"{path} is damaged, so some may be missing")
        content.damaged = bool(damage)
        return content

    def finish(self) -> None:
        """Add the Lists of all objects; call it once, at the end."""
        for path, data in self.shelf.lists():
            self.saw(newest_in_json(data), path)
            self._emit(path, data, 1)

    def _emit(self, path: str, data: bytes, first_line: int) -> None:
        self.files += 1
        self._take(Entry(path, self._redactor.redact(path, data), first_line))


class FileOfObjects:
    """What one file of objects held."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.listed = False
        """Whether it is a List, and not objects one by one."""
        self.damaged = False
        self.namespaces: dict[Kind, set[str]] = {}
        """Each kind in it, with the namespaces of its objects; empty for cluster-scoped ones."""

    def add(self, kind: Kind, raw: Mapping[str, Any]) -> None:
        """Take note of one object."""
        metadata = raw.get("metadata")
        namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
        seen = self.namespaces.setdefault(kind, set())
        if isinstance(namespace, str) and namespace:
            seen.add(namespace)
