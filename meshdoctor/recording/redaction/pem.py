r"""Private keys in PEM: whole, escaped, cut short, over several lines, and in base64 of PEM."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshdoctor.recording.redaction.text import Span, Text

_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_FARTHEST = 32_768
"""Bytes in which a key ends: 16,384-bit RSA is 13 kB."""
_BODY = re.compile(
    rb"(?:(?:\s|\\+[nrt])*(?:[A-Za-z0-9+/=]{16,}|(?:Proc-Type|DEK-Info):[^\n\\]*))*"
    rb"(?:(?:\s|\\+[nrt])*[A-Za-z0-9+/=]+)?"
)
_SAYS = b"PRIVATE KEY"
_FOLDED = b"private key"
_IN_BASE64 = (b"UFJJVkFURSBLRV", b"BSSVZBVEUgS0VZ", b"QUklWQVRFIEtFW")
"""``PRIVATE KEY`` in base64, at each of the three places it can have in a group of three."""
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_")
_MORE_LINES = re.compile(rb"(?:(?:\r?\n|\\+r\\+n|\\+n)[ \t]*[A-Za-z0-9+/]{4,}={0,2}(?![\w:]))*")
_LONG_LINE = 60
_DER_NEEDLES = (b"ibaakca", b"baqefaasc", b"mhcaqe", b"migkage", b"ageamb", b"mc4caq")
_DER = re.compile(
    rb"(?<![A-Za-z0-9+/])(?:MII[A-Za-z0-9]{2}[AQgw]IBA[AD](?:ANBgkqhkiG9w0BAQEFAASC|KCA[A-Za-z0-9])"
    rb"|MHcCAQEEI|MIGkAgEBBD|MIG[HT]AgEAMB[AM]GByqGSM49|MC4CAQAwBQYDK2V)[A-Za-z0-9+/]{24,}={0,2}"
)
"""PKCS#1, PKCS#8 and SEC1 keys without their armour."""


def find_pem(text: Text) -> Iterator[Span]:
    """Keys in PEM, with their armour."""
    raw = text.raw
    if not text.has(_FOLDED):
        return
    for match in _BEGIN.finditer(raw):
        limit = match.end() + _FARTHEST
        end = _END.search(raw, match.end(), limit)
        within = raw[match.end() : end.start()] if end is not None else b""
        # A key ends in the string it began in, and before another block begins.
        apart = b"-----BEGIN" in within or (text.style.json and b'"' in within)
        if end is not None and not apart:
            yield Span(match.start(), end.end())
            continue
        body = _BODY.match(raw, match.end(), limit)
        yield Span(match.start(), body.end() if body else match.end())
    for match in _END.finditer(raw):
        # The end of a key whose beginning was cut off, as the newest lines of a log may hold it.
        start = _base64_lines_before(raw, match.start())
        if start < match.start():
            yield Span(start, match.end())


def _base64_lines_before(raw: bytes, position: int) -> int:
    start = position
    while True:
        end = start - 1
        if end <= 0 or raw[end] != 0x0A:
            return start
        line = raw.rfind(b"\n", 0, end) + 1
        content = raw[line:end].strip()
        if len(content) < 16 or not _BASE64.issuperset(content):
            return start
        start = line


def find_base64_pem(text: Text) -> Iterator[Span]:
    """Base64 that holds such a key: a Secret's or a kubeconfig's way to write it."""
    raw = text.raw
    for needle in _IN_BASE64:
        if not text.has(needle.lower()):
            continue
        position = raw.find(needle)
        while position >= 0:
            start, end = position, position + len(needle)
            while start > 0 and raw[start - 1] in _BASE64:
                start -= 1
            if start > 0 and raw[start - 1] == 0x5C and raw[start] in b"nrt":
                start += 1
            while end < len(raw) and raw[end] in _BASE64:
                end += 1
            if end - start >= _LONG_LINE:
                more = _MORE_LINES.match(raw, end)
                end = more.end() if more else end
            yield Span(start, end)
            position = raw.find(needle, end)


def find_der(text: Text) -> Iterator[Span]:
    """Keys in base64 without armour, as Java and JSON services write them."""
    if any(text.has(needle) for needle in _DER_NEEDLES):
        for match in _DER.finditer(text.raw):
            yield Span(*match.span())
