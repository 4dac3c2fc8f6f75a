"""A failing request in words: who asks for what, every hop, and what the caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.trace import Basis, Place
from meshdoctor.report.trace_text import GLYPHS, outcome_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.trace import Hop
    from meshdoctor.report.failing_request import FailingRequest

AT_FAULT = "✗ breaks here"
NOT_REACHED = "the application is not reached"


def asked_text(request: FailingRequest) -> str:
    """Who asks for what."""
    if not request.caller:
        return f"outside, through {request.client} → {request.url}"
    return f"{request.caller} ({request.client}) → {request.url}"


def place_text(request: FailingRequest, hop: Hop) -> str:
    """The place of a hop; from outside the first proxy that is met is a gateway's."""
    if hop.place is Place.CLIENT_PROXY and not request.caller:
        return "gateway"
    return str(hop.place)


def where_text(request: FailingRequest, hop: Hop) -> str:
    """Where a hop is: its place, and the proxy that holds it."""
    basis = ", from the objects" if hop.basis is Basis.INTENT else ""
    return f"{place_text(request, hop)} {hop.proxy}".strip() + basis


def mark_text(request: FailingRequest, number: int) -> str:
    """A hop's verdict as glyph and words; the one at fault says so."""
    if number == request.fails_at:
        return AT_FAULT
    verdict = request.hops[number].verdict
    return f"{GLYPHS[verdict][0]} {verdict}"


def hop_text(request: FailingRequest, number: int) -> str:
    """One hop in one line."""
    hop = request.hops[number]
    by = f" ({', '.join(hop.objects)})" if hop.objects else ""
    name = f" {hop.name}" if hop.name != hop.what else ""
    mark = mark_text(request, number)
    return f"{mark}: {where_text(request, hop)}: {hop.what}{name}: {hop.because}{by}"


def gets_text(request: FailingRequest) -> str:
    """What the caller gets, and how often."""
    outcome = request.outcome
    part = "" if outcome.share >= 1 else f"{outcome.share:.0%} of such requests: "
    return f"{part}{outcome_text(outcome)}"


def failing_request_lines(request: FailingRequest) -> Iterator[str]:
    """Who asks, the numbered hops, the end."""
    yield asked_text(request)
    for number in range(len(request.hops)):
        yield f"{number + 1}. {hop_text(request, number)}"
    if request.is_stopped:
        yield f"{len(request.hops) + 1}. – {NOT_REACHED}"
    yield f"the caller gets: {gets_text(request)}"
