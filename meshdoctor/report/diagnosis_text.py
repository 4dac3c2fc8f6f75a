"""A diagnosis for a person: the root cause on top, its proof, what to do, what was ruled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from meshdoctor.model.finding import Outcome, Severity
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.report.verdict import by_severity, headline, severity_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.snapshot import About

_MOST_EVIDENCE = 8
_MOST_AFFECTED = 6
_LONGEST_EXCERPT = 160

GLYPHS = {
    Severity.ERROR: ("✗ error", "bold red"),
    Severity.WARNING: ("! warning", "yellow"),
    Severity.INFO: ("i info", "dim"),
}
"""Glyph, word and colour: no meaning is carried by colour alone."""
OUTCOMES = {
    Outcome.PASS: "✓ pass",
    Outcome.WARN: "! warn",
    Outcome.FAIL: "✗ fail",
    Outcome.SKIP: "- skip",
    Outcome.UNKNOWN: "? unknown",
}


def place_of(evidence: Evidence) -> str:
    """Where a piece of evidence stands: file and pointer, or file and line."""
    if evidence.line is not None:
        return f"{evidence.source}:{evidence.line}"
    return f"{evidence.source}#{evidence.pointer}"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EXCERPT else line[: _LONGEST_EXCERPT - 1] + "…"


def _evidence(evidence: tuple[Evidence, ...]) -> Iterator[Text]:
    yield Text("  Evidence", style="bold")
    for item in evidence[:_MOST_EVIDENCE]:
        yield Text(f"    {place_of(item)}", style="cyan")
        yield Text(f"      {_shortened(item.excerpt)}")
        yield Text(f"      $ {item.command}", style="dim")
    if len(evidence) > _MOST_EVIDENCE:
        yield Text(
            f"    … and {len(evidence) - _MOST_EVIDENCE} more (-o json has all)", style="dim"
        )


def _affected(cause: RootCause) -> Iterator[Text]:
    if not cause.affected:
        return
    yield Text("  Affected", style="bold")
    for item in cause.affected[:_MOST_AFFECTED]:
        yield Text("    " + " → ".join(part for part in (item.source, item.to) if part))
    if len(cause.affected) > _MOST_AFFECTED:
        yield Text(f"    … and {len(cause.affected) - _MOST_AFFECTED} more", style="dim")


def _path(cause: RootCause) -> Iterator[Text]:
    yield Text(f"  How we got there (playbook {cause.playbook})", style="bold")
    looked_at = [step for step in cause.path if step.outcome is not Outcome.SKIP]
    for step in looked_at:
        yield Text(f"    {OUTCOMES[step.outcome]:<10} {step.question}")
        yield Text(f"               {step.because}", style="dim")


def _fix(cause: RootCause) -> Iterator[Text]:
    yield Text("  Fix", style="bold")
    for number, fix in enumerate(cause.fix, start=1):
        yield Text(f"    {number}. {fix.do}")
        yield Text(f"       $ {fix.command}", style="green")
        yield Text(f"       changes: {fix.changes}", style="dim")
        yield Text(f"       undo:    {fix.undo}", style="dim")
    yield Text("  Verify", style="bold")
    for line in cause.verify:
        yield Text(f"    $ {line}")
    yield Text("  Read more: " + " ".join(cause.docs), style="dim")


def root_cause_lines(cause: RootCause) -> Iterator[Text]:
    """One root cause, line by line."""
    word, style = GLYPHS[cause.severity]
    yield Text.assemble((f"{cause.rank}. {word}  ", style), (cause.title, "bold"))
    yield Text(f"  {cause.id} · {cause.certainty} · {cause.objects[0]}")
    yield Text(f"  {' '.join(cause.summary.split())}")
    if len(cause.objects) > 1:
        yield Text(f"  Also involved: {', '.join(cause.objects[1:])}")
    yield from _affected(cause)
    yield from _evidence(cause.evidence)
    yield from _path(cause)
    yield from _fix(cause)
    if cause.consequences:
        yield Text(f"  Follows from it: {', '.join(cause.consequences)}", style="dim")
    yield Text("")


def _look_alikes(diagnosis: Diagnosis) -> Iterator[Text]:
    if diagnosis.ruled_out:
        yield Text("Ruled out", style="bold")
        for item in diagnosis.ruled_out:
            yield Text(f"  ✓ {item.id}: {item.because}")
        yield Text("")
    if diagnosis.unknown:
        yield Text("Unknown", style="bold")
        for gap in diagnosis.unknown:
            needs = f": needs {', '.join(gap.needs)}" if gap.needs else ""
            yield Text(f"  ? {gap.id}{needs}")
            yield Text(f"    {gap.why_missing}", style="dim")
        yield Text("")


def _other_findings(diagnosis: Diagnosis) -> Iterator[Text]:
    told = [item for item in diagnosis.findings if severity_of(item) is not Severity.INFO]
    notes = [item for item in diagnosis.findings if severity_of(item) is Severity.INFO]
    if told:
        yield Text("Findings", style="bold")
        for finding in by_severity(told):
            word, style = GLYPHS[severity_of(finding)]
            line = (f"  {word:<10}", style), f"{finding.code} {finding.resource}: {finding.message}"
            yield Text.assemble(*line)
        yield Text("")
    if notes:
        yield Text(f"Notes ({len(notes)})", style="bold")
        for finding in notes:
            yield Text(f"  i {finding.code} {finding.resource}: {finding.message}", style="dim")
        yield Text("")


_OWN = ("recording", "live")
"""Sources that need no word; another tool's archive does."""


def diagnosis_lines(diagnosis: Diagnosis, about: About) -> Iterator[Text]:
    """The whole diagnosis, line by line."""
    yield Text(headline(diagnosis), style="bold")
    versions = f"Istio {about.istio or 'unknown'}, Kubernetes {about.kubernetes or 'unknown'}"
    name = about.name if about.source in _OWN else f"{about.name} ({about.source})"
    yield Text(f"{name}, {about.captured_at:%Y-%m-%d %H:%M:%S} UTC, {versions}", style="dim")
    yield Text("")
    for cause in diagnosis.root_causes:
        yield from root_cause_lines(cause)
    yield from _look_alikes(diagnosis)
    yield from _other_findings(diagnosis)
    yield from _not_read(diagnosis)


def _not_read(diagnosis: Diagnosis) -> Iterator[Text]:
    """What could not be read, a line each; what is not installed is a fact, and one line."""
    if diagnosis.not_read:
        yield Text("Not read", style="bold")
    absent = []
    for item in diagnosis.not_read:
        if item.status is NotReadStatus.NOT_INSTALLED:
            absent.append(item.what.removeprefix("kubernetes/"))
        else:
            yield Text(f"  ? {item.what}: {item.status} ({item.reason})")
    if absent:
        yield Text(f"  – not installed: {', '.join(absent)}")
