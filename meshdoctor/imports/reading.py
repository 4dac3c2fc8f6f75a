"""Read a recording, or an archive that becomes one, into a Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model import proxy as files
from meshdoctor.parse.proxy_log import read_proxy_log
from meshdoctor.recording.archive import NotARecordingError
from meshdoctor.recording.assembly import Assembly
from meshdoctor.recording.completeness import Absent
from meshdoctor.recording.joining import access_format, joined
from meshdoctor.recording.layout import place_of
from meshdoctor.recording.reader import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.imports.importer import Importer, Survey
    from meshdoctor.imports.opening import Progress
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.recording.archive import Entry


def read(path: Path, progress: Progress | None = None) -> Snapshot:
    """Read a recording or another tool's archive.

    Args:
        path: where it lies.
        progress: told after each file.

    Raises:
        RecordingError: nothing can be used; the message is one line for the person.
    """
    try:
        return read_recording(path, progress)
    except NotARecordingError as error:
        # Imported here: a recording need not wait for what reads other archives.
        from meshdoctor.imports.opening import importer_or

        return _read_archive(path, *importer_or(path, error), progress)


def _read_archive(
    path: Path, importer: Importer, survey: Survey, progress: Progress | None
) -> Snapshot:
    from meshdoctor.imports.opening import convert

    assembly = Assembly()

    def take(entry: Entry) -> None:
        place = place_of(entry.path)
        if place is not None:
            assembly.add(place, entry)

    imported = convert(path, importer, survey, take, progress)
    written = access_format(assembly)
    if written is not None:
        _read_logs_again(path, importer, survey, assembly, written)
    absent = Absent(f"not in {importer.title}")
    return joined(assembly, imported.about, imported.told, absent=absent)


def _read_logs_again(
    path: Path, importer: Importer, survey: Survey, assembly: Assembly, written: str
) -> None:
    """Parse the proxy logs in the mesh's own format, which may stand in a later file."""
    from meshdoctor.imports.opening import convert

    def take(entry: Entry) -> None:
        place = place_of(entry.path)
        if place is not None and place.room == "proxies" and place.file == files.LOG:
            log = read_proxy_log(entry.data, written, entry.first_line)
            assembly.proxies[place.namespace, place.pod]["log"] = log

    convert(path, importer, survey, take)
