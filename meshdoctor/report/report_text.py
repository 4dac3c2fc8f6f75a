"""A report as plain text: the diagnosis as ``diagnose`` prints it, then the circumstances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.report.circumstances import (
    circumstances,
    ran_lines,
    redaction_line,
    redaction_rows,
)
from meshdoctor.report.diagnosis_text import diagnosis_lines
from meshdoctor.report.failing_request_text import failing_request_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.report.document import Document


def _lines(document: Document) -> Iterator[str]:
    for line in diagnosis_lines(document.diagnosis, document.about):
        yield line.plain.rstrip()
    for request in document.requests:
        yield ""
        yield f"A request that fails by root cause {request.rank}, hop by hop"
        yield from (f"  {line}" for line in failing_request_lines(request))
    yield ""
    yield "About this report"
    rows = circumstances(document)
    width = max(len(label) for label, _ in rows)
    yield from (f"  {label:<{width}}  {value}" for label, value in rows)
    yield ""
    yield "What ran"
    yield from (f"  {line}" for line in ran_lines(document))
    yield ""
    yield "Redaction"
    yield f"  {redaction_line(document)}"
    for rule, means, count, files in redaction_rows(document):
        yield f"  {means}: {count} in {files} files ({rule})"


def report_text(document: Document) -> str:
    """The whole report."""
    return "\n".join(_lines(document)) + "\n"
