"""Lines of a log with the moment each was written, as far as the lines tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.parse.log_values import log_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_STAMP = re.compile(
    rb"\[?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)"
    rb"(?:Z|[+-]00:00)?(?=[\s\]\t]|$)"
)
"""Envoy's ``[2026-11-21T07:23:50.194Z]``, istiod's and ztunnel's plain one, Go's with slashes."""
_IN_JSON = re.compile(
    rb'"(?:start_time|time|timestamp|ts)"\s*:\s*"(\d{4}-\d\d-\d\d[T ][0-9:.]{8,18})Z?"'
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    text: bytes
    """With its newline, where it has one."""
    time: datetime | None
    """When it was written: its own time, or the last one known before it."""


def _own_time(line: bytes) -> datetime | None:
    if match := _STAMP.match(line):
        year, month, day, clock = (part.decode() for part in match.groups())
        return log_time(f"{year}-{month}-{day}T{clock[:15]}")
    if line[:1] == b"{" and (match := _IN_JSON.search(line)):
        return log_time(match[1].decode()[:26])
    return None


def timed_lines(data: bytes) -> Iterator[Line]:
    """Every line; those before the first known time have that time too.

    Args:
        data: the whole log.
    """
    texts = data.splitlines(keepends=True) if b"\r" not in data else _on_newlines(data)
    times = [_own_time(text) for text in texts]
    last = next((time for time in times if time is not None), None)
    for text, time in zip(texts, times, strict=True):
        last = time or last
        yield Line(text, last)


def _on_newlines(data: bytes) -> list[bytes]:
    """Split on newlines alone: a carriage return is part of a line."""
    return [part for part in re.split(rb"(?<=\n)", data) if part]


def stamped(line: Line, otherwise: datetime) -> bytes:
    """A line with the time before it, as ``timestamps=true`` asks for.

    Args:
        line: the line.
        otherwise: the time of a line of which none is known.
    """
    time = line.time or otherwise
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() + line.text
