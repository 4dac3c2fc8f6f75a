"""Secrets in other documents that ConfigMaps and logs hold: JWKs, XML, netrc, pgpass, Envoy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshdoctor.recording.redaction.names import NameKind, kind_of
from meshdoctor.recording.redaction.quoting import string_end
from meshdoctor.recording.redaction.shape import is_hidden, is_secret
from meshdoctor.recording.redaction.text import Span, Text

_PRIVATE_MEMBER = re.compile(rb"""(\\*["'])(?:d|p|q|dp|dq|qi|k|r|t)\1\s*:\s*(\\*["'])""")
_JWK_REACH = 12_288
"""Bytes around ``kty`` in which a key's members stand."""
_XML = re.compile(rb"<([A-Za-z][\w.:-]{1,60})>([^<>\n]{1,4000})</")
_NETRC = re.compile(rb"machine\s+\S+\s+login\s+\S+\s+password\s+([^\s\"'\\<>]+)")
_REDIS = re.compile(rb"(?:requirepass|masterauth)[ \t]+(?:\\*\")?([^\s\"'\\<>]+)")
_PGPASS = re.compile(rb"(?m)(?:^|\\n|\")[\w.*-]+:(?:\d{2,5}|\*):[\w.*-]+:[\w.*-]+:([^\s:\"'\\]+)")
_TICKET_KEYS = re.compile(rb'\\*"(?:session_ticket_keys|sessionTicketKeys)\\*"\s*:')
_INLINE = re.compile(rb'(\\*)"inline_?(?:string|bytes)\1"\s*:\s*(\\*)"', re.IGNORECASE)
_KEY_OF_CLIENT = re.compile(rb'"key\\*"\s*:\s*(\\*)"([^"\\]{1,400})\1"\s*,\s*\\*"client\\*"')
_KTY = re.compile(rb"""kty\\*["']\s*:""")
_CLIENT = re.compile(rb'"client\\*"\s*:')
_REACH = 4_096


def _content(raw: bytes, opening: re.Match[bytes], group: int) -> Span:
    run = len(opening.group(group).rstrip(b"\"'"))
    if opening.group().endswith(b"'"):
        end = raw.find(b"'", opening.end())
        return Span(opening.end(), end if end >= 0 else opening.end())
    return Span(opening.end(), string_end(raw, opening.end(), run))


def find_jwk(text: Text) -> Iterator[Span]:
    """The private members of JSON web keys; the public ones stay."""
    raw = text.raw
    done = 0
    for position in text.exactly(b"kty"):
        if position < done or not _KTY.match(raw, position):
            continue
        start = raw.rfind(b"{", max(done, position - _JWK_REACH), position)
        end = raw.find(b"}", position, position + _JWK_REACH)
        if start < 0:
            continue
        end = end if end >= 0 else min(len(raw), position + _JWK_REACH)
        done = end
        for match in _PRIVATE_MEMBER.finditer(raw, start, end):
            span = _content(raw, match, 2)
            if not is_hidden(raw[span.start : span.end]):
                yield span


def find_xml(text: Text) -> Iterator[Span]:
    """Elements with telling names."""
    if not text.has(b"</"):
        return
    for match in _XML.finditer(text.raw):
        name, kind = match.group(1), kind_of(match.group(1))
        if kind is not None and is_secret(name, kind, match.group(2)):
            yield Span(*match.span(2))


def find_netrc(text: Text) -> Iterator[Span]:
    """Passwords in ``.netrc``, ``.pgpass`` and ``redis.conf``."""
    for needle in (b"requirepass", b"masterauth"):
        for position in text.exactly(needle):
            match = _REDIS.match(text.raw, position)
            if match is not None:
                yield Span(*match.span(1))
    for position in text.exactly(b"machine"):
        match = _NETRC.match(text.raw, position)
        if match is not None:
            yield Span(*match.span(1))
    if text.has(b"pgpass"):
        for match in _PGPASS.finditer(text.raw):
            if is_secret(b"password", NameKind.PASSWORD, match.group(1)):
                yield Span(*match.span(1))


def find_envoy_keys(text: Text) -> Iterator[Span]:
    """TLS session ticket keys, and the keys of the API-key filter."""
    raw = text.raw
    if text.has(b"session_ticket_keys") or text.has(b"sessionticketkeys"):
        for match in _TICKET_KEYS.finditer(raw):
            end = raw.find(b"]", match.end(), match.end() + _REACH)
            for inline in _INLINE.finditer(raw, match.end(), max(end, match.end())):
                span = _content(raw, inline, 2)
                if not is_hidden(raw[span.start : span.end]):
                    yield span
    if _has_api_keys(text):
        for match in _KEY_OF_CLIENT.finditer(raw):
            yield Span(*match.span(2))


def _has_api_keys(text: Text) -> bool:
    return text.has(b"api_key_auth") and any(
        _CLIENT.match(text.raw, position) for position in text.exactly(b'"client')
    )


def suspects_envoy_keys(distinct: Text, whole: bytes) -> bool:
    """Whether a document may hold such keys, told by its distinct lines."""
    del whole
    tickets = distinct.has(b"session_ticket_keys") or distinct.has(b"sessionticketkeys")
    return tickets or _has_api_keys(distinct)


def suspects_jwk(distinct: Text, whole: bytes) -> bool:
    """Whether a document may hold such keys, told by its distinct lines."""
    del whole
    return any(_KTY.match(distinct.raw, position) for position in distinct.exactly(b"kty"))
