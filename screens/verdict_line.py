"""The verdict in one line; one made before everything was read says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.state import Phase
from screens.words import counted

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import Diagnosis
    from screens.state import MeshState


def verdict_line(state: MeshState, diagnosis: Diagnosis) -> str:
    """The headline of the report; on the way, what was found so far and that more is to come."""
    # Imported here: it loads yaml, which the first paint need not wait for.
    from meshdoctor.report.verdict import headline

    if not state.is_partial:
        return headline(diagnosis)
    number = len(diagnosis.root_causes)
    found = f"{counted(number, 'root cause')} found" if number else "Nothing found"
    return f"… {found}: {so_far(state, diagnosis)}"


def so_far(state: MeshState, diagnosis: Diagnosis) -> str:
    """How much of the mesh a partial diagnosis knows, and whether more is to come."""
    read = f"{diagnosis.proxies_read} of {diagnosis.proxies_total} proxies read"
    if state.is_busy:
        return f"{read} so far, more to come"
    if state.phase is Phase.FAILED:
        return f"{read} before reading ended. r reads everything"
    return f"{read}, then it was stopped. r reads everything"
