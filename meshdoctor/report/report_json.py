"""A report for programs: what ``diagnose -o json`` says and more (``report.schema.json``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.report.circumstances import redaction_rows
from meshdoctor.report.diagnosis_json import diagnosis_json, not_read_json
from meshdoctor.report.document import FORMAT
from meshdoctor.report.trace_json import hop_json, outcome_json

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import About
    from meshdoctor.report.document import Document
    from meshdoctor.report.failing_request import FailingRequest


def _recording(about: About) -> dict[str, Any]:
    told = about.provenance
    return {
        "source": about.source,
        "context": told.context or None,
        "server": told.server or None,
        "recorded_by": told.tool_version or None,
        "narrowed_to": dict(told.asked),
        "logs": told.logs or None,
        "interrupted": told.interrupted or None,
    }


def _ran(document: Document) -> dict[str, Any]:
    return {
        "playbooks": [
            {
                "id": item.id,
                "title": item.title,
                "walks": item.walks,
                "root_causes": list(item.causes),
                "skipped": item.skipped or None,
            }
            for item in document.playbooks
        ],
        "analyzers": [
            {"name": item.name, "description": item.description, "lacked": list(item.lacked)}
            for item in document.analyzers
        ],
    }


def _redactions(document: Document) -> dict[str, Any]:
    log = document.about.provenance.redactions
    return {
        "told": bool(log or document.about.provenance.tool_version),
        "hidden_late": document.hidden_late,
        "rules": [
            {"rule": rule, "hides": means, "count": count, "files": files}
            for rule, means, count, files in redaction_rows(document)
        ],
        "log": [{"path": item.path, "rule": item.rule, "count": item.count} for item in log],
    }


def _request(request: FailingRequest) -> dict[str, Any]:
    """A request that fails, hop by hop; hops and outcome are those of ``trace -o json``."""
    return {
        "root_cause": request.rank,
        "from": request.caller or None,
        "pod": request.client,
        "request": request.url,
        "hops": [hop_json(hop) for hop in request.hops],
        "fails_at": request.fails_at,
        "application_reached": not request.is_stopped,
        "outcome": outcome_json(request.outcome),
    }


def report_json(document: Document) -> dict[str, Any]:
    """The whole report as plain values; its keys come in a fixed order."""
    said = diagnosis_json(document.diagnosis, document.about)
    return {
        "format": FORMAT,
        **said,
        "recording": {**said["recording"], **_recording(document.about)},
        "meshdoctor": document.tool_version,
        "verdict": document.verdict,
        "exit_code": int(document.exit_code),
        "impact": list(document.impact),
        "failing_requests": [_request(item) for item in document.requests],
        "masked": document.is_masked,
        "required_unread": [not_read_json(item) for item in document.diagnosis.required_unread],
        "ran": _ran(document),
        "redactions": _redactions(document),
    }


def report_json_text(document: Document) -> str:
    """The whole report as indented JSON."""
    return json.dumps(report_json(document), indent=2, ensure_ascii=False) + "\n"
