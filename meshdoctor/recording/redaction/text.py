"""A text that rules look at, and what they find in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from meshdoctor.recording.redaction.needles import NEEDLES, Standing

_FOLD = bytes.maketrans(f"{ascii_uppercase}-".encode(), f"{ascii_lowercase}_".encode())


class Span(NamedTuple):
    """Where a secret stands."""

    start: int
    end: int
    quote: bytes = b""
    """Put around what replaces it: a number becomes a string, so that JSON stays JSON."""
    rule: str = ""
    """The rule that it counts under, where one search serves several."""


@dataclass(frozen=True, slots=True)
class Style:
    """What kind of text it is."""

    prose: bool = False
    """Sentences of people and programs (logs, events, schemas): a word before a colon is
    usually no key."""
    json: bool = False
    """Must stay JSON."""
    base64: bool = False
    """May hold texts in base64 (``binaryData``) that have secrets of their own."""
    numbers: bool = False
    """Statistics: names and numbers, in which no key has a value worth hiding."""


@dataclass(eq=False)
class Text:
    """A text as it is, and folded for fast searching."""

    raw: bytes
    style: Style = field(default_factory=Style)

    @cached_property
    def folded(self) -> bytes:
        """Lower case, with ``_`` for ``-``; as long as the text."""
        return self.raw.translate(_FOLD)

    @cached_property
    def _standing(self) -> Standing:
        return NEEDLES.standing_in(self.folded)

    def has(self, needle: bytes) -> bool:
        """Whether a needle stands anywhere in the folded text.

        Args:
            needle: lower case, with ``_`` for ``-``.
        """
        return self._standing.has(needle)

    def exactly(self, needle: bytes) -> Iterator[int]:
        """Where a needle stands in the text as it is written.

        Args:
            needle: on one line.
        """
        if not self.has(needle.translate(_FOLD)):
            return
        position = self.raw.find(needle)
        while position >= 0:
            yield position
            position = self.raw.find(needle, position + 1)

    def positions(self, needle: bytes) -> Iterator[int]:
        """Where a needle stands in the folded text.

        Args:
            needle: lower case, without ``-``.
        """
        folded = self.folded
        position = folded.find(needle)
        while position >= 0:
            yield position
            position = folded.find(needle, position + 1)
