"""What follows the first screen of a Markdown report: everything, under headings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.finding import Outcome, Severity
from meshdoctor.report.circumstances import (
    circumstances,
    not_installed,
    ran_lines,
    redaction_line,
    redaction_rows,
    unread,
)
from meshdoctor.report.diagnosis_text import OUTCOMES, place_of
from meshdoctor.report.failing_request_text import failing_request_lines
from meshdoctor.report.impact import affected_text
from meshdoctor.report.markdown_words import fenced, plain
from meshdoctor.report.verdict import by_severity, severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.report.document import Document
    from meshdoctor.report.failing_request import FailingRequest

LONGEST_EXCERPT = 2000
"""Characters of an excerpt that are shown; JSON has all."""


def bounded(excerpt: str) -> str:
    """An excerpt, cut where it is very long, and said so."""
    more = len(excerpt) - LONGEST_EXCERPT
    if more <= 0:
        return excerpt
    return f"{excerpt[:LONGEST_EXCERPT]}… ({more} more characters; -f json has all)"


def _bullets(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"- {plain(line)}" for line in lines)
    yield ""


def _evidence(items: Iterable[Evidence]) -> Iterator[str]:
    for item in items:
        yield f"- {plain(place_of(item))}"
        yield ""
        yield from fenced([bounded(item.excerpt)], "text")
        yield from fenced([item.command], "sh")
        yield ""


def _fixes(cause: RootCause) -> Iterator[str]:
    yield "### Fix"
    yield ""
    for number, fix in enumerate(cause.fix, start=1):
        yield f"{number}. {plain(fix.do)}"
        yield ""
        yield from fenced([fix.command], "sh")
        yield f"Changes: {plain(fix.changes)}"
        yield ""
        yield "Undo:"
        yield ""
        yield from fenced([fix.undo], "sh")
        yield ""
    yield "### Verify"
    yield ""
    yield from fenced(cause.verify, "sh")
    yield ""


def _request(request: FailingRequest) -> Iterator[str]:
    yield "### A request that fails, hop by hop"
    yield ""
    first, *hops, last = failing_request_lines(request)
    yield from (plain(first), "", *map(plain, hops), "", plain(last[:1].upper() + last[1:]), "")


def _cause(cause: RootCause, request: FailingRequest | None) -> Iterator[str]:
    yield f"## Root cause {cause.rank}: {plain(cause.title)}"
    yield ""
    yield plain(f"{cause.id} · {cause.severity} · {cause.certainty} · {cause.domain}")
    yield ""
    yield plain(cause.summary)
    yield ""
    yield from _bullets(f"Object: {name}" for name in cause.objects)
    if cause.affected:
        yield "### Affected"
        yield ""
        yield from _bullets(affected_text(item) for item in cause.affected)
    if request is not None:
        yield from _request(request)
    yield "### Evidence"
    yield ""
    yield from _evidence(cause.evidence)
    yield f"### The walk (playbook {cause.playbook})"
    yield ""
    yield from _bullets(
        f"{OUTCOMES[step.outcome]}: {step.question} {step.because}"
        for step in cause.path
        if step.outcome is not Outcome.SKIP
    )
    yield from _fixes(cause)
    if cause.consequences:
        yield plain(f"Follows from it: {', '.join(cause.consequences)}")
        yield ""
    yield "Read more:"
    yield ""
    yield from (f"- <{url}>" for url in cause.docs)
    yield ""


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"## {title}"
        yield ""
        yield from _bullets(lines)


def _redactions(document: Document) -> list[str]:
    rows = redaction_rows(document)
    hid = [f"{means}: {count} in {files} files ({rule})" for rule, means, count, files in rows]
    return [redaction_line(document), *hid]


def _findings(document: Document, *, notes: bool) -> list[str]:
    return [
        f"{severity_of(item).value} {item.code} {item.resource}: {item.message}"
        for item in by_severity(document.diagnosis.findings)
        if (severity_of(item) is Severity.INFO) is notes
    ]


def detail_lines(document: Document) -> Iterator[str]:
    """Every section, in the order a reader needs them."""
    diagnosis = document.diagnosis
    for cause in diagnosis.root_causes:
        yield from _cause(cause, document.request_of(cause))
    yield from _section("Ruled out", [f"{r.id}: {r.because}" for r in diagnosis.ruled_out])
    gaps = [
        ": ".join((u.id, *([f"needs {', '.join(u.needs)}"] if u.needs else []), u.why_missing))
        for u in diagnosis.unknown
    ]
    yield from _section("Unknown", gaps)
    yield from _section("Findings", _findings(document, notes=False))
    yield from _section("Notes", _findings(document, notes=True))
    missing = [f"{item.what}: {item.status} ({item.reason})" for item in unread(document)]
    yield from _section("Not read", missing)
    absent = not_installed(document)
    yield from _section("Not installed", [", ".join(absent)] if absent else [])
    yield from _section("About this report", [f"{k}: {v}" for k, v in circumstances(document)])
    yield from _section("What ran", list(ran_lines(document)))
    yield from _section("Redaction", _redactions(document))
