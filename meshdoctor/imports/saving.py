"""Write the recording that another tool's archive becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import json

from meshdoctor import __version__
from meshdoctor.imports.opening import convert
from meshdoctor.recording.layout import MANIFEST
from meshdoctor.recording.manifest_document import RecordedScope, Recorder, manifest_document
from meshdoctor.recording.writer import RecordingWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from meshdoctor.imports.importer import Importer, Survey
    from meshdoctor.imports.opening import Imported, Progress
    from meshdoctor.recording.archive import Entry


@dataclass(frozen=True, slots=True)
class Written:
    """A recording that was made of an archive."""

    imported: Imported
    files: int
    size: int
    """Bytes on disk."""


def save(
    path: Path,
    importer: Importer,
    survey: Survey,
    target: Path,
    progress: Progress | None = None,
    *,
    force: bool = False,
) -> Written:
    """Write the recording.

    Args:
        path: the archive.
        importer: the importer that knows it.
        survey: the first look at it.
        target: a ``.tar.gz``, or a folder.
        progress: told after each file of the archive.
        force: replace what is there.

    Raises:
        RecordingError: nothing can be used, or it cannot be written there.
    """
    writer = RecordingWriter(target, force=force)
    try:
        imported = convert(
            path, importer, survey, lambda entry: writer.add(entry.path, entry.data), progress
        )
    except BaseException:
        writer.abandon()
        raise
    return Written(imported, writer.files, writer.finish(_manifest(imported)))


def _manifest(imported: Imported) -> Mapping[str, Any]:
    return manifest_document(
        imported.about.captured_at,
        kubernetes=imported.about.kubernetes,
        istio=imported.about.istio,
        recorder=Recorder(tool_version=__version__, context=imported.title),
        scope=RecordedScope(),
        errors=imported.told,
        redactions=imported.redactions,
    )


def files_of(path: Path, importer: Importer, survey: Survey) -> dict[str, bytes]:
    """The files of the recording that an archive becomes, in memory.

    Args:
        path: the archive.
        importer: the importer that knows it.
        survey: the first look at it.

    Raises:
        RecordingError: nothing can be used.
    """
    files: dict[str, bytes] = {}

    def take(entry: Entry) -> None:
        files[entry.path] = entry.data

    files[MANIFEST] = json.encode(_manifest(convert(path, importer, survey, take)))
    return files
