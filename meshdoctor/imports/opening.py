"""Open what a person names: a recording, or another tool's archive made into one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meshdoctor.imports.bug_report import BugReport
from meshdoctor.imports.cluster_info_dump import ClusterInfoDump
from meshdoctor.imports.draft import Draft
from meshdoctor.imports.importer import Survey
from meshdoctor.imports.kubectl_get import KubectlGet
from meshdoctor.imports.plain_file import PlainFile, is_tar, unpacked
from meshdoctor.imports.proxy_config import ProxyConfig
from meshdoctor.imports.support_bundle import SupportBundle
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.snapshot import About
from meshdoctor.recording.archive import (
    Entry,
    NotARecordingError,
    RecordingError,
    open_archive,
    open_tree,
)
from meshdoctor.recording.archive_content import is_log
from meshdoctor.recording.archive_path import possible_paths, printable
from meshdoctor.recording.layout import place_of
from meshdoctor.recording.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from meshdoctor.imports.importer import Importer
    from meshdoctor.recording.archive import Archive, Problem
    from meshdoctor.recording.redact import Redaction

    Progress = Callable[[str, int], None]

IMPORTERS: tuple[Importer, ...] = (
    BugReport(),
    SupportBundle(),
    ClusterInfoDump(),
    ProxyConfig(),
    KubectlGet(),
)
"""In the order in which they are asked: the ones with a layout of their own first."""
_HEAD = 16_384
_MOST_HEADS = 200
"""Files looked into when no layout is known: a home folder given by mistake must not take hours."""
NOW = "captured_at"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an archive says of itself, once it has been read."""

    about: About
    told: tuple[NotRead, ...]
    """What it lacks or what could not be read."""
    redactions: tuple[Redaction, ...]
    files: int
    title: str
    """The kind of archive."""


def _archive(path: Path) -> Archive:
    if path.is_dir() or is_tar(path):
        return open_tree(path)
    return PlainFile(path)


def _heads(archive: Archive) -> dict[str, bytes]:
    heads: dict[str, bytes] = {}
    for entry in archive.entries():
        data, _ = unpacked(entry.data)
        heads[entry.path] = data[:_HEAD]
        if len(heads) >= _MOST_HEADS:
            break
    return heads


def _is_of_a_recording(name: str) -> bool:
    places = map(place_of, possible_paths(name))
    return any(place is not None and place.kind is not None for place in places)


def importer_of(path: Path) -> tuple[Importer, Survey] | None:
    """Which importer knows this; None when none does.

    Args:
        path: a file or folder that is no recording.

    Raises:
        RecordingError: it cannot be opened.
    """
    archive = _archive(path)
    survey = Survey(tuple(archive.names()), {})
    if any(map(_is_of_a_recording, survey.names)):
        # A recording that lost its manifest is damaged, not another tool's.
        return None
    for importer in IMPORTERS:
        if importer.recognises(survey):
            return importer, survey
    survey = replace(survey, heads=_heads(archive))
    for importer in IMPORTERS:
        if importer.recognises(survey):
            return importer, survey
    return None


def importer_or(path: Path, error: RecordingError) -> tuple[Importer, Survey]:
    """The importer for what is no recording.

    Args:
        path: what the person named.
        error: why it is no recording.

    Raises:
        RecordingError: no importer knows it either.
    """
    with suppress(RecordingError):
        found = importer_of(path)
        if found is not None:
            return found
    raise RecordingError(f"{error}; nor is it another tool's archive that is known") from None


def recognised(path: Path) -> tuple[Importer, Survey] | None:
    """The importer for what is no recording; None for a recording.

    Raises:
        RecordingError: it is neither, or cannot be opened; the message is one line.
    """
    try:
        open_archive(path, wanted=lambda _: False)
    except NotARecordingError as error:
        return importer_or(path, error)
    return None


def _unpacked_entries(archive: Archive, draft: Draft, progress: Progress | None) -> Iterator[Entry]:
    for count, entry in enumerate(archive.entries(), start=1):
        data, damage = unpacked(entry.data)
        if damage:
            draft.lacks(entry.path, f"is damaged: {damage}; what could be unpacked of it is used")
        yield replace(entry, data=data)
        if progress is not None:
            progress(entry.path, count)


def convert(
    path: Path,
    importer: Importer,
    survey: Survey,
    take: Callable[[Entry], None],
    progress: Progress | None = None,
) -> Imported:
    """Read an archive and hand out the files of the recording that it becomes.

    Args:
        path: where it lies.
        importer: the importer that knows it.
        survey: the first look at it.
        take: handed each file, redacted.
        progress: told after each file of the archive.

    Raises:
        RecordingError: nothing in it can be used.
    """
    archive = _archive(path)
    redactor = Redactor()
    draft = Draft(redactor, take)
    importer.convert(_unpacked_entries(archive, draft, progress), survey, draft)
    problems = archive.problems
    lost = [item for item in problems if _is_lost(item, archive, survey)]
    if lost:
        _doubt_all(draft, lost[0].reason)
    draft.finish()
    if not draft.files:
        why = next((f": {item.what} {item.reason}" for item in draft.told), "")
        shown = f"{printable(str(path))} looks like {importer.title}"
        raise RecordingError(f"{shown}, but nothing in it can be used{why}")
    for problem in problems:
        draft.lacks(problem.path, problem.reason, NotReadStatus(problem.status))
    now = _now(path, draft)
    about = About(archive.name, now, draft.kubernetes, draft.istio, importer.title)
    return Imported(about, draft.told, redactor.log(), draft.files, importer.title)


def _is_lost(problem: Problem, archive: Archive, survey: Survey) -> bool:
    """Whether objects may be missing: not for a log, nor for what no tool would write."""
    of_all = problem.path == printable(archive.name)
    return of_all or (problem.path in survey.names and not is_log(problem.path))


def _doubt_all(draft: Draft, reason: str) -> None:
    """Of an archive that is cut, no List is surely whole."""
    for kind in draft.shelf.kinds:
        draft.partial(kind, f"the archive was not read in full: {reason}")


def _now(path: Path, draft: Draft) -> datetime:
    if draft.newest is not None:
        shown = f"{draft.newest:%Y-%m-%dT%H:%M:%SZ}"
        draft.lacks(
            NOW,
            f"is not in the archive: its newest time stands for now, {shown} in {draft.newest_in}",
        )
        # A recording writes whole seconds, and nothing in it may be later than now.
        return draft.newest.replace(microsecond=0) + timedelta(seconds=draft.newest.microsecond > 0)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    draft.lacks(
        NOW, "is not in the archive, nor any time: when the file was changed stands for now"
    )
    return changed
