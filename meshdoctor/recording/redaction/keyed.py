"""Values of telling names, wherever a name and a value can stand beside each other.

``"password": "x"`` and ``password: x`` and ``PASSWORD=x``, ``{"name": "PASSWORD", "value": "x"}``
as pods and Envoy's headers have it, ``--password x``, header lines, matchers, Envoy's data sources;
all of them also inside strings, however often escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshdoctor.recording.redaction.names import NameKind, kind_of
from meshdoctor.recording.redaction.quoting import line_start
from meshdoctor.recording.redaction.shape import SCHEME
from meshdoctor.recording.redaction.text import Span, Text
from meshdoctor.recording.redaction.values import Name, quoted, value_at

ANCHORS = (
    b"pass",
    b"secret",
    b"token",
    b"credential",
    b"creds",
    b"_pw",
    b"key",
    b"pwd",
    b"dsn",
    b"auth",
    b"cookie",
    b"dpop",
    b"session",
    b"jwt",
    b"signature",
    b".p12",
    b".pfx",
    b".jks",
    b".ppk",
    b".kdbx",
)
"""Every telling name contains one of these."""
RULE_OF = {
    NameKind.PASSWORD: "password",
    NameKind.SECRET: "named-secret",
    NameKind.HEADER: "credential-header",
    NameKind.DOCKER_AUTH: "docker-auth",
}
"""The rule that each kind of name counts under."""
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_LONGEST_NAME = 100
_LONGEST_PREFIX = 254
_BLANK = rb"(?:[ \t]|\\+[t])*"
_SPACE = rb"(?:\s|\\+[nt])*"
_SEPARATOR = (
    rb"""(?P<close>(?P<run>\\*)["'`])?"""
    rb"(?:"
    + _BLANK
    + rb"(?P<map>:=|=>|={1,2}|:(?=[\w\s\"'\\\[{-]|$))"
    + _BLANK
    + rb"|(?P<pair>"
    + _SPACE
    + rb"""(?:,|\\+n|\n)"""
    + _SPACE
    + rb")"
    + rb"|(?P<matched>\](?P<mquote>\\*\")"
    + _SPACE
    + rb","
    + _SPACE
    + rb")"
    + rb"|(?P<ends>(?<=[\"'])(?:\s|\\+n)*\})"
    + rb"|(?P<flag>[ \t]+))"
)
_ANCHORED = {
    anchor: re.compile(rb"(?P<name>" + re.escape(anchor) + rb"[a-z0-9_.]{0,100}+)" + _SEPARATOR)
    for anchor in ANCHORS
}
_CONTINUES = (b"", b"[", b"|", b">", b"\n")
_WINDOW = 2_048
"""Bytes after a name in which its value begins."""
_MOST_PLACES = 100
_VALUE = re.compile(rb"""(\\*["']?)(?:value|Value|raw_value|rawValue)\1[ \t]*:[ \t]*""")
_VALUES = re.compile(rb"""(\\*["']?)(?:not_?)?values\1[ \t]*:[ \t]*""", re.IGNORECASE)
_MATCH = re.compile(
    rb'\\*"(?:(?:exact|prefix|suffix|contains)_?match|(?:string_?match|value_match)'
    rb'\\*"[ \t]*:[ \t]*\{(?:\s|\\+[nt])*\\*"(?:exact|prefix|suffix|contains))\\*"[ \t]*:[ \t]*',
    re.IGNORECASE,
)
_NAMED = re.compile(rb"""(?:name|key|Name|Key|header|header_?name)\\*["']?[ \t]*:[ \t]*\\*["']?$""")
_VALUE_BEFORE = re.compile(
    rb"""(\\*)"value\1"[ \t]*:[ \t]*\1"([^"\\]{1,4000})\1"(?:\s|\\+[nt])*,(?:\s|\\+[nt])*"""
    rb"""\1"(?:name|key)\1"[ \t]*:[ \t]*\1"$"""
)
_BEFORE = 60
_FAR_BEFORE = 4_200
_BLANK_OR_END = re.compile(rb"""[\s"'\\\[{]|$""")
_OPENING = re.compile(rb"""\\*["']""")


def _names(text: Text) -> Iterator[tuple[int, int, NameKind, re.Match[bytes]]]:
    """The telling names in a text: from, to, what each promises, and what follows it."""
    raw = text.raw
    seen: set[int] = set()
    for anchor, pattern in _ANCHORED.items():
        if not text.has(anchor):
            continue
        for match in pattern.finditer(text.folded):
            end = match.end("name")
            if end in seen:
                continue
            seen.add(end)
            start = _name_start(raw, match.start(), end)
            kind = kind_of(raw[start:end])
            if kind is not None:
                yield start, end, kind, match


def _name_start(raw: bytes, start: int, end: int) -> int:
    first = max(0, start - _LONGEST_NAME)
    while start > first and raw[start - 1] in _NAME_BYTES:
        start -= 1
    # Of \"\\n\" before a name the n is no part of it.
    if start > 0 and raw[start - 1] == 0x5C and raw[start] in b"nrt":
        start += 1
    while start < end and raw[start] in b"-.":
        start += 1
    return start


def find_keyed(text: Text) -> Iterator[Span]:
    """The values of all telling names."""
    covered = Span(0, 0)
    for start, end, kind, match in _names(text):
        # What is a value already has no names: they would be looked at again and again.
        if covered.start <= start and end <= covered.end:
            continue
        for span in _after_name(text, start, end, kind, match):
            covered = span
            yield span._replace(rule=RULE_OF[kind])


def suspects_keyed(distinct: Text, whole: bytes) -> bool:
    """Whether a document has a name whose value is on its next line, told by its distinct lines.

    Args:
        distinct: the lines, out of order.
        whole: the document.
    """
    raw = distinct.raw
    for start, _end, _kind, match in _names(distinct):
        following = raw[match.end() : match.end() + 1]
        continued = following in _CONTINUES or following == b"{"
        if match.group("map") is None:
            continued = _is_flag(raw, start) or _is_named(raw, start)
        if continued and _has_secret_near(whole, raw[start - 1 : match.end("name") + 4], distinct):
            return True
    return False


def _has_secret_near(whole: bytes, needle: bytes, distinct: Text) -> bool:
    """Whether any of the places where a name stands has a secret after it."""
    needle = needle.split(b"\n", 1)[0]
    position = whole.find(needle)
    for _ in range(_MOST_PLACES):
        if position < 0:
            return False
        begin = whole.rfind(b"\n", 0, position) + 1
        window = Text(whole[begin : position + _WINDOW], distinct.style)
        if any(find_keyed(window)):
            return True
        position = whole.find(needle, position + 1)
    return True


def _is_flag(raw: bytes, start: int) -> bool:
    return start > 0 and raw[start - 1] == 0x2D


def _is_named(raw: bytes, start: int) -> bool:
    return _NAMED.search(raw[max(0, start - _BEFORE) : start]) is not None


def _after_name(
    text: Text, start: int, end: int, kind: NameKind, match: re.Match[bytes]
) -> Iterator[Span]:
    raw, prose = text.raw, text.style.prose
    close = match.group("close") or b""
    flag = _is_flag(raw, start)
    if match.group("map"):
        yield from _mapped(text, (start, end), kind, match)
        return
    name = Name(raw[start:end], kind, close, None, prose, flag)
    position = match.end()
    if match.group("matched") is not None:
        # {"key": "request.headers[authorization]", "values": ["Bearer x"]}
        values = _VALUES.match(raw, position)
        if values is not None and kind is NameKind.HEADER:
            yield from value_at(raw, name, values.end(), b":")
    elif match.group("ends") is not None:
        yield from _value_before(raw, start)
    elif match.group("pair") is not None:
        yield from _paired(raw, name, start, position)
    elif flag and not close:
        yield from value_at(raw, name, position, b"=")


def _mapped(
    text: Text, place: tuple[int, int], kind: NameKind, match: re.Match[bytes]
) -> Iterator[Span]:
    raw, (start, end) = text.raw, place
    close, separator = match.group("close") or b"", match.group("map")
    opened = start - len(close)
    prefix = _prefix_start(raw, start)
    if close and raw[prefix - len(close) : prefix] == close:
        # A key of an annotation: example.com/api-token.
        opened = prefix - len(close)
    elif close and raw[opened:start] != close:
        if separator != b"=" or kind is NameKind.DOCKER_AUTH:
            return
        close = b""
    if separator == b":" and not close and not _ends_a_key(text, start, match.end("map")):
        return
    flag = _is_flag(raw, start)
    line = line_start(raw, opened if close else start - (2 if flag else 0))
    name = Name(raw[start:end], kind, close, line, text.style.prose, flag)
    if flag and line is not None and line.run >= 0 and not text.style.prose:
        # An argument in a list of strings: all of the rest is the value.
        name = Name(name.text, kind, close, line, prose=False)
    yield from value_at(raw, name, match.end(), separator)


def _prefix_start(raw: bytes, start: int) -> int:
    """Where a name with the prefix of an annotation's key begins; without one, the name itself."""
    if start == 0 or raw[start - 1] != 0x2F:
        return start
    first = max(0, start - _LONGEST_PREFIX)
    while start > first and (raw[start - 1] in _NAME_BYTES or raw[start - 1] == 0x2F):
        start -= 1
    return start


def _ends_a_key(text: Text, start: int, after: int) -> bool:
    """Whether a colon after a bare name follows a key, not a host (``token:8080``) or an object."""
    raw = text.raw
    if _BLANK_OR_END.match(raw, after):
        return not (text.style.prose and start > 0 and raw[start - 1] == 0x2F)
    # token:a1b2c3d4 in a log; elsewhere a colon without a blank ends no key.
    port = raw[after : after + 1].isdigit()
    return text.style.prose and not port and (start == 0 or raw[start - 1] in b" \t,;([{\n")


def _paired(raw: bytes, name: Name, start: int, position: int) -> Iterator[Span]:
    """Two strings side by side: name and value of an object, a flag and its argument, a header."""
    if _is_flag(raw, start) or _is_argument(raw, name, start):
        yield from quoted(raw, name, position)[0]
        return
    value = _VALUE.match(raw, position)
    if value is not None and _is_named(raw, start):
        line = line_start(raw, position)
        after = Name(name.text, name.kind, value.group(1), line, prose=False)
        yield from value_at(raw, after, value.end(), b":")
        return
    matcher = _MATCH.match(raw, position)
    if matcher is not None:
        yield from quoted(raw, name, matcher.end())[0]
        return
    before = list(_value_before(raw, start))
    if before:
        yield from before
        return
    if name.kind is NameKind.HEADER and _is_header_pair(raw, name, start, position):
        yield from quoted(raw, name, position)[0]


def _is_argument(raw: bytes, name: Name, start: int) -> bool:
    """Whether it is the first of a call's arguments: ``headers:add("x-api-key", "x")``."""
    before = start - len(name.quote) - 1
    return bool(name.quote) and before >= 0 and raw[before] == 0x28


def _value_before(raw: bytes, start: int) -> Iterator[Span]:
    """The value of an object whose name stands last: ``{"value": "x", "name": "PASSWORD"}``."""
    if _is_named(raw, start):
        match = _VALUE_BEFORE.search(raw, max(0, start - _FAR_BEFORE), start)
        if match is not None:
            yield Span(*match.span(2))


def _is_header_pair(raw: bytes, name: Name, start: int, position: int) -> bool:
    """Whether what follows a header's name is its value, not the next name of a list."""
    opening = _OPENING.match(raw, position)
    if opening is None:
        return False
    # Envoy's debug log: 'authorization', 'Bearer x', each on a line of its own.
    alone = name.quote.endswith(b"'") and line_start(raw, start - len(name.quote)) is not None
    return alone or SCHEME.match(raw, opening.end()) is not None
