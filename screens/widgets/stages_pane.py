"""How far a live mesh is read: a row for each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from screens.state import MeshState

_NOTHING_YET = "… asking the API server what there is"


class StagesPane(PlainText):
    """``✓ objects 34``, ``… proxies 14/60``; shown until everything was read for the first time."""

    DEFAULT_CSS = """
    StagesPane {
        height: 1fr; max-height: 9; border: round $md-frame; padding: 0 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, state: MeshState) -> None:
        """Show a state; it follows every change."""
        super().__init__(id="stages")
        self._state = state

    def on_mount(self) -> None:
        """Follow the state."""
        self._state.changed.subscribe(self, self._show)
        self._show(self._state)

    def _show(self, state: MeshState) -> None:
        self.display = state.is_reading_first
        if not self.display:
            return
        keys = "esc again does not wait" if state.stopping else "esc keeps what was read"
        self.border_title = f"Reading {state.elapsed:.0f}s"
        self.border_subtitle = keys
        now = state.clock()
        self.say("\n".join(stage.row(now) for stage in state.stages.values()) or _NOTHING_YET)
