"""What a pasted line says, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.views.pasted_line import PastedLine

_WIDEST = 34
_LONGEST = 120


def pasted_line_lines(line: PastedLine) -> Iterator[Text]:
    """The line's fields, what they tell together, and where to go on."""
    yield Text(f"The line: {line.source}", style="bold")
    width = min(_WIDEST, max((len(item.name) for item in line.fields), default=0))
    for item in line.fields:
        value = " ".join(item.value.split())
        value = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        yield Text.assemble(
            (f"  {item.name:<{width}}  ", "cyan"), value, (f"  ({item.meaning})", "dim")
        )
    yield Text(f"  {line.meaning}")
    yield Text(f"  {line.what_to_do}")
    if line.playbook:
        yield Text(f"  Playbook: {line.playbook}", style="dim")
    yield Text("")
