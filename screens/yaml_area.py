"""A text of YAML that is edited: a new line begins where the one before began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import TextArea

if TYPE_CHECKING:
    from textual import events

_INDENT = 2


class YamlArea(TextArea):
    """Textual's editor, with line numbers, blanks for tabs, and lines that are not wrapped."""

    def __init__(self, text: str, *, id: str) -> None:
        """Begin with a text."""
        super().__init__(
            text,
            language="yaml",
            tab_behavior="indent",
            soft_wrap=False,
            show_line_numbers=True,
            compact=True,
            highlight_cursor_line=True,
            id=id,
        )
        self.indent_width = _INDENT
        # Over a slow line every blink is a wait.
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key != "enter":
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        row, column = self.selection.start
        before = self.document.get_line(row)[:column]
        indent = len(before) - len(before.lstrip(" "))
        self.insert("\n" + " " * indent)
        self.scroll_cursor_visible()
