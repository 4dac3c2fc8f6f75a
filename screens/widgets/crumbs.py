"""Breadcrumbs: the screen stack in one line above the footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from collections.abc import Sequence


class Crumbs(PlainText):
    """``<overview> <proxies> <client-v1.shop>``, the last one reversed."""

    DEFAULT_CSS = """
    Crumbs { height: 1; background: $surface; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Show the names of the screens on the stack, the bottom one first."""
        *below, last = names
        spaced = [part for name in below for part in ((f"<{name}>", "dim"), (" ", ""))]
        super().__init__(id="crumbs")
        self.say(*spaced, (f"<{last}>", "reverse"))
