"""Whole logs in one pass: an istio-proxy container's, where three forms interleave, and istiod's.

A log may have been cut at either end, may hold the container's previous log beneath a banner
(``istioctl bug-report``), and may hold anything an application wrote; what is of no known form is
counted and left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.model.access_log import AccessLogEntry, ProxyLog
from meshdoctor.model.log_line import DEFAULT_SCOPE, IstiodLog, LogLine, level_rank
from meshdoctor.parse.access_log import compile_format, parse_access_line
from meshdoctor.parse.log_lines import parse_log_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

MAX_LINE = 64 * 1024
"""Characters of a line that are read; the rest of a longer one is cut off."""

_BANNER = re.compile(r"=+ ?Previous log\b[^=]*=+", re.ASCII)
_WARN = level_rank("warn")
_TELLING_INFO = ("Envoy proxy is ready", "Envoy proxy is NOT ready")
_TELLING_SCOPES = ("xdsproxy",)


def _split(data: bytes, first_line: int) -> Iterator[tuple[int, str]]:
    """Each line with its number, split on newlines alone, blank ones left out."""
    for number, text in enumerate(data.decode("utf-8", errors="replace").split("\n"), first_line):
        if text and not text.isspace():
            yield number, text[:MAX_LINE].removesuffix("\r")


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


class _Records:
    """Log lines with the further lines of each put where they belong."""

    def __init__(self, wanted: Callable[[LogLine], bool]) -> None:
        self.kept: list[LogLine] = []
        self._wanted = wanted
        self._more: list[str] = []
        self._open = False
        self._keeping = False

    def close(self) -> None:
        """Something else follows: no further line can belong to the last record."""
        if self._more:
            self.kept[-1] = replace(self.kept[-1], more=tuple(self._more))
            self._more = []
        self._open = False

    def add(self, record: LogLine) -> None:
        """A new record begins."""
        self.close()
        self._open = True
        self._keeping = self._wanted(record)
        if self._keeping:
            self.kept.append(record)

    def extend(self, text: str) -> bool:
        """A line that begins nothing; False when no record is open for it."""
        if self._open and self._keeping:
            self._more.append(text)
        return self._open


def _tells(record: LogLine) -> bool:
    """Whether a line of the agent or of Envoy is worth keeping."""
    return (
        record.scope in _TELLING_SCOPES
        or record.message.startswith(_TELLING_INFO)
        or record.rank >= _WARN
    )


def _access_parser(access_format: str | None) -> Callable[[str, int], AccessLogEntry | None]:
    custom = compile_format(access_format) if access_format else None
    if custom is None:
        return parse_access_line
    first = custom
    # Gateways and Telemetry resources may log beside it in Istio's own format.
    return lambda text, line: first(text, line) or parse_access_line(text, line)


def read_proxy_log(data: bytes, access_format: str | None = None, first_line: int = 1) -> ProxyLog:
    """Read the log of an istio-proxy container.

    Args:
        data: the log as kubectl prints it.
        access_format: the mesh's ``accessLogFormat`` where it has one of its own.
        first_line: number of the first line, above 1 when the head of a long log was left out.

    Returns:
        The requests, and of the agent's and Envoy's own lines those that tell something: warnings
        and worse, the proxy's readiness, its connections to istiod.
    """
    parse_access = _access_parser(access_format)
    # In a custom format a request's line may begin with anything.
    maybe_access = ("[", "{") if parse_access is parse_access_line else ("",)
    access: list[AccessLogEntry] = []
    records = _Records(_tells)
    unparsed = 0
    first: datetime | None = None
    last: datetime | None = None
    for number, text in _split(data, first_line):
        time = None
        entry = parse_access(text, number) if text.startswith(maybe_access) else None
        if entry is not None:
            time = entry.time
            access.append(entry)
            records.close()
        elif (record := parse_log_line(text, number)) is not None:
            time = record.time
            records.add(record)
        elif _BANNER.match(text):
            records.close()
        elif not records.extend(text):
            unparsed += 1
        if time is not None:
            first = time if first is None or time < first else first
            last = time if last is None or time > last else last
    records.close()
    lines = first_line - 1 + _count(data)
    return ProxyLog(tuple(access), tuple(records.kept), lines, unparsed, first, last)


def read_istiod_log(data: bytes, first_line: int = 1) -> IstiodLog:
    """Read the log of an istiod, or of any of Istio's components that logs no requests.

    Args:
        data: the log as kubectl prints it.
        first_line: number of the first line, above 1 when the head of a long log was left out.
    """
    records = _Records(lambda _: True)
    unparsed = 0
    for number, text in _split(data, first_line):
        record = parse_log_line(text, number)
        if record is not None:
            records.add(record)
        elif _BANNER.match(text):
            records.close()
        elif not records.extend(text):
            unparsed += 1
    records.close()
    levels = Counter(record.level for record in records.kept)
    scopes = Counter(record.scope or DEFAULT_SCOPE for record in records.kept)
    return IstiodLog(
        lines=tuple(records.kept),
        by_level=dict(sorted(levels.items(), key=lambda item: -level_rank(item[0]))),
        by_scope=dict(sorted(scopes.items())),
        unparsed=unparsed,
    )
