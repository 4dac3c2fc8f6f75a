"""A failing request drawn hop by hop, by the places it passes, down to the hop that breaks it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from meshdoctor.report.drawing import Box, Drawing
from meshdoctor.report.failing_request_text import (
    NOT_REACHED,
    asked_text,
    gets_text,
    hop_text,
    mark_text,
    place_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.report.failing_request import FailingRequest

_WIDTH = 900
_PLACE = 190
"""Width of the column that names the places."""
_GAP = 20
_BETWEEN = 24


def _place(request: FailingRequest, number: int, y: int) -> Box | None:
    """The name of a place, where the request comes to it; None while it stays there."""
    hop = request.hops[number]
    before = request.hops[number - 1] if number else None
    if before is not None and (before.place, before.proxy) == (hop.place, hop.proxy):
        return None
    return Box.of(0, y, _PLACE, place_text(request, hop), hop.proxy, style="place")


def _boxes(request: FailingRequest) -> Iterator[tuple[Box | None, Box]]:
    """A box for who asks, for each hop, and for what the caller gets."""
    x, width = _PLACE + _GAP, _WIDTH - _PLACE - _GAP
    who = Box.of(x, 0, width, "asks", asked_text(request), style="asks")
    yield None, who
    y = who.height + _BETWEEN
    for number, hop in enumerate(request.hops):
        at_fault = number == request.fails_at
        words = [hop.name, hop.because, *([", ".join(hop.objects)] if hop.objects else [])]
        head = f"{number + 1}. {mark_text(request, number)}: {hop.what}"
        style = "fault" if at_fault else hop.verdict.value.replace(" ", "-")
        place = _place(request, number, y)
        box = Box.of(x, y, width, head, *words, style=style)
        yield place, box
        y += max(box.height, place.height if place else 0) + _BETWEEN
    if request.is_stopped:
        box = Box.of(x, y, width, f"– {NOT_REACHED}", style="unreached")
        yield Box.of(0, y, _PLACE, "application", style="place"), box
        y += box.height + _BETWEEN
    end = Box.of(x, y, width, "✗ the caller gets", gets_text(request), style="fault")
    yield None, end


def hop_by_hop(request: FailingRequest) -> str:
    """The drawing as inline SVG; its description tells every hop in words."""
    hops = ". ".join(hop_text(request, number) for number in range(len(request.hops)))
    drawing = Drawing(
        f"request-{request.rank}",
        f"A request that fails by root cause {request.rank}, hop by hop",
        f"{asked_text(request)}. {hops}. The caller gets: {gets_text(request)}.",
        _WIDTH,
    )
    rows = list(_boxes(request))
    for (_, above), (_, below) in pairwise(rows):
        x = above.x + 40
        style = "broken" if below.style == "unreached" or above.style == "unreached" else ""
        drawing.line((x, above.y + above.height), (x, below.y), style)
    for place, box in rows:
        if place is not None:
            drawing.box(place)
        drawing.box(box)
    return drawing.svg()
