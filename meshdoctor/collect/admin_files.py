"""Read several answers of one pod's HTTP interface, and lose none because another failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.artifact import Artifact
from meshdoctor.collect.read_reasons import of_status, one_line
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.admin_http import AdminAnswer
    from meshdoctor.collect.api import Sink
    from meshdoctor.collect.pod_admin import PodAdmin

_FOUND, _NOT_FOUND = 200, 404
_MOST_FAILURES = 2
"""After so many failures one after another the rest is not asked."""


@dataclass(frozen=True, slots=True)
class AdminFile:
    """One file of a recording, and the path that fills it."""

    name: str
    """File within the pod's folder."""
    target: str
    """Path and query, from the slash on."""
    is_probe: bool = False
    """Any status is an answer, and is written beneath the body."""
    may_lack: bool = False
    """Some versions do not have it: 404 is a fact."""


def probe_answer(answer: AdminAnswer) -> bytes:
    """A probe's answer as a recording holds it: body and status, a line each."""
    return answer.body.strip() + b"\n%d\n" % answer.status


async def read_files(
    admin: PodAdmin, folder: str, files: Sequence[AdminFile], sink: Sink
) -> ReadError | None:
    """Read files one after another over one connection.

    After a time-out, or when one after another fails, the rest is one line.

    Args:
        admin: whom to ask.
        folder: the pod's folder within a recording.
        files: what to ask, the most important first.
        sink: where it goes.

    Returns:
        Why nothing at all was read, which the caller has to say; None when something was.
    """
    answered, failures = False, list[tuple[AdminFile, ReadError]]()
    for index, file in enumerate(files):
        try:
            answer = await admin.get(file.target)
        except ReadError as error:
            failures.append((file, error))
            if error.status is NotReadStatus.FAILED and len(failures) < _MOST_FAILURES:
                continue
            if not answered:
                return failures[0][1]
            sink.miss(folder, _of_the_rest(error, len(files) - index - 1))
            return None
        answered = True
        _say(folder, failures, sink)
        failures.clear()
        _keep(folder, file, answer, sink)
    if failures and not answered:
        return failures[0][1]
    _say(folder, failures, sink)
    return None


def _say(folder: str, failures: Sequence[tuple[AdminFile, ReadError]], sink: Sink) -> None:
    for file, error in failures:
        sink.miss(f"{folder}/{file.name}", error)


def _keep(folder: str, file: AdminFile, answer: AdminAnswer, sink: Sink) -> None:
    path = f"{folder}/{file.name}"
    if file.is_probe:
        sink.keep(Artifact(path, probe_answer(answer)))
    elif answer.status == _FOUND:
        sink.keep(Artifact(path, answer.body))
    elif not (file.may_lack and answer.status == _NOT_FOUND):
        words = one_line(answer.body[:1024])
        sink.miss(path, of_status(answer.status, f"it answered {answer.status}: {words}"))


def _of_the_rest(error: ReadError, left: int) -> ReadError:
    if not left:
        return error
    words = f"{error.reason}; after it {left} more were not asked"
    return ReadError(error.status, one_line(words), error.http_status)
