"""A recording as a whole, immutable: every file by its path, every List of objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError
from meshdoctor.recording.archive import NotARecordingError, RecordingError, open_archive
from meshdoctor.recording.layout import MANIFEST
from meshdoctor.recording.manifest import parse_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CORE = "core"
"""A recording's word for the legacy group, which the API itself calls by no name."""
_LIST = "List"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """One List answer of an API server."""

    group: str
    """API group; empty for the core group."""
    version: str
    plural: str
    kind: str
    """Of its items; empty where neither the List nor an item says."""
    resource_version: int
    """What the List was true at; 0 where it does not say."""
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Mesh:
    """What a recording holds."""

    name: str
    """File or folder name, without the folders above it."""
    captured_at: datetime
    """In UTC."""
    kubernetes: str
    """The API server's version; empty where the manifest does not say."""
    files: Mapping[str, bytes]
    """Everything in it, by path."""
    objects: tuple[ObjectList, ...]
    """The Lists, in the order of their paths."""
    errors: tuple[NotRead, ...]
    """What the recorder could not read, and what could not be read of the recording itself."""

    @classmethod
    def load(cls, path: Path) -> Mesh:
        """Open a recording, a folder or a ``.tar.gz``, or another tool's archive.

        Args:
            path: where it lies.

        Raises:
            RecordingError: nothing can be used; the message is one line for the person.
        """
        try:
            archive = open_archive(path)
        except NotARecordingError as error:
            from meshdoctor.imports.opening import importer_or
            from meshdoctor.imports.saving import files_of

            return cls.of(path.name, files_of(path, *importer_or(path, error)))
        files = {entry.path: entry.data for entry in archive.entries()}
        problems = [
            NotRead(problem.path, NotReadStatus(problem.status), problem.reason)
            for problem in archive.problems
        ]
        return cls.of(archive.name, files, problems)

    @classmethod
    def of(cls, name: str, files: Mapping[str, bytes], problems: Iterable[NotRead] = ()) -> Mesh:
        """Make one of files in memory.

        Args:
            name: what to call it.
            files: paths of a recording and what is there; ``recording.json`` is needed.
            problems: what could not be read, besides what the manifest says.

        Raises:
            RecordingError: there is no manifest, or not one of this format.
        """
        if MANIFEST not in files:
            raise RecordingError(f"{name} is not a meshdoctor recording: no {MANIFEST} in it")
        manifest = parse_manifest(files[MANIFEST], name)
        lists, garbled = _lists(files)
        return cls(
            name=name,
            captured_at=manifest.about.captured_at.astimezone(UTC),
            kubernetes=manifest.about.kubernetes,
            files=MappingProxyType(dict(files)),
            objects=lists,
            errors=(*manifest.errors, *problems, *garbled),
        )

    def problem(self, path: str) -> str | None:
        """Why the recorder could not read a file; None where nothing was noted.

        Args:
            path: of the file; what was noted of a folder above it holds for it too.
        """
        for error in self.errors:
            if path == error.what or path.startswith(f"{error.what}/"):
                return error.reason
        return None


def _lists(files: Mapping[str, bytes]) -> tuple[tuple[ObjectList, ...], list[NotRead]]:
    """All Lists, and those that cannot be understood."""
    lists: list[ObjectList] = []
    garbled: list[NotRead] = []
    for path in sorted(files):
        match path.split("/"):
            case ["kubernetes", group, version, file] if file.endswith(".json"):
                try:
                    document = decode_object(files[path])
                except ParseError as error:
                    garbled.append(NotRead(path, NotReadStatus.FAILED, str(error)))
                    continue
                plural = file.removesuffix(".json")
                lists.append(_list("" if group == CORE else group, version, plural, document))
    return tuple(lists), garbled


def _list(group: str, version: str, plural: str, document: Mapping[str, Any]) -> ObjectList:
    items = tuple(item for item in as_list(document.get("items")) if _is_object(item))
    kind = str(document.get("kind") or "").removesuffix(_LIST)
    if not kind and items:
        kind = str(items[0].get("kind") or "")
    written = str(as_mapping(document.get("metadata")).get("resourceVersion") or "")
    number = int(written) if written.isdecimal() else 0
    return ObjectList(group, version, plural, kind, number, items)


def _is_object(item: object) -> bool:
    metadata = as_mapping(as_mapping(item).get("metadata"))
    return isinstance(metadata.get("name"), str)
