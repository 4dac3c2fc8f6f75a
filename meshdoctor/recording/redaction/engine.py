"""Apply the rules to a text: find, merge, replace, until nothing more is found."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from meshdoctor.recording.redaction.replacement import Tokens
from meshdoctor.recording.redaction.rules import BINARY_DATA, RULES, Rule
from meshdoctor.recording.redaction.shape import is_hidden
from meshdoctor.recording.redaction.text import Span, Style, Text

_MOST_ROUNDS = 6
_SHORTEST = 8
"""Bytes below which no name and value fit."""
_JSON_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,4}|.)?", re.DOTALL)
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}+={0,2}")
_UNESCAPED_QUOTE = re.compile(rb'(?<!\\)(?:\\\\)*"')
_CONTENT = re.compile(rb"[^\r\n]*[^\s]")
_FEWEST_LINES = 200
_SAVING = 2
"""Distinct lines are looked at alone where they are this many times shorter than all lines."""
_MOST_CLEAN = 100_000


class Engine:
    """Looks for secrets in texts of one recording."""

    def __init__(self, tokens: Tokens) -> None:
        """Start with nothing seen.

        Args:
            tokens: what replaces secrets.
        """
        self._tokens = tokens
        self._clean: set[bytes] = set()
        """Lines of documents that no rule had anything to say about."""

    def redact(self, raw: bytes, style: Style) -> tuple[bytes, Counter[str]]:
        """A text without its secrets, and how many each rule found.

        Args:
            raw: the text.
            style: what kind it is.
        """
        counts: Counter[str] = Counter()
        if len(raw) < _SHORTEST:
            return raw, counts
        for _ in range(_MOST_ROUNDS):
            spans = self._merged(raw, self._found(Text(raw, style)))
            if not spans:
                break
            replaced = self._replaced(raw, spans, style)
            if replaced == raw:
                break
            counts.update(span.rule for span in spans)
            raw = replaced
        return raw, counts

    def _found(self, text: Text) -> list[Span]:
        found = list(self._in_base64(text)) if text.style.base64 else []
        return found + self._by_rules(text)

    def _in_base64(self, text: Text) -> Iterator[Span]:
        """Base64 of a text that has secrets."""
        for match in _BASE64.finditer(text.raw):
            decoded = _decoded(match.group())
            if decoded is not None and self._by_rules(Text(decoded)):
                yield Span(*match.span(), rule=BINARY_DATA)

    def _by_rules(self, text: Text) -> list[Span]:
        rules = [rule for rule in RULES if rule.in_numbers] if text.style.numbers else list(RULES)
        if text.style.json:
            rules = self._suspicious(text, rules)
        return [
            span._replace(rule=span.rule or rule.name) for rule in rules for span in rule.find(text)
        ]

    def _suspicious(self, text: Text, rules: list[Rule]) -> list[Rule]:
        """The rules that have something to say about the lines not seen before."""
        lines = text.raw.split(b"\n")
        if len(lines) < _FEWEST_LINES:
            return rules
        fresh = set(lines).difference(self._clean)
        joined = b"\n".join(fresh)
        if len(joined) * _SAVING > len(text.raw):
            return rules
        distinct = Text(joined, text.style)
        left = [
            rule for rule in rules if rule.suspects(distinct, text.raw) or any(rule.find(distinct))
        ]
        if not left:
            if len(self._clean) + len(fresh) > _MOST_CLEAN:
                self._clean.clear()
            self._clean |= fresh
        return left

    def _merged(self, raw: bytes, spans: Iterable[Span]) -> list[Span]:
        """In order, without overlaps; what is hidden already is left alone."""
        merged: list[Span] = []
        for span in sorted(spans, key=lambda item: (item.start, -item.end)):
            if span.end <= span.start or is_hidden(raw[span.start : span.end]):
                continue
            if merged and span.start < merged[-1].end:
                last = merged[-1]
                merged[-1] = last._replace(end=max(last.end, span.end))
            else:
                merged.append(span)
        return merged

    def _replaced(self, raw: bytes, spans: list[Span], style: Style) -> bytes:
        replaced = self._spliced(raw, spans)
        if not style.json or not _is_json(raw):
            return replaced
        if any(_leaves_its_string(raw, span) for span in spans) or not _is_json(replaced):
            numbers = [span for span in spans if span.quote]
            texts = [span for span in spans if not span.quote]
            return self._spliced(raw, sorted([*numbers, *_clipped(raw, texts)]))
        return replaced

    def _spliced(self, raw: bytes, spans: Iterable[Span]) -> bytes:
        parts: list[bytes] = []
        position = 0
        for span in spans:
            parts.append(raw[position : span.start])
            secret = raw[span.start : span.end]
            # Line by line, since line numbers are evidence.
            parts.append(span.quote + _CONTENT.sub(self._token, secret) + span.quote)
            position = span.end
        parts.append(raw[position:])
        return b"".join(parts)

    def _token(self, match: re.Match[bytes]) -> bytes:
        content = match.group()
        return content if is_hidden(content) else self._tokens.token(content)


def _decoded(run: bytes) -> bytes | None:
    """What base64 says when it is text; None when it is anything else."""
    if len(run) % 4:
        return None
    try:
        decoded = base64.b64decode(run, validate=True)
        decoded.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _leaves_its_string(raw: bytes, span: Span) -> bool:
    return _UNESCAPED_QUOTE.search(raw, span.start, span.end) is not None


def _clipped(raw: bytes, spans: list[Span]) -> Iterator[Span]:
    """The parts of spans that lie in JSON strings and cut no escape sequence."""
    waiting = iter(spans)
    span = next(waiting, None)
    for string in _JSON_STRING.finditer(raw):
        first, last = string.span(1)
        while span is not None and span.end <= first:
            span = next(waiting, None)
        while span is not None and span.start < last:
            start, end = _whole(raw, first, max(span.start, first), min(span.end, last))
            if start < end:
                yield Span(start, end, rule=span.rule)
            if span.end > last:
                break
            span = next(waiting, None)
        if span is None:
            return


def _whole(raw: bytes, first: int, start: int, end: int) -> tuple[int, int]:
    """Moved outward to the ends of the escape sequences that they cut."""
    for match in _ESCAPE.finditer(raw, first, end + 6):
        if match.start() < start < match.end():
            start = match.start()
        if match.start() < end < match.end():
            end = match.end()
    return start, end
