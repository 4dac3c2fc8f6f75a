"""Where the value of a name stands, in JSON, YAML, properties, headers and arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from meshdoctor.recording.redaction.names import NameKind
from meshdoctor.recording.redaction.quoting import (
    PLAIN,
    LineStart,
    line_end,
    string_end,
)
from meshdoctor.recording.redaction.shape import SCHEME, is_secret, is_secret_in_prose
from meshdoctor.recording.redaction.text import Span

_QUOTE = re.compile(rb"""(\\*)(["'`])""")
_WORD = re.compile(rb"""[^\s"'\\,;&)}\]|`]+""")
_CREDENTIALS = re.compile(
    rb"""[^\s"'\\,;)}\]]+(?:[ \t]+[^\s"'\\,;)}\]]+)?"""
    # Digest has a list: username="ann", response="5f"
    rb"""(?:(?<==)\\*"[^"\\\n]*\\*")?(?:,[ ]?\w+=(?:\\*"[^"\\\n]*\\*"|[^\s"'\\,;)}\]]*))*"""
)
_COOKIES = re.compile(rb"""[^\s"'\\;,=]+=[^\s"'\\;,]*(?:;[ ]?[^\s"'\\;,=]+=[^\s"'\\;,]*)*""")
_BLOCK = re.compile(rb"[|>][+-]?\d?[ \t]*(?:#[^\n\\]*)?(?=\r?\n|\\+[rn]|$)")
_SPACE = re.compile(rb"(?:\s|\\+[nt]){0,200}")
_INLINE = re.compile(
    rb'\{(?:\s|\\+[nt])*(\\*)"(?:inline_?(?:string|bytes)|exact|prefix|suffix|contains|regex|value)\1"'
    rb'[ \t]*:[ \t]*(?=\\*")',
    re.IGNORECASE,
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?=[\s,}\]]|\\+[nrt]|$)")
_NEXT = re.compile(rb"(?:\s|\\+[nt]|\}){0,200},")
_REST_OF_LINE = re.compile(rb"[^\r\n]+")
_KEY = re.compile(rb"[\w.-]+:(?:\s|$)")
_MOST_ITEMS = 200


@dataclass(frozen=True, slots=True)
class Name:
    """A telling name that was found."""

    text: bytes
    kind: NameKind
    quote: bytes
    """Its quote with the backslashes before it; empty when it has none."""
    line: LineStart | None
    """The line that it begins."""
    prose: bool
    is_flag: bool = False
    """Of a command line: ``--password``."""


def _checked(raw: bytes, name: Name, start: int, end: int, *, prose: bool) -> Iterator[Span]:
    """The span if its content is a secret, without an Authorization header's scheme."""
    judge = is_secret_in_prose if prose else is_secret
    value = raw[start:end]
    if end <= start or not judge(name.text, name.kind, value):
        return
    if name.kind is NameKind.HEADER and (scheme := SCHEME.match(raw, start, end)):
        start = scheme.end()
    yield Span(start, end)


def quoted(raw: bytes, name: Name, start: int) -> tuple[list[Span], int]:
    """A quoted value, and where it ends; the end is -1 when there is no quote here."""
    match = _QUOTE.match(raw, start)
    if match is None:
        return [], -1
    if match.group(2) == b'"':
        end = string_end(raw, match.end(), len(match.group(1)))
    else:
        stop = raw.find(b"\n", match.end())
        stop = len(raw) if stop < 0 else stop
        found = raw.find(match.group(2), match.end(), stop)
        end = found if found >= 0 else match.end()
    spans = list(_checked(raw, name, match.end(), end, prose=False))
    return spans, end + len(match.group())


def value_at(raw: bytes, name: Name, start: int, separator: bytes) -> Iterator[Span]:
    """The secrets in the value that begins here.

    Args:
        raw: the text.
        name: whose value it is.
        start: after the separator and blanks.
        separator: ``:``, ``=`` …
    """
    spans, end = quoted(raw, name, start)
    if end >= 0:
        yield from spans
        return
    first = raw[start : start + 1]
    if first == b"{":
        yield from _inline(raw, name, start)
    elif first == b"[":
        yield from _listed(raw, name, start)
    elif name.quote and _NUMBER.match(raw, start):
        yield from _number(raw, name, start)
    elif not name.quote or (name.line is not None and not name.prose):
        # A quoted name with a bare value is YAML, at the beginning of a line.
        yield from _unquoted(raw, name, start, separator)


