"""One proxy's log as rows: requests with their flags explained, and what the agent said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.finding import Severity
from meshdoctor.model.log_line import level_rank
from meshdoctor.model.response_flags import flag_meaning
from meshdoctor.views.log_line_patterns import explaining, load_line_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.access_log import AccessLogEntry, ProxyLog
    from meshdoctor.model.log_line import LogLine
    from meshdoctor.views.log_line_patterns import LinePattern

COLUMNS: tuple[tuple[str, str], ...] = (
    ("LINE", "line"),
    ("TIME", "time"),
    ("STATUS", "status"),
    ("FLAGS", "flags"),
    ("WHAT", "what"),
    ("CLUSTER", "cluster"),
)
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class ProxyLogRow:
    """One line of an istio-proxy container's log."""

    line: int
    """1-based number in the file."""
    time: str
    """UTC time of day; the date is the recording's or the day before."""
    status: str
    """HTTP status of a request (0 for TCP), or the level of what the agent or Envoy said."""
    flags: str
    """Response flags, comma separated; empty for none."""
    what: str
    cluster: str
    """Where a request was sent; empty for lines that are no request."""
    severity: Severity | None
    """None for a line that is in order."""
    meaning: str
    """What its flags, or its words, mean; empty when nothing is known of it."""
    what_to_do: str
    text: str
    """The line as it stands in the file."""


def _access_row(entry: AccessLogEntry) -> ProxyLogRow:
    request = f"{entry.method} {entry.authority or ''}{entry.path or ''}" if entry.method else "TCP"
    reasons = [entry.details, entry.transport_failure, entry.termination]
    told = " ".join(reason for reason in reasons if reason and reason != "via_upstream")
    failed = bool(entry.flags) or entry.code >= _SERVER_ERROR
    return ProxyLogRow(
        line=entry.line,
        time=f"{entry.time:%H:%M:%S}" if entry.time else "",
        status=str(entry.code),
        flags=",".join(entry.flags),
        what=f"{request} {told}".rstrip(),
        cluster=entry.cluster or "",
        severity=Severity.ERROR if failed else None,
        meaning=" ".join(f"{flag}: {flag_meaning(flag)}" for flag in entry.flags),
        what_to_do="",
        text=entry.text,
    )


def _agent_row(line: LogLine, patterns: Sequence[LinePattern]) -> ProxyLogRow:
    known = explaining(line, patterns)
    severity = known.severity if known else None
    if severity is None and line.rank >= level_rank("warn"):
        severe = line.rank >= level_rank("error")
        severity = Severity.ERROR if severe else Severity.WARNING
    return ProxyLogRow(
        line=line.line,
        time=f"{line.time:%H:%M:%S}" if line.time else "",
        status=line.level,
        flags="",
        what=line.message,
        cluster="",
        severity=None if severity is Severity.INFO else severity,
        meaning=known.meaning if known else "",
        what_to_do=known.what_to_do if known else "",
        text="\n".join((line.text, *line.more)),
    )


def rows(log: ProxyLog) -> tuple[ProxyLogRow, ...]:
    """Every line that was kept, in the order of the file."""
    patterns = load_line_patterns("agent")
    found = [_access_row(entry) for entry in log.access]
    found += [_agent_row(line, patterns) for line in log.agent]
    return tuple(sorted(found, key=lambda row: row.line))


def to_json(row: ProxyLogRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
