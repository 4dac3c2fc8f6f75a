"""Lines of Istio's own logs that are worth knowing, and what of a log they explain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.log_line import LogLine

LOOKED_AT = 4096
"""Characters of a record that patterns are looked for in: a hostile log must not cost minutes."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LinePattern:
    """One entry of ``playbooks/log-lines.yaml``."""

    id: str
    source: str
    """Whose log: ``istiod``, ``agent`` (istio-proxy containers), ``ztunnel`` or ``cni``."""
    severity: Severity
    """What the line is worth, whatever level it was logged at."""
    pattern: re.Pattern[str]
    """Looked for in the message, further lines and labels."""
    example: str
    meaning: str
    what_to_do: str
    playbook: str | None = None
    """Id of the one to go on with."""


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """Every record of a log that one pattern explains, as one row."""

    pattern: LinePattern
    count: int
    first: datetime | None
    last: datetime | None
    example: LogLine
    """The latest of them."""

    def to_json(self) -> dict[str, Any]:
        """The row as plain values; times are RFC 3339 in UTC."""
        return {
            "id": self.pattern.id,
            "severity": self.pattern.severity.value,
            "meaning": self.pattern.meaning,
            "what_to_do": self.pattern.what_to_do,
            "count": self.count,
            "first": time_text(self.first),
            "last": time_text(self.last),
            "line": self.example.line,
            "text": self.example.text,
        }


def time_text(time: datetime | None) -> str | None:
    """A UTC moment in RFC 3339 form."""
    return time.isoformat().replace("+00:00", "Z") if time else None


@cache
def _all_patterns() -> tuple[LinePattern, ...]:
    text = files("playbooks").joinpath("log-lines.yaml").read_text(encoding="utf-8")
    try:
        return tuple(
            LinePattern(
                **{
                    **entry,
                    "severity": Severity(entry["severity"]),
                    "pattern": re.compile(entry["pattern"]),
                }
            )
            for entry in yaml.load(text, Loader=yaml.CSafeLoader)
        )
    except (TypeError, KeyError, re.error) as error:
        raise ValueError(f"log-lines.yaml: {error}") from error


def load_line_patterns(source: str | None = None) -> tuple[LinePattern, ...]:
    """The patterns, in the order in which they are tried.

    Args:
        source: only those for this component's log; None for all.

    Raises:
        ValueError: an entry has an unknown key or severity, lacks one, or is no regular expression.
    """
    return tuple(item for item in _all_patterns() if source in (None, item.source))


def _searched(line: LogLine) -> str:
    """The same text for a record, whether it was logged as text or as JSON."""
    if not line.fields and not line.more:
        return line.message[:LOOKED_AT]
    labels = " ".join(f"{key}={value}" for key, value in line.fields)
    return "\n".join((f"{line.message}\t{labels}", *line.more))[:LOOKED_AT]


def explaining(line: LogLine, patterns: Iterable[LinePattern]) -> LinePattern | None:
    """The first pattern that explains a record; None when none does."""
    text = _searched(line)
    return next((item for item in patterns if item.pattern.search(text)), None)


def time_span(lines: Sequence[LogLine]) -> tuple[datetime | None, datetime | None]:
    """The earliest and the latest moment among records; None where none has a time."""
    times = [line.time for line in lines if line.time]
    return min(times, default=None), max(times, default=None)


def latest(lines: Sequence[LogLine]) -> LogLine:
    """The record with the latest time, the last in the file where times are equal or missing."""
    return max(lines, key=lambda line: (line.time or _LONG_AGO, line.line))


def explain(lines: Iterable[LogLine], patterns: Sequence[LinePattern]) -> tuple[ExplainedLine, ...]:
    """What the records of a log mean, one row for each pattern that explains any.

    Args:
        lines: the records.
        patterns: those of the log's source, in order.

    Returns:
        The gravest rows first, then the most frequent.
    """
    found: dict[str, tuple[LinePattern, list[LogLine]]] = {}
    for line in lines:
        pattern = explaining(line, patterns)
        if pattern is not None:
            found.setdefault(pattern.id, (pattern, []))[1].append(line)
    rows = [
        ExplainedLine(pattern, len(group), *time_span(group), latest(group))
        for pattern, group in found.values()
    ]
    return tuple(sorted(rows, key=lambda r: (r.pattern.severity.rank, -r.count, r.pattern.id)))
