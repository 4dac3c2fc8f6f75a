"""What is closed while a drill is played, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.places import PLACES

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill

_CLOSED = {
    "diagnosis": "Diagnosis is closed in a drill: it names the root cause, which is yours to find",
    "why-403": "Why 403 is closed in a drill: it names the rule, which is yours to find",
    "report": "Reports are closed in a drill: they name the root cause",
    "changes": "What changed is closed in a drill: it names the root cause",
    "paste": "Explaining a line is closed in a drill: it leads to the diagnosis",
    "record": "A drill is played in memory: there is nothing to record",
    "follow": "A drill is played in memory: what you see is how the mesh stands",
    "read_again": "A drill is played in memory: what you see is how the mesh stands",
}
NO_MESH = "Choose a drill first: enter starts it"


def closed_in(drill: Drill) -> dict[str, str]:
    """Places and actions that are closed in a drill, and why.

    Args:
        drill: may name the screens that are open; the overview always is.
    """
    closed = dict(_CLOSED)
    for name, place in PLACES.items():
        if drill.seen.screens and name not in ("overview", *drill.seen.screens):
            closed.setdefault(name, f"{place.title} is closed in this drill: use another screen")
    return closed


def closed_without_mesh() -> dict[str, str]:
    """What is closed while no drill was chosen: everything that looks at a mesh."""
    return {**dict.fromkeys(_CLOSED, NO_MESH), **dict.fromkeys(PLACES, NO_MESH)}
