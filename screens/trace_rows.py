"""A walk as a path drawn from top to bottom: hops, then what differs and what is not known."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.model.trace import Basis, Verdict
from meshdoctor.report.trace_text import GLYPHS, age_text, outcome_text, outcome_verdict
from screens.evidence import place_of
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.trace import Difference, Hop, Missing, Outcome, Walk
    from meshdoctor.views.trace_form import Answer
    from meshdoctor.views.trace_why import Refused

COLUMNS = (
    Column("VERDICT"),
    Column("HOP", least=14),
    Column("NAME", least=18, cut="middle"),
    Column("OBJECT", least=16, cut="middle"),
    Column("WHERE", rank=1),
    Column("BECAUSE", least=24, rank=2),
)
_ROLES = {
    Verdict.PASSES: ("success", False),
    Verdict.FAILS: ("error", True),
    Verdict.MAY_FAIL: ("warning", False),
    Verdict.UNKNOWN: ("md-muted", False),
}
_PATH, _ASCII_PATH = ("┌ ", "├ ", "└ ", "│ ", "→"), (". ", "|-", "`-", "| ", "->")


def is_ascii_only() -> bool:
    """Whether the terminal cannot show the glyphs."""
    stream = sys.__stderr__
    try:
        "✓✗→├".encode((stream.encoding if stream else "") or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return True
    return False


def verdict_mark(verdict: Verdict, *, ascii_only: bool) -> Mark:
    """A verdict's glyph and word."""
    glyph, plain, _ = GLYPHS[verdict]
    role, bold = _ROLES[verdict]
    return Mark(f"{plain if ascii_only else glyph} {verdict}", role, bold=bold)


def outcome_pieces(outcomes: Sequence[Outcome], *, ascii_only: bool) -> list[tuple[str, str]]:
    """How the request may end, a line each: glyph, share, what the caller gets, who decides."""
    if not outcomes:
        return [("? The outcome cannot be told with what was read.", "$md-muted")]
    found: list[tuple[str, str]] = []
    for outcome in outcomes:
        verdict = outcome_verdict(outcome)
        glyph, plain, _ = GLYPHS[verdict]
        role, bold = _ROLES[verdict]
        part = outcome.condition or f"{outcome.share:.0%}"
        style = f"bold ${role}" if bold else f"${role}"
        found.append(("\n" if found else "", ""))
        found.append((f"{plain if ascii_only else glyph} {part}: {outcome_text(outcome)}", style))
        if outcome.objects:
            found.append((f"  {outcome.objects[0]}", "$md-muted"))
    return found


def command_for(objects: Sequence[str], evidence: Sequence[Evidence]) -> str:
    """What shows the same on the live mesh: the evidence's command, else the object's."""
    command = next((item.command for item in evidence if item.command), "")
    if command or not objects:
        return command
    kind, namespace, name = split_object(objects[0])
    return f"kubectl get {kind.lower()} {name}{f' -n {namespace}' if namespace else ''} -o yaml"


def _proof(objects: Sequence[str], evidence: Sequence[Evidence]) -> str:
    command = command_for(objects, evidence)
    lines = [f"$ {command}"] if command else []
    if objects:
        lines.append(", ".join(objects))
    if evidence:
        lines.append(f"{place_of(evidence[0])}: {' '.join(evidence[0].excerpt.split())}")
    return "\n".join(lines)


def why_text(item: Refused) -> str:
    """Why authorization refuses: every field that decides, and whom the server saw."""
    lines = [] if item.fields else [item.why.reason]
    for row in item.fields:
        rule = f", rule {row.rule}" if row.rule != "-" else ""
        field = f"{row.field} " if row.field != "-" else ""
        saw = f", the server sees {row.seen}" if field else ""
        lines.append(f"{row.action} {row.policy}{rule}: {field}asks for {row.wanted}{saw}")
    return "\n".join((*lines, f"the server takes it for: {item.identity}"))


def hop_text(hop: Hop, refused: Refused | None = None) -> str:
    """A hop in words: what was decided and why, the objects behind it, the first evidence."""
    basis = " (from the objects)" if hop.basis is Basis.INTENT else ""
    where = f"{hop.place} {hop.proxy}".strip()
    said = why_text(refused) if refused is not None else hop.because
    parts = [f"{hop.what} {hop.name} [{where}]{basis}", said]
    parts.append(_proof(hop.objects, hop.evidence))
    return "\n".join(part for part in parts if part)


def _hop_row(
    hop: Hop, number: int, tick: str, indent: str, refused: Refused | None, *, ascii_only: bool
) -> Row:
    return Row(
        key=f"{number} {hop.what} {hop.name}",
        cells=(
            verdict_mark(hop.verdict, ascii_only=ascii_only),
            f"{indent}{tick}{hop.what}",
            hop.name,
            hop.objects[0] if hop.objects else "-",
            hop.place.value,
            hop.because,
        ),
        is_fault=hop.verdict is not Verdict.PASSES,
        value=hop,
        detail=hop_text(hop, refused),
    )


def _hop_rows(walk: Walk, refused: Sequence[Refused], *, ascii_only: bool) -> Iterator[Row]:
    first, middle, last, bar, arrow = _ASCII_PATH if ascii_only else _PATH
    whys = {item.number: item for item in refused}
    before: tuple[str, ...] = ()
    for number, hop in enumerate(walk.hops, start=1):
        indent = bar * len(hop.branch)
        if hop.branch and hop.branch != before:
            label = hop.branch[-1]
            outer = bar * (len(hop.branch) - 1)
            cells = ("", f"{outer}{middle}{arrow}", label, "", "", "")
            yield Row(key=f"branch {number} {label}", cells=cells, detail=label)
        before = hop.branch
        following = walk.hops[number].branch if number < len(walk.hops) else ()
        is_end = number == len(walk.hops) or following[: len(hop.branch)] != hop.branch
        tick = first if number == 1 else last if is_end else middle
        yield _hop_row(hop, number, tick, indent, whys.get(number), ascii_only=ascii_only)


def _difference_row(item: Difference, *, ascii_only: bool) -> Row:
    mark = replace(verdict_mark(Verdict.MAY_FAIL, ascii_only=ascii_only), text="! differs")
    text = f"{item.text} ({age_text(item)})"
    return Row(
        key=f"difference {item.proxy} {item.text}",
        cells=(mark, "configuration", item.proxy, ", ".join(item.objects[:1]), "", text),
        is_fault=True,
        value=item,
        detail=f"{item.proxy}: {text}\n{_proof(item.objects, item.evidence)}".rstrip(),
    )


def _missing_row(item: Missing) -> Row:
    return Row(
        key=f"unknown {item.what}",
        cells=(Mark("? unknown", "md-muted"), "not read", item.what, "", "", item.why),
        is_fault=True,
        value=item,
        detail=f"{item.what} was not read: it would tell {item.why}",
    )


def rows(answer: Answer, *, ascii_only: bool) -> list[Row]:
    """The path, then where proxies differ from the objects, then what was not read."""
    if answer.walk is None:
        return []
    return [
        *_hop_rows(answer.walk, answer.refused, ascii_only=ascii_only),
        *(_difference_row(item, ascii_only=ascii_only) for item in answer.walk.differences),
        *(_missing_row(item) for item in answer.walk.unknown),
    ]
