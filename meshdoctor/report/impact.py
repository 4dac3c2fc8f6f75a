"""Who suffers from what was found: short lines for the first screen of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.finding import Affected

_MOST = 4


def affected_text(item: Affected) -> str:
    """Who calls what, or who suffers alone."""
    return " → ".join(part for part in (item.source, item.to) if part)


def impact_of(diagnosis: Diagnosis) -> tuple[str, ...]:
    """A line for each of the first that suffer, and one that counts the others."""
    suffering = list(
        dict.fromkeys(
            affected_text(item) for cause in diagnosis.root_causes for item in cause.affected
        )
    )
    if not suffering:
        alone = list(dict.fromkeys(cause.objects[0] for cause in diagnosis.root_causes))
        suffering = [f"{name} (no caller is known to suffer)" for name in alone]
    more = len(suffering) - _MOST
    rest = (f"and {more} more",) if more > 0 else ()
    return (*suffering[:_MOST], *rest)
