"""Marks: a glyph and a word with a role; the theme gives the role its colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from meshdoctor.model.finding import Outcome, Severity
from meshdoctor.model.istiod import SyncStatus
from screens.widgets.columns import Column, shortened
from screens.widgets.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Mark:
    """Text with a role: no meaning is carried by colour alone."""

    text: str
    role: str = ""
    """A theme variable: ``error``, ``warning``, ``success``, ``md-muted``, ``primary``."""
    bold: bool = False
    short: str = ""
    """What is said where there is no room for the text."""

    def __str__(self) -> str:
        """The words alone."""
        return self.text


SEVERITY = {
    Severity.ERROR: Mark("✗ error", "error", bold=True),
    Severity.WARNING: Mark("! warning", "warning"),
    Severity.INFO: Mark("i info", "md-muted"),
}

OUTCOME = {
    Outcome.PASS: Mark("✓ pass", "success"),
    Outcome.WARN: Mark("! warn", "warning"),
    Outcome.FAIL: Mark("✗ fail", "error", bold=True),
    Outcome.SKIP: Mark("– skip", "md-muted"),
    Outcome.UNKNOWN: Mark("? unknown", "md-muted"),
}

_SYNC = {
    SyncStatus.SYNCED.value: ("✓", "success", False),
    SyncStatus.STALE.value: ("!", "warning", True),
    SyncStatus.NOT_SENT.value: ("–", "md-muted", False),
    SyncStatus.IGNORED.value: ("–", "md-muted", False),
    SyncStatus.ERROR.value: ("✗", "error", True),
    "NOT CONNECTED": ("✗", "error", True),
    "UNKNOWN": ("?", "md-muted", False),
}
"""Istio's words, and the two of proxy-status for a proxy that no istiod is known to serve."""


def sync_mark(text: str) -> Mark:
    """A status word of proxy-status, with its glyph."""
    glyph, role, bold = _SYNC.get(text, ("?", "md-muted", False))
    return Mark(f"{glyph} {text}", role, bold=bold)


def sync_cell(text: str) -> Mark:
    """A cell of proxy-status, which begins with its status word and may go on with an age."""
    for word, (_, role, bold) in _SYNC.items():
        if text.startswith(word):
            return Mark(text, role, bold=bold, short=word)
    return Mark(text or "–", "md-muted")


def cell_text(cell: str | Mark, variables: Mapping[str, str], column: Column, width: int) -> Text:
    """A cell as Rich text that fits its column; strings are never taken as markup.

    Args:
        cell: the words, or a mark.
        variables: the theme's colours, by role; empty where colours are not wanted.
        column: how the column behaves where there is little room.
        width: the column's width.
    """
    mark = Mark(cell) if isinstance(cell, str) else cell
    words = mark.short if mark.short and cell_len(mark.text) > width else mark.text
    # What a log line or a name smuggles in must not break the row or the terminal.
    words = one_line(words)
    if not column.wraps:
        words = shortened(words, width, column.cut)
    colour = variables.get(mark.role) if mark.role else None
    is_dim = mark.role == "md-muted" and colour is None
    style = Style(color=colour, bold=mark.bold or None, dim=is_dim or None)
    overflow: Literal["fold", "ellipsis"] = "fold" if column.wraps else "ellipsis"
    return Text(words, style=style, no_wrap=not column.wraps, overflow=overflow)
