"""A report as Markdown: the first screen pastes into Slack or Jira, the details follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.report.circumstances import time_text
from meshdoctor.report.markdown_details import detail_lines
from meshdoctor.report.markdown_words import fenced, plain, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.report.document import Document

_MOST_EVIDENCE = 3
_MOST_OTHERS = 3


def _spread(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The first piece of each file, then the others: one log must not fill the screen."""
    seen: set[str] = set()
    first: list[Evidence] = []
    others: list[Evidence] = []
    for item in evidence:
        room = item.source.rpartition("/")[2]
        (others if room in seen else first).append(item)
        seen.add(room)
    return [*first, *others][:_MOST_EVIDENCE]


def _seen(evidence: Evidence) -> str:
    """What to run and what it shows: who gets it pasted has no recording to look a file up in."""
    return f"$ {evidence.command}\n{shortened(evidence.excerpt)}"


def _screen_of(cause: RootCause, document: Document) -> Iterator[str]:
    yield plain(f"{cause.title} ({cause.severity}, {cause.certainty}, {cause.id})")
    yield ""
    yield "**Impact**"
    yield from (f"- {plain(line)}" for line in document.impact[:3])
    if len(document.impact) > 3:
        yield f"- {document.impact[-1]}"
    yield ""
    if cause.fix:
        yield f"**Fix**: {plain(cause.fix[0].do)}"
        yield from fenced([cause.fix[0].command], "sh")
    yield "**Evidence**"
    yield from fenced([_seen(item) for item in _spread(cause.evidence)], "text")


def screen_lines(document: Document) -> Iterator[str]:
    """The first screen: verdict, impact, fix, evidence."""
    about = document.about
    yield f"# meshdoctor: {plain(document.verdict)}"
    yield ""
    versions = f"Istio {about.istio or 'unknown'}, Kubernetes {about.kubernetes or 'unknown'}"
    where = about.provenance.context or about.name
    yield plain(f"{where}, {time_text(document)}, {versions}")
    causes = document.diagnosis.root_causes
    if not causes:
        yield from _without_cause(document)
        return
    yield from _screen_of(causes[0], document)
    for cause in causes[1 : 1 + _MOST_OTHERS]:
        yield plain(f"Also {cause.rank}: {cause.title} ({cause.id})")
    if len(causes) > 1 + _MOST_OTHERS:
        yield f"… and {len(causes) - 1 - _MOST_OTHERS} more root causes"


def _without_cause(document: Document) -> Iterator[str]:
    diagnosis = document.diagnosis
    looked = sum(item.walks for item in document.playbooks)
    yield f"{len(document.analyzers)} analyzers ran, {looked} walks were taken."
    if diagnosis.required_unread:
        yield ""
        yield "**Not read, and needed**"
        for item in diagnosis.required_unread[:8]:
            yield plain(f"- {item.what}: {item.status} ({item.reason})")
        more = len(diagnosis.required_unread) - 8
        if more > 0:
            yield f"- … and {more} more"


def markdown(document: Document) -> str:
    """The whole report."""
    lines = [*screen_lines(document), "", "---", "", *detail_lines(document)]
    return "\n".join(lines).rstrip("\n") + "\n"
