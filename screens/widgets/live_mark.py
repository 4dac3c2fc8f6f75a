"""The live part of the header: how old what is shown is, what is being read, what is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.age import age, size
from screens.stages import foremost
from screens.state import STALE_AFTER, Following, Phase

if TYPE_CHECKING:
    from screens.state import MeshState, Saving

    Part = tuple[str, str, int]
    """Text, style, and rank: parts of the highest rank are left out first."""

_WARNING = "bold $warning"


def live_parts(state: MeshState) -> list[Part]:
    """``LIVE 12s ago · reading proxies 14/60 · REC 1.2 MB``."""
    parts = [_mark(state)]
    if state.following is Following.LOST:
        wait = age(max(0.0, state.retry_at - state.clock()))
        parts.append((f"lost, retry in {wait}", _WARNING, 0))
    if state.is_busy:
        # Whoever looks at half a mesh must know it, on every screen.
        parts.append((_doing(state), "bold", 0 if state.is_partial else 1))
    if state.saving is not None:
        parts.append((_recording(state.saving), "reverse", 0))
    return parts


def _mark(state: MeshState) -> Part:
    if state.snapshot is None:
        return "LIVE", "", 0
    is_stale = state.age > STALE_AFTER
    notes = ["stale"] if is_stale else []
    notes += ["paused"] if state.following is Following.PAUSED else []
    notes += ["incomplete"] if state.is_partial and not state.is_busy else []
    told = f" ({', '.join(notes)})" if notes else ""
    is_odd = is_stale or state.is_partial
    return f"LIVE {age(state.age)} ago{told}", _WARNING if is_odd else "", 0


def _doing(state: MeshState) -> str:
    if state.stopping:
        return "stopping"
    if state.phase is Phase.DIAGNOSING:
        return "diagnosing"
    stage = foremost(state.stages.values())
    return f"reading {stage.name} {stage.count()}" if stage else "reading"


def _recording(saving: Saving) -> str:
    """Words, not a red dot alone."""
    stage = foremost(saving.stages.values())
    how_far = f" {stage.name} {stage.count()}" if stage else ""
    return f"REC {size(saving.size)}{' stopping' if saving.stopping else how_far}"
