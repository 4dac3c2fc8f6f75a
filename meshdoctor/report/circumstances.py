"""What a reader asks before believing a report: when, where, how much, which versions, what hid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.recording.redact import MEANINGS, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.not_read import NotRead
    from meshdoctor.report.document import Document

_UNTOLD = "not told"


def time_text(document: Document) -> str:
    """When the mesh was read, in UTC."""
    return f"{document.about.captured_at:%Y-%m-%d %H:%M:%S} UTC"


def scope_text(document: Document) -> str:
    """What was asked of the mesh."""
    scope = document.diagnosis.scope
    asked = {
        "namespace": ", ".join(scope.namespaces),
        "symptom": scope.symptom,
        "from": scope.source,
        "to": scope.to,
    }
    said = [f"{name} {value}" for name, value in asked.items() if value]
    return ", ".join(said) or "everything, in all namespaces"


def _cluster(document: Document) -> str:
    told = document.about.provenance
    server = f" at {told.server}" if told.server else ""
    return (told.context or _UNTOLD) + server


def _rows(document: Document) -> Iterator[tuple[str, str]]:
    about, diagnosis = document.about, document.diagnosis
    told = about.provenance
    yield "When", time_text(document)
    yield "Read from", f"{about.source} {about.name}"
    yield "Cluster", _cluster(document)
    yield "Question", scope_text(document)
    yield "Namespaces", ", ".join(diagnosis.namespaces) or "none"
    yield "Proxies", f"{diagnosis.proxies_read} of {diagnosis.proxies_total} read"
    if told.asked:
        yield "Reading narrowed to", ", ".join(f"{name} {value}" for name, value in told.asked)
    if told.logs:
        yield "Logs", told.logs
    if told.interrupted:
        yield "Reading ended early", told.interrupted
    yield "Kubernetes", about.kubernetes or _UNTOLD
    yield "Istio", about.istio or _UNTOLD
    yield "meshdoctor", document.tool_version
    yield "Recorded by", f"meshdoctor {told.tool_version}" if told.tool_version else _UNTOLD
    if document.is_masked:
        yield "Masked", "names and addresses are pseudonyms; the map is kept apart"


def circumstances(document: Document) -> tuple[tuple[str, str], ...]:
    """Label and value of each circumstance."""
    return tuple(_rows(document))


def redaction_rows(document: Document) -> tuple[tuple[str, str, int, int], ...]:
    """Rule, what it hides, how many secrets it hid, in how many files; most first."""
    found = summary(document.about.provenance.redactions)
    return tuple((rule, MEANINGS.get(rule, rule), count, files) for rule, count, files in found)


def redaction_line(document: Document) -> str:
    """What was hidden, in one line; silence is not taken for "nothing was secret"."""
    return f"{_first_redaction(document)}{_late_redaction(document)}"


def _late_redaction(document: Document) -> str:
    number = document.hidden_late
    if not number:
        return ""
    return f" Secrets in {number} text{'s' if number > 1 else ''} were hidden from this report."


def _first_redaction(document: Document) -> str:
    rows = redaction_rows(document)
    if rows:
        total = sum(count for _, _, count, _ in rows)
        return f"{total} secret{'s' if total > 1 else ''} hidden before anything was written."
    if document.about.provenance.tool_version:
        return "The redactor met no secret."
    return "The recording does not say what was hidden when it was taken."


def unread(document: Document) -> tuple[NotRead, ...]:
    """What was wanted and could not be read; what is not installed is left out."""
    return tuple(
        item
        for item in document.diagnosis.not_read
        if item.status is not NotReadStatus.NOT_INSTALLED
    )


def not_installed(document: Document) -> tuple[str, ...]:
    """Kinds that the API server does not serve: there are none, as a fact."""
    return tuple(
        item.what.removeprefix("kubernetes/")
        for item in document.diagnosis.not_read
        if item.status is NotReadStatus.NOT_INSTALLED
    )


def ran_lines(document: Document) -> tuple[str, ...]:
    """What ran and what did not, a line each."""
    walked = [item for item in document.playbooks if item.walks]
    idle = [item.id for item in document.playbooks if not item.walks and not item.skipped]
    skipped = [f"{item.id} ({item.skipped})" for item in document.playbooks if item.skipped]
    lines = [
        "Playbooks walked: " + (", ".join(f"{p.id} ({p.walks})" for p in walked) or "none"),
        *([f"Nothing to walk for: {', '.join(idle)}"] if idle else []),
        *([f"Playbooks skipped: {', '.join(skipped)}"] if skipped else []),
        f"Analyzers run: {len(document.analyzers)}",
    ]
    lacking = [item for item in document.analyzers if item.lacked]
    lines += [f"Not all was read for {item.name}: {', '.join(item.lacked)}" for item in lacking]
    return tuple(lines)
