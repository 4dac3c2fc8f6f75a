"""Reports of the bundled recordings, for the tests of every format."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from meshdoctor.report.document import Document, RanAnalyzer, RanPlaybook, document_of
from meshdoctor.report.mask import Pseudonyms, masked
from meshdoctor.resources import recordings_root
from meshdoctor.session import RecordingSource, Session

FIVE = (
    "subset-not-defined",
    "mtls-conflict",
    "missing-sidecar",
    "envoyfilter-rejected",
    "istiod-down",
)
"""The golden reports: traffic, security, injection, a proxy, the control plane."""
ALL = tuple(sorted(path.name.removesuffix(".tar.gz") for path in recordings_root().glob("*.gz")))


@cache
def session(name: str) -> Session:
    """A session on a bundled recording."""
    return Session(RecordingSource(recordings_root() / f"{name}.tar.gz"))


@cache
def document(name: str) -> Document:
    """The report of a bundled recording."""
    return document_of(session(name).snapshot(), session(name).diagnosis())


@cache
def masked_document(name: str) -> tuple[Document, Pseudonyms]:
    """The same with pseudonyms, and their map."""
    return masked(session(name).snapshot(), document(name))


def settled(made: Document) -> Document:
    """A report without what grows with the library: its version, playbooks and analyzers."""
    walked = tuple(item for item in made.playbooks if item.causes)
    unwalked = RanPlaybook("idle", "Nothing met it", 0, ())
    skipped = RanPlaybook("other", "Another symptom", 0, (), "the question was 503 alone")
    analyzer = RanAnalyzer("everything", "Everything is in order", ("kubernetes/core/events",))
    return replace(
        made,
        tool_version="1.2.3",
        playbooks=(*(replace(item, walks=1) for item in walked), unwalked, skipped),
        analyzers=(analyzer,),
    )
