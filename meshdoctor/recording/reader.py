"""Read a recording into a Snapshot: one file at a time, each reduced as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model import proxy as files
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.parse.proxy_log import read_proxy_log
from meshdoctor.recording.archive import RecordingError, open_archive
from meshdoctor.recording.assembly import Assembly
from meshdoctor.recording.completeness import Absent
from meshdoctor.recording.joining import access_format, joined
from meshdoctor.recording.layout import MANIFEST, is_wanted, place_of
from meshdoctor.recording.manifest import Manifest, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.recording.archive import Archive

    Progress = Callable[[str, int], None]
    """Called with the path just read and how many files have been read."""


def _read_logs_again(path: Path, assembly: Assembly, written: str) -> None:
    """Parse the proxy logs in the mesh's own format, which stands in another file."""

    def is_log(name: str) -> bool:
        place = place_of(name)
        return place is not None and place.file == files.LOG

    for entry in open_archive(path, wanted=is_log).entries():
        place = place_of(entry.path)
        if place is not None and place.file == files.LOG:
            log = read_proxy_log(entry.data, written, entry.first_line)
            assembly.proxies[place.namespace, place.pod]["log"] = log


def read_entries(
    archive: Archive, assembly: Assembly, progress: Progress | None = None
) -> Manifest | None:
    """Parse every file of a recording.

    Args:
        archive: an opened recording.
        assembly: takes what is read.
        progress: told after each file.

    Returns:
        The manifest; None where there is none.
    """
    manifest = None
    for count, entry in enumerate(archive.entries(), start=1):
        place = place_of(entry.path)
        if entry.path == MANIFEST:
            manifest = parse_manifest(entry.data, archive.name)
        elif place is not None:
            assembly.add(place, entry)
        if progress is not None:
            progress(entry.path, count)
    return manifest


def read_recording(path: Path, progress: Progress | None = None) -> Snapshot:
    """Read a recording, a folder or a ``.tar.gz``.

    Args:
        path: where it lies.
        progress: told after each file.

    Raises:
        RecordingError: nothing can be used; the message is one line for the person.
    """
    assembly = Assembly()
    archive = open_archive(path, wanted=is_wanted)
    manifest = read_entries(archive, assembly, progress)
    if manifest is None:
        raise RecordingError(f"{archive.name} is not a meshdoctor recording: no {MANIFEST} in it")
    written = access_format(assembly)
    if written is not None:
        _read_logs_again(path, assembly, written)
    for problem in archive.problems:
        assembly.not_read.append(
            NotRead(problem.path, NotReadStatus(problem.status), problem.reason)
        )
    absent = Absent("not in the recording")
    return joined(assembly, manifest.about, manifest.errors, absent=absent, wanted=manifest.wants)
