"""Drawings as inline SVG: boxes with wrapped words, and lines between them.

Colours come from the page's style sheet by class, so that a drawing is light, dark or printed as
the page is; each drawing says in words what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from xml.etree import ElementTree

Element = ElementTree.Element
LINE = 18
"""Height of a line of text, in pixels."""
_PADDING = 10
_LETTER = 7.4
"""Width of a letter at 13 px in a common sans-serif font, on the wide side."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box with words; its height follows from them."""

    x: int
    y: int
    width: int
    lines: tuple[str, ...]
    style: str = ""
    """A class of the style sheet: ``fault``, ``pass`` …"""

    @classmethod
    def of(cls, x: int, y: int, width: int, *words: str, style: str = "") -> Box:
        """A box whose words are wrapped to its width."""
        most = int((width - 2 * _PADDING) / _LETTER)
        lines = tuple(line for text in words for line in _wrapped(text, most))
        return cls(x, y, width, lines, style)

    @property
    def height(self) -> int:
        """Pixels."""
        return len(self.lines) * LINE + 2 * _PADDING

    @property
    def middle(self) -> int:
        """The y of its middle."""
        return self.y + self.height // 2

    def moved(self, y: int) -> Box:
        """The same box elsewhere."""
        return Box(self.x, y, self.width, self.lines, self.style)


def _wrapped(text: str, most: int) -> list[str]:
    """Words in lines; a name that is too long is broken where names have joints."""
    return wrap(text, most, break_on_hyphens=True) or [""]


class Drawing:
    """An SVG that grows."""

    def __init__(self, id_: str, title: str, description: str, width: int) -> None:
        """Begin an empty drawing.

        Args:
            id_: unique in the page.
            title: its name for who does not see it.
            description: what it shows, in words.
            width: pixels of its own coordinates; the page scales it.
        """
        self._width = width
        self._height = 0
        self.root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "role": "img",
                "class": "drawing",
                "aria-labelledby": f"{id_}-title {id_}-desc",
            },
        )
        ElementTree.SubElement(self.root, "title", id=f"{id_}-title").text = title
        ElementTree.SubElement(self.root, "desc", id=f"{id_}-desc").text = description

    def box(self, box: Box) -> None:
        """Add a box; its first line is bold."""
        group = ElementTree.SubElement(self.root, "g", {"class": f"box {box.style}".strip()})
        ElementTree.SubElement(
            group,
            "rect",
            {
                "x": str(box.x),
                "y": str(box.y),
                "width": str(box.width),
                "height": str(box.height),
                "rx": "6",
            },
        )
        for number, line in enumerate(box.lines):
            at = {
                "x": str(box.x + _PADDING),
                "y": str(box.y + _PADDING + LINE * number + 13),
            }
            ElementTree.SubElement(group, "text", at).text = line
        self._height = max(self._height, box.y + box.height)

    def line(self, start: tuple[int, int], end: tuple[int, int], style: str = "") -> None:
        """Add a line with an arrow's head at its end, along the axis it mostly follows."""
        (x1, y1), (x2, y2) = start, end
        group = ElementTree.SubElement(self.root, "g", {"class": f"line {style}".strip()})
        ElementTree.SubElement(
            group,
            "path",
            {"d": f"M{x1} {y1} C{(x1 + x2) // 2} {y1} {(x1 + x2) // 2} {y2} {x2} {y2}"}
            if x1 != x2
            else {"d": f"M{x1} {y1} L{x2} {y2}"},
        )
        head = (
            f"{x2},{y2} {x2 - 8},{y2 - 5} {x2 - 8},{y2 + 5}"
            if x1 != x2
            else f"{x2},{y2} {x2 - 5},{y2 - 8} {x2 + 5},{y2 - 8}"
        )
        ElementTree.SubElement(group, "polygon", points=head)

    def svg(self) -> str:
        """The drawing as markup, every text of it escaped."""
        width, height = self._width, self._height + 2
        self.root.set("viewBox", f"-1 -1 {width + 2} {height + 2}")
        self.root.set("width", str(width))
        self.root.set("height", str(height))
        return ElementTree.tostring(self.root, encoding="unicode")
