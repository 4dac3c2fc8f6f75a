"""Which of many needles stand in a text, found in one pass over it.

The rules ask for some hundred needles in every file. One pass of an Aho-Corasick automaton costs as
much as looking for three of them one by one.
"""

from __future__ import annotations

from ahocorasick_rs import BytesAhoCorasick

_SMALL = 1_024
"""Bytes of a text in which looking for one needle costs less than the pass."""
_BATCH = 32
"""So many needles that were not asked for before are gathered before the automaton is made anew."""


class Needles:
    """The needles that were ever asked for, and the automaton that finds them."""

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self._made: tuple[dict[bytes, int], BytesAhoCorasick | None] = ({}, None)
        self._fresh: dict[bytes, None] = {}

    def standing_in(self, text: bytes) -> Standing:
        """What stands in a text; nothing is looked for yet."""
        if len(self._fresh) >= _BATCH:
            needles = [*self._made[0], *self._fresh]
            self._fresh = {}
            numbers = {needle: number for number, needle in enumerate(needles)}
            self._made = (numbers, BytesAhoCorasick(needles))
        return Standing(text, *self._made, self._fresh)


class Standing:
    """Which needles stand in one text."""

    def __init__(
        self,
        text: bytes,
        numbers: dict[bytes, int],
        automaton: BytesAhoCorasick | None,
        fresh: dict[bytes, None],
    ) -> None:
        """Use ``Needles.standing_in``."""
        self._text, self._numbers, self._automaton = text, numbers, automaton
        self._fresh = fresh
        self._found: set[int] | None = None

    def has(self, needle: bytes) -> bool:
        """Whether a needle, which is not empty, stands in the text."""
        number = self._numbers.get(needle)
        if number is None:
            self._fresh[needle] = None
            return needle in self._text
        if len(self._text) < _SMALL:
            return needle in self._text
        if self._found is None:
            assert self._automaton is not None
            matches = self._automaton.find_matches_as_indexes(self._text, overlapping=True)
            self._found = {match[0] for match in matches}
        return number in self._found


NEEDLES = Needles()
"""Of this process: rules are the same for every recording."""
