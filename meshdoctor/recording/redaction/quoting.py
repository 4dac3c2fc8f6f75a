r"""Strings within strings: where a quoted value ends, however often it is escaped.

JSON in a JSON string has ``\"`` for a quote, JSON in that ``\\\"``, and so on: a quote of depth
``k`` carries ``2**k - 1`` backslashes, its *run*. Knowing the run of an opening quote, the closing
one is found without unescaping anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = -1
"""The run of a text that is in no string."""
_STOP = re.compile(rb'\\+n|\\+r\\+n|\\*"|\r?\n')
_LEAD = b" \t-"


def run_before(raw: bytes, position: int, start: int = 0) -> int:
    """How many backslashes stand before a position, counted back to ``start``."""
    end = position
    while end > start and raw[end - 1] == 0x5C:
        end -= 1
    return position - end


def _closes(run: int, opening: int) -> bool:
    """Whether a quote with this run ends a string whose opening quote had that one."""
    return run < opening or run % (2 * opening + 2) != 2 * opening + 1


def string_end(raw: bytes, start: int, run: int) -> int:
    """Where the content of a string ends: before its closing quote, or with its line.

    Args:
        raw: the text.
        start: first byte after the opening quote.
        run: backslashes before the opening quote.
    """
    line_end = raw.find(b"\n", start)
    line_end = len(raw) if line_end < 0 else line_end
    quote = raw.find(b'"', start, line_end)
    while quote >= 0:
        before = run_before(raw, quote, start)
        if _closes(before, run):
            return quote - min(before, run)
        quote = raw.find(b'"', quote + 1, line_end)
    return line_end


@dataclass(frozen=True, slots=True)
class LineStart:
    """The line that a name begins."""

    run: int
    """Of the string that the line stands in; ``PLAIN`` for none."""
    indent: int
    """Columns before the name, a list's dash included."""


def line_start(raw: bytes, name: int) -> LineStart | None:
    r"""Whether a name begins a line of the text or of a string in it; None when it does not.

    Args:
        raw: the text.
        name: where the name begins.
    """
    start = name
    while start > 0 and raw[start - 1] in _LEAD:
        start -= 1
    if raw.startswith(b"export ", start - 7 if start >= 7 else start):
        start -= 7
    indent = name - start
    if start <= 0 or raw[start - 1] == 0x0A:
        return LineStart(PLAIN, indent)
    if raw[start - 1] == 0x22:
        return LineStart(run_before(raw, start - 1), indent)
    if raw[start - 1] == 0x6E:
        run = run_before(raw, start - 1)
        return LineStart(run - 1, indent) if run else None
    return None


def line_end(raw: bytes, start: int, run: int) -> tuple[int, int]:
    """Where a line ends that stands in a string of this run, and where the next one begins.

    Returns:
        Both positions; the second is -1 when no line follows in that string.
    """
    for match in _STOP.finditer(raw, start):
        found = match.group()
        if found.endswith(b'"'):
            before = len(found) - 1
            if run != PLAIN and _closes(before, run):
                return match.end() - 1 - min(before, run), -1
        elif not found.endswith(b"n"):
            return match.start(), match.end()
        elif run != PLAIN:
            slashes = found.index(b"n") if b"r" not in found else found.index(b"r")
            if slashes % (2 * (run + 1)) == run + 1:
                return match.end() - len(found.lstrip(b"\\")) - (run + 1), match.end()
    return len(raw), -1
