"""``diagnose -o json``: the contract that scripts read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.codes import codes

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import Diagnosis, RootCause, WalkedStep
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.not_read import NotRead
    from meshdoctor.model.snapshot import About

SCHEMA_VERSION = "1"


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """One piece of evidence."""
    return {
        "source": evidence.source,
        "pointer": evidence.pointer,
        "line": evidence.line,
        "excerpt": evidence.excerpt,
        "command": evidence.command,
    }


def _step_json(step: WalkedStep) -> dict[str, Any]:
    return {"step": step.step, "outcome": step.outcome.value, "because": step.because}


def root_cause_json(cause: RootCause) -> dict[str, Any]:
    """One root cause."""
    return {
        "id": cause.id,
        "rank": cause.rank,
        "certainty": cause.certainty.value,
        "severity": cause.severity.value,
        "domain": cause.domain,
        "title": cause.title,
        "summary": cause.summary,
        "objects": list(cause.objects),
        "affected": [{"from": item.source, "to": item.to} for item in cause.affected],
        "symptoms": list(cause.symptoms),
        "playbook": cause.playbook,
        "path": [_step_json(step) for step in cause.path],
        "evidence": [evidence_json(item) for item in cause.evidence],
        "consequences": list(cause.consequences),
        "fix": [
            {"do": fix.do, "command": fix.command, "changes": fix.changes, "undo": fix.undo}
            for fix in cause.fix
        ],
        "verify": list(cause.verify),
        "docs": list(cause.docs),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding, with the words registered for its code."""
    code = codes()[finding.code]
    return {
        "code": finding.code,
        "istio_code": code.istio_code,
        "severity": (finding.severity or code.severity).value,
        "resource": finding.resource,
        "message": finding.message,
        "evidence": [evidence_json(item) for item in finding.evidence],
        "fix": code.fix,
    }


def not_read_json(item: NotRead) -> dict[str, str]:
    """One thing that was not read."""
    return {"what": item.what, "status": item.status.value, "reason": item.reason}


def about_json(about: About) -> dict[str, Any]:
    """What the recording says of itself."""
    return {
        "name": about.name,
        "captured_at": about.captured_at.isoformat().replace("+00:00", "Z"),
        "kubernetes": about.kubernetes,
        "istio": about.istio,
    }


def diagnosis_json(diagnosis: Diagnosis, about: About) -> dict[str, Any]:
    """A whole diagnosis, as design's command-line contract writes it."""
    scope = diagnosis.scope
    return {
        "schema_version": SCHEMA_VERSION,
        "recording": about_json(about),
        "scope": {
            "namespaces": list(diagnosis.namespaces),
            "symptom": scope.symptom,
            "from": scope.source,
            "to": scope.to,
            "proxies_read": diagnosis.proxies_read,
            "proxies_total": diagnosis.proxies_total,
        },
        "root_causes": [root_cause_json(cause) for cause in diagnosis.root_causes],
        "ruled_out": [
            {
                "id": item.id,
                "because": item.because,
                "evidence": [evidence_json(piece) for piece in item.evidence],
            }
            for item in diagnosis.ruled_out
        ],
        "unknown": [
            {"id": item.id, "needs": list(item.needs), "why_missing": item.why_missing}
            for item in diagnosis.unknown
        ],
        "findings": [finding_json(finding) for finding in diagnosis.findings],
        "not_read": [not_read_json(item) for item in diagnosis.not_read],
    }
