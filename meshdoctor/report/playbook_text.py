"""A playbook for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.diagnose.library import Playbook


def playbook_lines(playbook: Playbook) -> Iterator[Text]:
    """The playbook's symptom and its steps, line by line."""
    yield Text(f"{playbook.id}: {playbook.title}", style="bold")
    yield Text(" ".join(playbook.symptom.split()))
    yield Text("")
    for number, step in enumerate(playbook.steps, start=1):
        yield Text(f"{number}. {step.question}", style="bold")
        if step.look:
            yield Text(f"   look: {step.look}", style="dim")
        for outcome in step.outcomes:
            end = f"root cause {outcome.cause}" if outcome.cause else "the walk ends here"
            note = f" ({outcome.note})" if outcome.note else ""
            yield Text(f"   if not ({outcome.when}): {end}{note}")
