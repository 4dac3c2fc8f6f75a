"""A walk for a person: what becomes of the request, then every hop in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from meshdoctor.model.trace import Basis, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.model.trace import Difference, Hop, Outcome, Walk
    from meshdoctor.views.trace_why import Refused

GLYPHS = {
    Verdict.PASSES: ("✓", "+", "green"),
    Verdict.FAILS: ("✗", "x", "bold red"),
    Verdict.MAY_FAIL: ("!", "!", "yellow"),
    Verdict.UNKNOWN: ("?", "?", "yellow"),
}
"""Glyph, its stand-in in ASCII, colour; the verdict's word is printed beside it."""
_LONGEST = 400


def _mark(verdict: Verdict, *, ascii_only: bool) -> tuple[str, str]:
    glyph, plain, style = GLYPHS[verdict]
    return (plain if ascii_only else glyph), style


def outcome_text(outcome: Outcome) -> str:
    """What the caller gets: status, flags, details."""
    if outcome.delivered:
        answer = "delivered: the application answers"
        return f"{answer}, delayed ({','.join(outcome.flags)})" if outcome.flags else answer
    if not outcome.status and not outcome.flags:
        return f"fails: {outcome.details or 'the connection is closed'}"
    text = f"{outcome.status} {','.join(outcome.flags) or '-'} {outcome.details}".strip()
    if outcome.origin_details:
        flags = ",".join(outcome.origin_flags) or "-"
        text += f" (in the server's log: {outcome.status} {flags} {outcome.origin_details})"
    return text


def outcome_verdict(outcome: Outcome) -> Verdict:
    """Passes, fails, or may fail under some condition."""
    if not outcome.is_failure:
        return Verdict.PASSES
    return Verdict.MAY_FAIL if outcome.condition else Verdict.FAILS


def _outcomes(walk: Walk, *, ascii_only: bool) -> Iterator[Text]:
    if not walk.outcomes:
        yield Text("Outcome: unknown", style="bold")
        return
    yield Text("Outcome" if len(walk.outcomes) == 1 else "Outcomes", style="bold")
    for outcome in walk.outcomes:
        mark, style = _mark(outcome_verdict(outcome), ascii_only=ascii_only)
        part = outcome.condition or f"{outcome.share:.0%}"
        yield Text.assemble((f"  {mark} ", style), f"{part}: {outcome_text(outcome)}")
        yield Text(f"      {_line(outcome.because)}", style="dim")
        if outcome.objects:
            yield Text(f"      {', '.join(outcome.objects)}", style="cyan")


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def _hop(hop: Hop, number: int, *, ascii_only: bool) -> Iterator[Text]:
    mark, style = _mark(hop.verdict, ascii_only=ascii_only)
    indent = "  " * len(hop.branch)
    where = f"{hop.place} {hop.proxy}".strip()
    basis = " (from the objects)" if hop.basis is Basis.INTENT else ""
    yield Text.assemble(
        f"{indent}{number:>3}. ",
        (f"{mark} {hop.verdict}", style),
        f"  {hop.what}: {_line(hop.name)}",
        (f"  [{where}]{basis}", "dim"),
    )
    yield Text(f"{indent}       {_line(hop.because)}")
    if hop.objects:
        yield Text(f"{indent}       {', '.join(hop.objects)}", style="cyan")


def age_text(difference: Difference) -> str:
    """How old the configuration is in which the proxy differs."""
    if difference.age is None:
        return "the age of its configuration is not known"
    return f"its configuration is {difference.age:.0f} s old"


def why_403_lines(refused: Iterable[Refused], *, ascii_only: bool = False) -> Iterator[Text]:
    """Why authorization refuses the request: policy, rule, field, and whom the server saw."""
    for item in refused:
        mark, style = _mark(item.hop.verdict, ascii_only=ascii_only)
        yield Text.assemble((f"  {mark} ", style), f"hop {item.number}: {_line(item.why.reason)}")
        yield Text(f"      the server takes it for: {item.identity}")
        for row in item.fields:
            rule = f", rule {row.rule}" if row.rule != "-" else ""
            field = f"{row.field} " if row.field != "-" else ""
            asks = f"{field}asks for {_line(row.wanted)}"
            yield Text(f"      {row.action} {row.policy}{rule}: {asks}", style="cyan")
            if field:
                yield Text(f"        the server sees {_line(row.seen)}: matches {row.matches}")


def trace_lines(
    walk: Walk, refused: Sequence[Refused] = (), *, ascii_only: bool = False
) -> Iterator[Text]:
    """A whole walk, line by line.

    Args:
        walk: what to tell.
        refused: the hops at which authorization refuses it, and why.
        ascii_only: whether the terminal shows nothing but ASCII.
    """
    request = walk.request
    arrow = "->" if ascii_only else "→"
    who = f"outside, through {request.client}" if request.from_gateway else str(request.client)
    scheme = "https" if request.tls else "http"
    url = f"{request.method} {scheme}://{request.host}:{request.port}{request.path}"
    yield Text(f"{who} {arrow} {url}", style="bold")
    yield Text("")
    yield from _outcomes(walk, ascii_only=ascii_only)
    if refused:
        yield Text("")
        yield Text("Why 403", style="bold")
        yield from why_403_lines(refused, ascii_only=ascii_only)
    yield Text("")
    yield Text("Hops", style="bold")
    before: tuple[str, ...] = ()
    for number, hop in enumerate(walk.hops, start=1):
        if hop.branch and hop.branch != before:
            yield Text(f"{'  ' * len(hop.branch)}{arrow} {hop.branch[-1]}", style="bold")
        before = hop.branch
        yield from _hop(hop, number, ascii_only=ascii_only)
    if walk.differences:
        yield Text("")
        yield Text("What a proxy holds is not what the objects ask for", style="bold")
        for item in walk.differences:
            mark = _mark(Verdict.MAY_FAIL, ascii_only=ascii_only)[0]
            yield Text(f"  {mark} {item.proxy}: {_line(item.text)} ({age_text(item)})")
    if walk.unknown:
        yield Text("")
        yield Text("Not known", style="bold")
        for gap in walk.unknown:
            yield Text(f"  ? {gap.what}: it would tell {gap.why}")
