"""A report as SARIF 2.1.0 (OASIS): results for what is wrong, notifications for what was unread."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.codes import codes
from meshdoctor.diagnose.library import causes
from meshdoctor.model.finding import Severity
from meshdoctor.report.circumstances import circumstances, redaction_line, unread
from meshdoctor.report.failing_request_text import asked_text, gets_text, hop_text
from meshdoctor.report.report_json import report_json
from meshdoctor.report.verdict import severity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.report.document import Document
    from meshdoctor.report.failing_request import FailingRequest

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
BASE = "RECORDING"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_MOST_LOCATIONS = 10
_UNSAFE = re.compile(r"[^A-Za-z0-9._~/-]")


def _uri(path: str) -> str:
    """A path of a recording as a relative reference (RFC 3986)."""
    return _UNSAFE.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), path)


def _location(evidence: Evidence, objects: Sequence[str]) -> dict[str, Any]:
    """Where evidence stands; a viewer needs a line, and JSON files are one."""
    region: dict[str, Any] = {
        "startLine": evidence.line or 1,
        "snippet": {"text": evidence.excerpt},
    }
    place: dict[str, Any] = {
        "artifactLocation": {"uri": _uri(evidence.source), "uriBaseId": BASE},
        "region": region,
    }
    said: dict[str, Any] = {"command": evidence.command}
    if evidence.pointer is not None:
        said["pointer"] = evidence.pointer
    return {
        "physicalLocation": place,
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"} for name in objects],
        "properties": said,
    }


def _locations(evidence: Sequence[Evidence], objects: Sequence[str]) -> list[dict[str, Any]]:
    if not evidence:
        logical = [{"fullyQualifiedName": name, "kind": "resource"} for name in objects]
        return [{"logicalLocations": logical}]
    return [_location(item, objects) for item in evidence[:_MOST_LOCATIONS]]


def _code_flow(request: FailingRequest) -> dict[str, Any]:
    """The hops of a failing request as the steps of one thread (SARIF 2.1.0, 3.36 to 3.38)."""
    steps = []
    for number, hop in enumerate(request.hops):
        location = _locations(hop.evidence[:1], hop.objects)[0]
        location["message"] = {"text": hop_text(request, number)}
        importance = "essential" if number == request.fails_at else "important"
        steps.append({"location": location, "importance": importance})
    said = f"{asked_text(request)}; the caller gets: {gets_text(request)}"
    return {"message": {"text": said}, "threadFlows": [{"locations": steps}]}


def _of_cause(cause: RootCause, request: FailingRequest | None) -> dict[str, Any]:
    flows = {"codeFlows": [_code_flow(request)]} if request is not None else {}
    return {
        **flows,
        "ruleId": cause.id,
        "kind": "fail",
        "level": LEVELS[cause.severity],
        "message": {"text": f"{cause.title}. {cause.summary}"},
        "locations": _locations(cause.evidence[:1], cause.objects),
        "relatedLocations": _locations(cause.evidence[1:], ()) if cause.evidence[1:] else [],
        "partialFingerprints": {"rootCause/v1": f"{cause.id} {cause.objects[0]}"},
        "rank": float(max(0, 101 - cause.rank)),
        "properties": {
            "certainty": cause.certainty.value,
            "fix": [
                {"do": fix.do, "command": fix.command, "changes": fix.changes, "undo": fix.undo}
                for fix in cause.fix
            ],
            "verify": list(cause.verify),
        },
    }


def _of_finding(finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.code,
        "kind": "fail",
        "level": LEVELS[severity_of(finding)],
        "message": {"text": finding.message},
        "locations": _locations(finding.evidence[:1], (finding.resource,)),
        "relatedLocations": _locations(finding.evidence[1:], ()) if finding.evidence[1:] else [],
        "partialFingerprints": {"finding/v1": f"{finding.code} {finding.resource}"},
    }


def _rule(id_: str, title: str, help_: str, severity: Severity, url: str = "") -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": id_,
        "shortDescription": {"text": title},
        "help": {"text": help_},
        "defaultConfiguration": {"level": LEVELS[severity]},
    }
    return {**rule, "helpUri": url} if url else rule


def _rules(document: Document) -> list[dict[str, Any]]:
    """What the library says of each cause and code met, in its own words."""
    known, registered = causes(), codes()
    met = sorted({cause.id for cause in document.diagnosis.root_causes})
    found = sorted({finding.code for finding in document.diagnosis.findings})
    return [
        *(
            _rule(
                id_,
                id_.replace("-", " ").capitalize(),
                f"Read more: {' '.join(known[id_].docs)}",
                known[id_].severity,
                next(iter(known[id_].docs), ""),
            )
            for id_ in met
        ),
        *(
            _rule(code, registered[code].title, registered[code].fix, registered[code].severity)
            for code in found
        ),
    ]


def _notifications(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "level": "warning",
            "message": {"text": f"{item.what} was not read: {item.status} ({item.reason})"},
        }
        for item in unread(document)
    ]


def sarif(document: Document) -> dict[str, Any]:
    """The whole report as plain values."""
    whole = report_json(document)
    results = [
        *(_of_cause(item, document.request_of(item)) for item in document.diagnosis.root_causes),
        *map(_of_finding, document.diagnosis.findings),
    ]
    rules = _rules(document)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "meshdoctor",
                "version": document.tool_version,
                "semanticVersion": document.tool_version,
                "rules": rules,
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": int(document.exit_code),
                "endTimeUtc": whole["recording"]["captured_at"],
                "toolExecutionNotifications": _notifications(document),
            }
        ],
        "originalUriBaseIds": {
            BASE: {"description": {"text": f"the files of {document.about.name}"}}
        },
        "results": [{**result, "ruleIndex": index[result["ruleId"]]} for result in results],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": document.verdict,
            "about": dict(circumstances(document)),
            "redaction": redaction_line(document),
            **{key: whole[key] for key in ("impact", "ruled_out", "unknown", "ran", "redactions")},
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_text(document: Document) -> str:
    """The whole report as indented JSON."""
    return json.dumps(sarif(document), indent=2, ensure_ascii=False) + "\n"
