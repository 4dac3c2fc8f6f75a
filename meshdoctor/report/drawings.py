"""What is drawn of a root cause: who calls what and where it breaks, and the playbook's walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.finding import Outcome
from meshdoctor.report.diagnosis_text import OUTCOMES
from meshdoctor.report.drawing import Box, Drawing
from meshdoctor.report.impact import affected_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import RootCause

_MOST = 4
_WIDTH = 900
_SIDE = 240
_GAP = 60
_BETWEEN = 12


def _stack(x: int, names: list[str], label: str) -> list[Box]:
    """Boxes one above the other; those that do not fit are counted."""
    shown = names[:_MOST] + ([f"and {len(names) - _MOST} more"] if len(names) > _MOST else [])
    boxes: list[Box] = []
    y = 0
    for name in shown:
        boxes.append(Box.of(x, y, _SIDE, label, *_joints(name)))
        y += boxes[-1].height + _BETWEEN
    return boxes


def _joints(name: str) -> list[str]:
    """A host in two lines where it is long: what a person looks for stands in front."""
    head, dot, tail = name.partition(".svc.")
    return [head, f"{dot}{tail}"] if dot else [name]


def _height(boxes: Iterable[Box]) -> int:
    return max((box.y + box.height for box in boxes), default=0)


def request_path(cause: RootCause) -> str:
    """Callers on the left, what they call on the right, and what breaks it between them."""
    callers = list(dict.fromkeys(item.source for item in cause.affected if item.source))
    called = list(dict.fromkeys(item.to for item in cause.affected if item.to))
    left = _stack(0, callers, "caller" if called else "suffers")
    right = _stack(_WIDTH - _SIDE, called, "calls")
    x = _SIDE + _GAP if left else 0
    fault = Box.of(
        x,
        0,
        _WIDTH - 2 * (_SIDE + _GAP),
        "✗ breaks here",
        cause.objects[0],
        cause.id,
        style="fault",
    )
    tallest = max(_height(left), _height(right), fault.height)
    fault = fault.moved((tallest - fault.height) // 2)
    said = "; ".join(affected_text(item) for item in cause.affected) or "nobody known"
    drawing = Drawing(
        f"path-{cause.rank}",
        f"Request path of root cause {cause.rank}",
        f"{said}. It breaks at {cause.objects[0]} ({cause.id}).",
        _WIDTH,
    )
    for box in left:
        drawing.line((box.x + box.width, box.middle), (fault.x, fault.middle))
    for box in right:
        drawing.line((fault.x + fault.width, fault.middle), (box.x, box.middle), "broken")
    for box in (*left, *right, fault):
        drawing.box(box)
    return drawing.svg()


def walk(cause: RootCause) -> str:
    """The steps that were looked at, one beneath the other, down to the root cause."""
    steps = [step for step in cause.path if step.outcome is not Outcome.SKIP]
    drawing = Drawing(
        f"walk-{cause.rank}",
        f"Walk of playbook {cause.playbook}",
        " ".join(f"{step.question} {step.outcome}: {step.because}." for step in steps),
        _WIDTH,
    )
    y = 0
    last: Box | None = None
    boxes = [
        *(
            (f"{OUTCOMES[step.outcome]}  {step.question}", step.because, step.outcome.value)
            for step in steps
        ),
        (f"root cause: {cause.id}", cause.title, "fault"),
    ]
    for head, words, style in boxes:
        box = Box.of(0, y, _WIDTH, head, words, style=style)
        if last is not None:
            drawing.line((40, last.y + last.height), (40, box.y))
        drawing.box(box)
        last, y = box, box.y + box.height + 24
    return drawing.svg()