def _number(raw: bytes, name: Name, start: int) -> Iterator[Span]:
    match = _NUMBER.match(raw, start)
    if match and name.quote.endswith(b'"') and is_secret(name.text, name.kind, match.group()):
        yield Span(match.start(), match.end(), name.quote)


def _inline(raw: bytes, name: Name, start: int) -> Iterator[Span]:
    """Envoy's data source (``{"inline_string": …}``) or a matcher (``{"exact": …}``)."""
    match = _INLINE.match(raw, start)
    if match is not None:
        yield from quoted(raw, name, match.end())[0]


def _listed(raw: bytes, name: Name, start: int) -> Iterator[Span]:
    """A list: of strings, of data sources, or as Go prints a header (``[Bearer x]``)."""
    position = start + 1
    for _ in range(_MOST_ITEMS):
        blank = _SPACE.match(raw, position)
        position = blank.end() if blank else position
        inline = _INLINE.match(raw, position)
        spans, end = quoted(raw, name, inline.end() if inline else position)
        if end < 0:
            break
        yield from spans
        after = _NEXT.match(raw, end)
        if after is None:
            return
        position = after.end()
    if position == start + 1 and name.kind is NameKind.HEADER:
        end = raw.find(b"]", start)
        line = raw.find(b"\n", start)
        if start < end < (line if line >= 0 else len(raw)) and b'"' not in raw[start:end]:
            yield from _checked(raw, name, start + 1, end, prose=False)


def _unquoted(raw: bytes, name: Name, start: int, separator: bytes) -> Iterator[Span]:
    line = name.line
    if line is not None and not name.prose and not name.is_flag:
        if _BLOCK.match(raw, start):
            yield from _block(raw, start, line)
            return
        end, following = line_end(raw, start, line.run)
        if not raw[start:end].strip():
            if separator == b":" and following >= 0:
                yield from _next_lines(raw, name, following, line)
            return
        yield from _checked(raw, name, start, _trimmed(raw, start, end), prose=False)
        return
    if name.kind is NameKind.HEADER:
        pattern = _COOKIES if b"ookie" in name.text else _CREDENTIALS
        if line is not None and line.run == PLAIN:
            pattern = _REST_OF_LINE
    else:
        pattern = _WORD
    match = pattern.match(raw, start)
    if match is None:
        return
    prose = name.prose and separator == b":" and not SCHEME.match(raw, start, match.end())
    if prose and name.kind is NameKind.HEADER and b"=" in match.group():
        prose = False
    yield from _checked(raw, name, match.start(), match.end(), prose=prose)


def _trimmed(raw: bytes, start: int, end: int) -> int:
    """Without trailing blanks and a YAML comment."""
    value = raw[start:end]
    comment = value.find(b" #")
    if comment >= 0:
        value = value[:comment]
    return start + len(value.rstrip(b" \t\r,"))


def _indent(raw: bytes, start: int, end: int) -> int:
    line = raw[start:end]
    return len(line) - len(line.lstrip(b" "))


def _block(raw: bytes, start: int, line: LineStart) -> Iterator[Span]:
    """The lines of a YAML block scalar: those that are indented deeper than its key."""
    _, position = line_end(raw, start, line.run)
    while position >= 0:
        end, following = line_end(raw, position, line.run)
        if raw[position:end].strip():
            indent = _indent(raw, position, end)
            if indent <= line.indent:
                return
            yield Span(position + indent, end)
        position = following


def _next_lines(raw: bytes, name: Name, position: int, line: LineStart) -> Iterator[Span]:
    """A YAML value on the line after its key, or a list of them."""
    for _ in range(_MOST_ITEMS):
        if position < 0:
            return
        end, following = line_end(raw, position, line.run)
        text = raw[position:end]
        indent = _indent(raw, position, end)
        item = text.strip().startswith(b"- ")
        if not text.strip() or indent < line.indent or (indent == line.indent and not item):
            return
        start = position + indent + (2 if item else 0)
        if _KEY.match(raw, start, end):
            return
        spans, quote_end = quoted(raw, name, start)
        yield from spans if quote_end >= 0 else _checked(raw, name, start, end, prose=False)
        position = following
