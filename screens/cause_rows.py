"""What the diagnosis screen shows of root causes, walks and gaps, as rows of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of
from meshdoctor.model.finding import Outcome
from screens.evidence import evidence_text, place_of
from screens.widgets.columns import Column
from screens.widgets.marks import OUTCOME, SEVERITY, Mark
from screens.widgets.row import Row
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.diagnosis import Fix, RootCause, RuledOut, Unknown, Walk, WalkedStep
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding

CAUSES = (
    Column("SEVERITY"),
    Column("WHAT", least=44),
    Column("CERTAINTY"),
    Column("OBJECT", least=28, rank=1),
)
WALK = (Column("OUTCOME"), Column("QUESTION", least=24), Column("BECAUSE", least=24))
EVIDENCE = (Column("WHERE", least=30, cut="start"), Column("WHAT STANDS THERE", least=24))
FIX = (Column("DO", least=24, wraps=True), Column("COMMAND", least=30, wraps=True))
FOLLOWS = (
    Column("CODE"),
    Column("WHAT", least=30, wraps=True),
    Column("WHERE", least=16, wraps=True),
)
RULED_OUT = (Column("CAUSE"), Column("BECAUSE", least=30, wraps=True))
UNKNOWN = (
    Column("CAUSE", least=20, wraps=True),
    Column("NEEDS", least=16, wraps=True),
    Column("WHY IT IS MISSING", least=20, wraps=True),
)
WALKS = (
    Column("RESULT", least=20),
    Column("PLAYBOOK"),
    Column("SUBJECT", least=30),
    Column("STEPS", rank=1),
)


def cause_row(cause: RootCause) -> Row:
    """A root cause."""
    return Row(
        key=f"{cause.id} {cause.objects[0]}",
        cells=(
            SEVERITY[cause.severity],
            Mark(cause.title, bold=True),
            cause.certainty.value,
            cause.objects[0],
        ),
        is_fault=True,
        namespace=namespace_of(cause.objects[0]),
        value=cause,
    )


def step_rows(steps: Iterable[WalkedStep]) -> list[Row]:
    """The steps of a walk, in the order they were taken."""
    return [
        Row(
            key=step.step,
            cells=(OUTCOME[step.outcome], step.question, step.because),
            is_fault=step.outcome in (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN),
            value=step,
            detail=f"{step.question}\n{step.because}\n{_proof(step.evidence)}",
        )
        for step in steps
    ]


def _proof(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    pieces = counted(len(evidence), "piece")
    return f"{pieces} of evidence: enter. First: {place_of(evidence[0])}"


def evidence_rows(evidence: Iterable[Evidence]) -> list[Row]:
    """Where each fact stands, and what stands there."""
    return [
        Row(
            key=place_of(item),
            cells=(place_of(item), " ".join(item.excerpt.split())),
            value=item,
            detail=evidence_text(item),
        )
        for item in evidence
    ]


def fix_rows(cause: RootCause) -> list[Row]:
    """What to do, in order, and then what to look at to see that it helped."""
    return [
        Row(f"fix {number}", (f"{number}. {fix.do}", fix.command), value=fix, detail=fix_text(fix))
        for number, fix in enumerate(cause.fix, start=1)
    ] + [Row(f"verify {line}", ("Then verify", line), value=line) for line in cause.verify]


def fix_text(fix: Fix) -> str:
    """A fix with what it changes and how to undo it."""
    return f"{fix.do}\n\n$ {fix.command}\n\nchanges: {fix.changes}\nundo:    {fix.undo}"


def finding_rows(findings: Iterable[Finding]) -> list[Row]:
    """Findings that a root cause explains."""
    return [
        Row(
            key=f"{item.code} {item.subject} {item.resource}",
            cells=(item.code, item.message, item.resource),
            value=item,
        )
        for item in findings
    ]


def ruled_out_rows(items: Iterable[RuledOut]) -> list[Row]:
    """Look-alikes, and the fact that rules each out."""
    return [
        Row(item.id, (Mark(f"✓ not {item.id}", "success"), item.because), value=item)
        for item in items
    ]


def unknown_rows(items: Iterable[Unknown]) -> list[Row]:
    """Causes that can be neither found nor ruled out."""
    return [
        Row(
            key=item.id,
            cells=(Mark(f"? {item.id}", "md-muted"), ", ".join(item.needs), item.why_missing),
            is_fault=True,
            value=item,
        )
        for item in items
    ]


def walk_rows(walks: Iterable[Walk]) -> list[Row]:
    """Every walk that was taken, those that ended at a cause first."""
    rows = []
    for walk in sorted(walks, key=lambda walk: walk.cause is None):
        nothing = Mark("✓ nothing", "success")
        found = Mark(f"✗ {walk.cause}", "error", bold=True) if walk.cause else nothing
        if walk.cause is None and any(step.outcome is Outcome.UNKNOWN for step in walk.steps):
            found = Mark("? unknown", "md-muted")
        rows.append(
            Row(
                key=f"{walk.playbook} {walk.subject}",
                cells=(found, walk.playbook, walk.subject, str(len(walk.steps))),
                is_fault=found is not nothing,
                value=walk,
            )
        )
    return rows


def walk_text(walk: Walk) -> str:
    """A walk's steps, each with its reason and where the proof stands."""
    lines = [f"Playbook {walk.playbook}, {walk.subject}", ""]
    for step in walk.steps:
        lines += [f"{OUTCOME[step.outcome]}  {step.question}", f"    {step.because}"]
        lines += [f"    {place_of(item)}" for item in step.evidence]
    lines += ["", f"Ended at: {walk.cause or 'nothing: no cause of this playbook holds here'}"]
    return "\n".join(lines)


def cause_summary(cause: RootCause) -> list[tuple[str, str]]:
    """A root cause in words, its victims, the first thing to do, and how to see that it helped."""
    parts: list[tuple[str, str]] = [
        (" ".join(cause.summary.split()), ""),
        (f"\n\n{cause.id} · {cause.certainty} · {', '.join(cause.objects)}", "$md-muted"),
    ]
    if cause.fix:
        parts += [("\n\nDo   ", "bold"), (cause.fix[0].do, "")]
        parts += [("\n     $ ", "dim"), (cause.fix[0].command, "$primary")]
    if cause.affected:
        parts.append(("\n\nAffected", "bold"))
        parts += [
            ("\n     " + " → ".join(part for part in (item.source, item.to) if part), "")
            for item in cause.affected
        ]
    if cause.verify:
        parts.append(("\n\nVerify", "bold"))
        parts += [(f"\n     $ {line}", "") for line in cause.verify]
    if cause.docs:
        parts.append(("\n\nRead more", "bold"))
        parts += [(f"\n     {url}", "$md-muted") for url in cause.docs]
    return parts
