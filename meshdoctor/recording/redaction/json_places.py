"""A JSON document with the place of each value, so that one value can be replaced in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder

_BLANK = re.compile(r"[ \t\r\n]*")
_OTHER = re.compile(r"true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRINGS = JSONDecoder()
_DEEPEST = 100


class JsonPlaceError(ValueError):
    """It is no JSON, or nested absurdly deep."""


@dataclass(slots=True)
class Place:
    """One value: where it stands, and what it is."""

    start: int
    end: int = 0
    text: str | None = None
    """A string's content."""
    members: list[tuple[str, Place]] | None = None
    """An object's members in their order; a name may come twice."""
    items: list[Place] = field(default_factory=list)

    def get(self, name: str) -> list[Place]:
        """The members of this name; none when it is no object."""
        return [place for key, place in self.members or () if key == name]

    def strings(self) -> dict[str, str]:
        """The members that are strings."""
        return {key: place.text for key, place in self.members or () if place.text is not None}


class _Parser:
    """Reads one document."""

    def __init__(self, text: str) -> None:
        self._text = text

    def blank(self, position: int) -> int:
        match = _BLANK.match(self._text, position)
        return match.end() if match else position

    def value(self, position: int, depth: int) -> Place:
        if depth > _DEEPEST:
            raise JsonPlaceError("nested too deep")
        first = self._text[position : position + 1]
        if first == "{":
            return self._object(position, depth)
        if first == "[":
            return self._array(position, depth)
        if first == '"':
            text, end = self._string(position)
            return Place(position, end, text)
        match = _OTHER.match(self._text, position)
        if match is None:
            raise JsonPlaceError(f"no value at character {position}")
        return Place(position, match.end())

    def _string(self, position: int) -> tuple[str, int]:
        try:
            text, end = _STRINGS.raw_decode(self._text, position)
        except JSONDecodeError:
            raise JsonPlaceError(f"a string without end at character {position}") from None
        return str(text), end

    def _object(self, position: int, depth: int) -> Place:
        members: list[tuple[str, Place]] = []
        place = Place(position, members=members)
        position = self.blank(position + 1)
        while self._text[position : position + 1] == '"':
            key, position = self._string(position)
            position = self._expect(self.blank(position), ":")
            value = self.value(self.blank(position), depth + 1)
            members.append((key, value))
            position = self.blank(value.end)
            if self._text[position : position + 1] != ",":
                break
            position = self.blank(position + 1)
        place.end = self._expect(position, "}")
        return place

    def _array(self, position: int, depth: int) -> Place:
        place = Place(position)
        position = self.blank(position + 1)
        while self._text[position : position + 1] != "]":
            item = self.value(position, depth + 1)
            place.items.append(item)
            position = self.blank(item.end)
            if self._text[position : position + 1] != ",":
                break
            position = self.blank(position + 1)
        place.end = self._expect(position, "]")
        return place

    def _expect(self, position: int, character: str) -> int:
        if self._text[position : position + 1] != character:
            raise JsonPlaceError(f"no {character} at character {position}")
        return position + 1


def parse_places(text: str) -> Place:
    """Read a document.

    Raises:
        JsonPlaceError: it is none.
    """
    parser = _Parser(text)
    place = parser.value(parser.blank(0), 0)
    if parser.blank(place.end) != len(text):
        raise JsonPlaceError("something follows the document")
    return place


def spliced(text: str, edits: list[tuple[int, int, str]]) -> str:
    """A text with parts of it replaced.

    Args:
        text: the document.
        edits: from, to, and what comes there; none overlaps another.
    """
    parts: list[str] = []
    position = 0
    for start, end, replacement in sorted(edits):
        parts += [text[position:start], replacement]
        position = end
    return "".join([*parts, text[position:]])
