"""The header: what is looked at, and that nothing is ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from screens.state import Phase
from screens.widgets.columns import shortened
from screens.widgets.live_mark import live_parts
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual import events

    from screens.state import MeshState
    from screens.widgets.live_mark import Part

_SEPARATOR = " · "
_DIGITS = 9
_LONGEST_CONTEXT = 20
"""Contexts of cloud providers are long: their ends tell most."""


def _parts(state: MeshState) -> list[Part]:
    name = state.name.removesuffix(".tar.gz")
    if state.is_live:
        name = shortened(name, _LONGEST_CONTEXT, "middle")
    parts = [("meshdoctor", "bold $primary", 1)]
    if state.banner is not None:
        parts.append((state.banner(), "bold", 0))
    else:
        parts += [("read-only", "dim", 3), (name, "", 0)]
    if state.banner is None or state.snapshot is not None:
        parts.append((f"ns {state.namespace or 'all'}", "bold" if state.namespace else "", 0))
    if state.snapshot is not None:
        about = state.snapshot.about
        parts.append((f"istio {about.istio or 'unknown'}", "", 2))
        if not state.is_live and state.banner is None:
            parts.append((f"REPLAY {about.captured_at:%Y-%m-%d %H:%M}Z", "", 1))
    if state.is_live:
        parts += live_parts(state)
    elif state.is_busy:
        doing = "reading" if state.phase is Phase.READING else "diagnosing"
        parts.append((f"{doing} {state.files_read} files", "bold", 2))
    return parts


def fitted(parts: list[Part], room: int) -> list[Part]:
    """As many parts as a line has room for, the least important left out first."""
    shown = list(parts)
    while len(shown) > 1 and cell_len(_SEPARATOR.join(text for text, _, _ in shown)) > room:
        worst = max(rank for _, _, rank in shown)
        if worst == 0:
            break
        shown.remove(next(part for part in reversed(shown) if part[2] == worst))
    return shown


class MeshHeader(PlainText):
    """``meshdoctor · read-only · source · ns all · istio 1.x · REPLAY time | LIVE age · REC``."""

    DEFAULT_CSS = """
    MeshHeader { height: 1; background: $panel; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self, state: MeshState) -> None:
        """Show a state; it follows every change."""
        super().__init__(id="header")
        self._state = state
        self._shown: list[tuple[str, str]] = []

    def on_mount(self) -> None:
        """Follow the state."""
        self._state.changed.subscribe(self, self._show)

    def on_resize(self, event: events.Resize) -> None:
        """Say as much as the new width has room for."""
        del event
        self._show(self._state)

    def _show(self, state: MeshState) -> None:
        shown: list[tuple[str, str]] = []
        for text, style, _ in fitted(_parts(state), self.content_size.width):
            shown += [(_SEPARATOR, "dim"), (text, style)] if shown else [(text, style)]
        # Told twice a second while a mesh is live; an age in minutes rarely changes.
        if shown != self._shown:
            self._shown = shown
            self.say(*shown)


class NamespaceBar(PlainText):
    """``0 all  1 shop  2 pay``: what the digits stand for; only on tall screens."""

    DEFAULT_CSS = """
    NamespaceBar { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    NamespaceBar { display: none; color: $md-muted; }
    """

    def __init__(self, state: MeshState) -> None:
        """Show a state's namespaces; it follows every change."""
        super().__init__(id="namespaces")
        self._state = state

    def on_mount(self) -> None:
        """Follow the state."""
        self._state.changed.subscribe(self, self._show)
        self._show(self._state)

    def _show(self, state: MeshState) -> None:
        names = ("", *state.namespaces[:_DIGITS])
        parts = [("Namespaces", "")] if len(names) > 1 else []
        for number, name in enumerate(names if parts else ()):
            chosen = name == state.namespace
            parts.append((f" {number} {name or 'all'} ", "reverse" if chosen else ""))
        self.say(*parts)
