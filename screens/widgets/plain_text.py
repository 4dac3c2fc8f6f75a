"""Words on the screen: never markup, never terminal control, whatever a recording smuggles in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    Piece = str | tuple[str, str]
    """Words, or words with a style."""

_STANDS_FOR_CONTROL = "·"


def one_line(text: str) -> str:
    """A text as one line of printable characters."""
    if text.isprintable():
        return text
    spaced = " ".join(text.splitlines()) if "\n" in text else text
    return "".join(
        letter if letter.isprintable() else " " if letter == "\t" else _STANDS_FOR_CONTROL
        for letter in spaced
    )


def lines(text: str) -> str:
    """A text whose lines are printable; tabs and line ends stay what they are."""
    return "\n".join(one_line(line.expandtabs(4)) for line in text.split("\n"))


class PlainText(Static):
    """A text that says what it is told to, letter by letter."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str = "") -> None:
        """Begin with a text."""
        super().__init__(lines(text), id=id, classes=classes or None, markup=False)

    def say(self, *pieces: Piece) -> None:
        """Show other words; pieces may have a style."""
        parts = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
        self.update(Content.assemble(*((lines(words), style) for words, style in parts)))
