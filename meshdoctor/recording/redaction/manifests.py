"""Secrets' manifests in strings and logs: a ConfigMap of manifests, a printed object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meshdoctor.recording.redaction.quoting import line_end, line_start, string_end
from meshdoctor.recording.redaction.shape import is_hidden
from meshdoctor.recording.redaction.text import Span, Text

_JSON_KIND = re.compile(rb'"kind(\\*)"\s*:\s*\1"Secret\1"')
_JSON_DATA = re.compile(rb'(\\*)"(?:data|stringData)\1"\s*:\s*\{')
_JSON_MEMBER = re.compile(rb'\s*(?:\\+n\s*)*,?\s*(?:\\+n\s*)*(\\*)"[^"\\]*\1"\s*:\s*\1"')
_YAML_KIND = re.compile(rb"kind: Secret(?=\s|\\+[nr]|$)")
_YAML_DATA = re.compile(rb"(?:data|stringData):(?=[ ]*(?:\r?\n|\\+[nr]))")
_REACH = 65_536
_PUBLIC = (b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0t", b"LS0tLS1CRUdJTiBYNTA5IENSTC0t")
"""Base64 of the armour of a certificate and of a revocation list; what hides a private key among
them is another rule's work."""


def find_secret_manifest(text: Text) -> Iterator[Span]:
    """Values below ``data`` and ``stringData`` near ``kind: Secret``."""
    if not text.has(b"secret"):
        return
    raw = text.raw
    found = [
        match
        for position in text.exactly(b'"kind')
        if (match := _JSON_KIND.match(raw, position)) is not None
        # In a JSON document itself, objects are looked at one by one.
        and (match.group(1) or not text.style.json)
    ]
    runs = {len(match.group(1)) for match in found}
    for start, end in _around(raw, (match.start() for match in found)):
        yield from _json_values(raw, start, end, runs)
    positions = (p for p in text.exactly(b"kind: Secret") if _YAML_KIND.match(raw, p))
    for start, end in _around(raw, positions):
        yield from _yaml_values(raw, start, end)


def _around(raw: bytes, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The parts of a text that are near any of some places, each part once."""
    begin = end = 0
    for position in positions:
        if position - _REACH > end:
            if end:
                yield begin, end
            begin = max(0, position - _REACH)
        end = min(len(raw), position + _REACH)
    if end:
        yield begin, end


def suspects_secret_manifest(text: Text, whole: bytes) -> bool:
    """Whether a document may hold a Secret's manifest, told by its distinct lines."""
    del whole
    return any(True for _ in text.exactly(b"kind: Secret")) or any(
        match is not None and (match.group(1) or not text.style.json)
        for position in text.exactly(b'"kind')
        for match in (_JSON_KIND.match(text.raw, position),)
    )


def _json_values(raw: bytes, start: int, end: int, runs: set[int]) -> Iterator[Span]:
    for data in _JSON_DATA.finditer(raw, start, end):
        run = len(data.group(1))
        if run not in runs:
            continue
        following = data.end()
        while (member := _JSON_MEMBER.match(raw, following)) and len(member.group(1)) == run:
            stop = string_end(raw, member.end(), run)
            yield from _span(raw, member.end(), stop)
            following = stop + run + 1


def _yaml_values(raw: bytes, start: int, end: int) -> Iterator[Span]:
    for data in _YAML_DATA.finditer(raw, start, end):
        line = line_start(raw, data.start())
        if line is None:
            continue
        _, following = line_end(raw, data.end(), line.run)
        while following >= 0:
            stop, after = line_end(raw, following, line.run)
            content = raw[following:stop]
            if content.strip():
                if len(content) - len(content.lstrip(b" ")) <= line.indent:
                    break
                colon = content.find(b": ")
                first = following + (colon + 2 if colon >= 0 else 0)
                if colon >= 0 or not content.rstrip().endswith(b":"):
                    first += len(raw[first:stop]) - len(raw[first:stop].lstrip(b" "))
                    yield from _span(raw, first, stop)
            following = after


def _span(raw: bytes, start: int, end: int) -> Iterator[Span]:
    value = raw[start:end].strip(b" \"'")
    if (
        value
        and value not in (b"|", b">", b"|-", b">-")
        and not is_hidden(value)
        and not value.startswith(_PUBLIC)
    ):
        yield Span(start, end)
