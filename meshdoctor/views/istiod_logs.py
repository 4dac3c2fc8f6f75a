"""The istiod-logs view: what each istiod replica said, counted, filtered and explained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.log_line import DEFAULT_SCOPE, level_rank
from meshdoctor.recording.layout import ISTIOD_LOG
from meshdoctor.views.log_line_patterns import (
    ExplainedLine,
    LinePattern,
    explain,
    explaining,
    latest,
    load_line_patterns,
    time_span,
    time_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.log_line import LogLine

__all__ = [
    "ExplainedLine",
    "IstiodLogsView",
    "LineFilter",
    "LinePattern",
    "UnexplainedLine",
    "explain",
    "istiod_logs",
    "load_line_patterns",
    "unexplained",
]

_WARN = level_rank("warn")
_NUMBERS = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
_SHAPE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which records of a log are looked at."""

    level: str | None = None
    """The mildest level shown, one of ``LEVELS``; None for all."""
    scope: str | None = None
    """One scope, ``default`` for the one that has no name; None for all."""
    since: datetime | None = None
    """The earliest moment, aware; records without a time are then left out."""

    def admits(self, line: LogLine) -> bool:
        """Whether a record is looked at."""
        if self.level is not None and line.rank < level_rank(self.level):
            return False
        if self.scope is not None and (line.scope or DEFAULT_SCOPE) != self.scope:
            return False
        return self.since is None or (line.time is not None and line.time >= self.since)


@dataclass(frozen=True, slots=True)
class UnexplainedLine:
    """Warnings and errors that no pattern explains and that differ in numbers alone, as one row."""

    level: str
    scope: str
    count: int
    first: datetime | None
    last: datetime | None
    example: LogLine
    """The latest of them."""

    def to_json(self) -> dict[str, Any]:
        """The row as plain values; times are RFC 3339 in UTC."""
        return {
            "level": self.level,
            "scope": self.scope,
            "count": self.count,
            "first": time_text(self.first),
            "last": time_text(self.last),
            "line": self.example.line,
            "text": self.example.text,
        }


@dataclass(frozen=True, slots=True)
class IstiodLogsView:
    """One replica's log under one filter."""

    istiod: str
    """``namespace/pod``."""
    revision: str
    source: str
    """Path of the log within the recording."""
    read: bool
    """False when the log could not be read; everything else is then empty."""
    total: int
    """Records in the log."""
    unparsed: int
    """Lines of no known form."""
    levels: tuple[tuple[str, int], ...]
    """Level and how many records admitted by the filter have it, gravest first."""
    scopes: tuple[tuple[str, int], ...]
    """Scope and how many records admitted by the filter have it, most first."""
    explained: tuple[ExplainedLine, ...]
    unexplained: tuple[UnexplainedLine, ...]
    lines: tuple[LogLine, ...]
    """The records that the filter admits, in the order of the log."""

    def to_json(self) -> dict[str, Any]:
        """The view as plain values, without the raw lines."""
        return {
            "istiod": self.istiod,
            "revision": self.revision,
            "source": self.source,
            "read": self.read,
            "total": self.total,
            "unparsed": self.unparsed,
            "shown": len(self.lines),
            "levels": dict(self.levels),
            "scopes": dict(self.scopes),
            "explained": [row.to_json() for row in self.explained],
            "unexplained": [row.to_json() for row in self.unexplained],
        }


def unexplained(
    lines: Iterable[LogLine], patterns: Sequence[LinePattern]
) -> tuple[UnexplainedLine, ...]:
    """Warnings and errors that no pattern explains, the gravest and most frequent first."""
    found: dict[tuple[str, str, str], list[LogLine]] = {}
    for line in lines:
        if line.rank >= _WARN and explaining(line, patterns) is None:
            shape = _NUMBERS.sub("#", line.message[:_SHAPE_LENGTH])
            found.setdefault((line.level, line.scope or DEFAULT_SCOPE, shape), []).append(line)
    rows = [
        UnexplainedLine(level, scope, len(group), *time_span(group), latest(group))
        for (level, scope, _), group in found.items()
    ]
    return tuple(sorted(rows, key=lambda r: (-level_rank(r.level), -r.count, r.example.line)))


def _counts(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def _view(istiod: Istiod, chosen: LineFilter, patterns: Sequence[LinePattern]) -> IstiodLogsView:
    log = istiod.log
    lines = tuple(line for line in log.lines if chosen.admits(line)) if log else ()
    levels = _counts(line.level for line in lines)
    scopes = _counts(line.scope or DEFAULT_SCOPE for line in lines)
    return IstiodLogsView(
        istiod=f"{istiod.namespace}/{istiod.pod}",
        revision=istiod.revision,
        source=istiod.path(ISTIOD_LOG),
        read=log is not None,
        total=len(log.lines) if log else 0,
        unparsed=log.unparsed if log else 0,
        levels=tuple(sorted(levels.items(), key=lambda item: -level_rank(item[0]))),
        scopes=tuple(sorted(scopes.items(), key=lambda item: (-item[1], item[0]))),
        explained=explain(lines, patterns),
        unexplained=unexplained(lines, patterns),
        lines=lines,
    )


def istiod_logs(
    istiods: Iterable[Istiod], chosen: LineFilter | None = None
) -> tuple[IstiodLogsView, ...]:
    """The view of every replica, by name.

    Args:
        istiods: the control plane as it was read.
        chosen: which records to look at; None for all.
    """
    patterns = load_line_patterns("istiod")
    views = [_view(istiod, chosen or LineFilter(), patterns) for istiod in istiods]
    return tuple(sorted(views, key=lambda view: view.istiod))
