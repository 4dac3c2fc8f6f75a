"""A report as JUnit XML: green where ``report`` exits with 0 or 3, and red where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from meshdoctor.model.finding import Severity
from meshdoctor.report.circumstances import (
    circumstances,
    ran_lines,
    redaction_line,
    redaction_rows,
    unread,
)
from meshdoctor.report.diagnosis_text import place_of
from meshdoctor.report.failing_request_text import failing_request_lines
from meshdoctor.report.impact import affected_text
from meshdoctor.report.verdict import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.finding import Finding
    from meshdoctor.report.document import Document
    from meshdoctor.report.failing_request import FailingRequest

_MOST_EVIDENCE = 8
_RESULTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _case(room: str, name: str, result: str = "", message: str = "", text: str = "") -> Element:
    """A test case; without a result it has passed, and its text is its output."""
    case = ElementTree.Element("testcase", classname=f"meshdoctor.{room}", name=name, time="0")
    if result:
        ElementTree.SubElement(case, result, message=message, type=room).text = text or message
    elif text:
        ElementTree.SubElement(case, "system-out").text = text
    return case


Element = ElementTree.Element


def _of_cause(cause: RootCause, request: FailingRequest | None) -> str:
    return "\n".join(
        [
            cause.summary,
            *(f"request: {line}" for line in (failing_request_lines(request) if request else ())),
            f"certainty: {cause.certainty}",
            *(f"affected: {affected_text(item)}" for item in cause.affected),
            *(
                f"evidence: {place_of(item)}\n  {item.excerpt}\n  {item.command}"
                for item in cause.evidence[:_MOST_EVIDENCE]
            ),
            *(
                f"fix: {fix.do}\n  {fix.command}\n  changes: {fix.changes}\n  undo: {fix.undo}"
                for fix in cause.fix
            ),
            *(f"verify: {line}" for line in cause.verify),
            *(f"read more: {url}" for url in cause.docs),
        ]
    )


def _playbooks(document: Document) -> Iterator[Element]:
    for cause in document.diagnosis.root_causes:
        name = f"{cause.id}: {cause.objects[0]}"
        room = f"playbook.{cause.playbook}"
        yield _case(
            room, name, "failure", cause.title, _of_cause(cause, document.request_of(cause))
        )
    for item in document.playbooks:
        if item.skipped:
            yield _case("playbook", item.id, "skipped", item.skipped)
        elif not item.causes:
            yield _case("playbook", item.id, text=f"{item.title}: {item.walks} walks")


def _finding(finding: Finding) -> Element:
    name, severity = f"{finding.code} {finding.resource}", severity_of(finding)
    if severity is Severity.ERROR:
        return _case("finding", name, "failure", finding.message)
    return _case("finding", name, text=f"{severity.value}: {finding.message}")


def _gaps(document: Document) -> Iterator[Element]:
    for gap in document.diagnosis.unknown:
        needs = f"needs {', '.join(gap.needs)}" if gap.needs else ""
        yield _case("unknown", gap.id, "error", gap.why_missing, needs)
    for item in document.diagnosis.required_unread:
        yield _case("not-read", item.what, "error", f"{item.status}: {item.reason}")
    for look_alike in document.diagnosis.ruled_out:
        yield _case("ruled-out", look_alike.id, text=look_alike.because)


def _redactions(document: Document) -> Iterator[tuple[str, str]]:
    for rule, means, count, files in redaction_rows(document):
        yield f"Redaction {rule}", f"{means}: {count} in {files} files"


def _unread(document: Document) -> Iterator[tuple[str, str]]:
    """What was wanted and not read, needed or not; only what was needed is an error."""
    for item in unread(document):
        yield f"Not read {item.what}", f"{item.status} ({item.reason})"


def _suite(
    name: str, cases: list[Element], document: Document, more: Iterable[tuple[str, str]] = ()
) -> Element:
    counts = {
        key: str(sum(1 for c in cases if c.find(tag) is not None)) for key, tag in _RESULTS.items()
    }
    suite = ElementTree.Element(
        "testsuite",
        {"name": name, "tests": str(len(cases)), **counts},
        time="0",
        timestamp=f"{document.about.captured_at:%Y-%m-%dT%H:%M:%S}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    told = (*circumstances(document), ("Redaction", redaction_line(document)))
    for label, value in (*told, *_redactions(document), *more):
        ElementTree.SubElement(properties, "property", name=label, value=value)
    suite.extend(cases)
    return suite


def junit(document: Document) -> str:
    """The whole report: root causes, findings, and what could not be told."""
    findings = [_finding(item) for item in document.diagnosis.findings]
    ran = (("What ran", line) for line in ran_lines(document))
    suites = [
        _suite("playbooks", list(_playbooks(document)), document, ran),
        _suite("findings", findings, document),
        _suite("gaps", list(_gaps(document)), document, _unread(document)),
    ]
    total = {
        key: str(sum(int(suite.get(key, "0")) for suite in suites)) for key in ("tests", *_RESULTS)
    }
    root = ElementTree.Element("testsuites", {"name": document.verdict, **total}, time="0")
    root.extend(suites)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )
