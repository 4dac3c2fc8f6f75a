"""ztunnel's log in one pass: access lines become connections, and successes are counted alone.

The fields are those of ztunnel's src/proxy/metrics.rs; lines are text, or JSON where
LOG_FORMAT=json.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from meshdoctor.model.log_line import level_rank
from meshdoctor.model.ztunnel import Connection, ZtunnelLog
from meshdoctor.parse.log_lines import parse_log_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.model.log_line import LogLine

MAX_LINE = 64 * 1024
"""Characters of a line that are read."""
_MOST_FAILURES = 5_000
_MOST_PAIRS = 20_000
_MOST_LINES = 2_000
_WARN = level_rank("warn")
_ACCESS = "access"
_ENDED = ("connection complete", "connection failed")


def _address(text: str) -> tuple[str, int]:
    """Host and port of ``ip:port`` or ``[ip]:port``."""
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
    return host.strip("[]"), number


def _connection(record: LogLine, fields: Mapping[str, str]) -> Connection:
    target_ip, target_port = _address(fields.get("dst.addr", ""))
    return Connection(
        line=record.line,
        time=record.time,
        text=record.text,
        direction=fields.get("direction", ""),
        error=fields.get("error", ""),
        source_ip=_address(fields.get("src.addr", ""))[0],
        source_pod=fields.get("src.workload", ""),
        source_namespace=fields.get("src.namespace", ""),
        source_identity=fields.get("src.identity", ""),
        target_ip=target_ip,
        target_port=target_port,
        inner_port=_address(fields.get("dst.hbone_addr", ""))[1],
        service=fields.get("dst.service", ""),
        target_pod=fields.get("dst.workload", ""),
        target_namespace=fields.get("dst.namespace", ""),
    )


class _Log:
    """What has been read so far."""

    def __init__(self) -> None:
        self.failures: deque[Connection] = deque(maxlen=_MOST_FAILURES)
        self.latest: dict[tuple[str, str, str, int], Connection] = {}
        self.lines: deque[LogLine] = deque(maxlen=_MOST_LINES)
        self.connections = 0
        self.unparsed = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, record: LogLine) -> None:
        """Take one line."""
        if record.time is not None:
            self.first = self.first or record.time
            self.last = record.time
        if record.scope == _ACCESS and record.message.startswith(_ENDED):
            self._add_access(record)
        elif record.rank >= _WARN:
            self.lines.append(record)

    def _add_access(self, record: LogLine) -> None:
        self.connections += 1
        found = _connection(record, dict(record.fields))
        if found.error:
            self.failures.append(found)
            return
        target = found.service or found.target_ip
        key = (found.direction, found.source_ip, f"{target} {found.target_pod}", found.target_port)
        if key in self.latest or len(self.latest) < _MOST_PAIRS:
            self.latest[key] = found


def read_ztunnel_log(data: bytes, first_line: int = 1) -> ZtunnelLog:
    """Read a ztunnel's log.

    Args:
        data: the log as kubectl prints it.
        first_line: number of the first line, above 1 when the head of a long log was left out.
    """
    log = _Log()
    known = False
    for number, text in enumerate(data.decode("utf-8", errors="replace").split("\n"), first_line):
        line = text[:MAX_LINE].removesuffix("\r")
        if not line or line.isspace():
            continue
        record = parse_log_line(line, number)
        if record is not None:
            known = True
            log.add(record)
        elif not known:
            # Afterwards a line of no form of its own goes on with the record above it.
            log.unparsed += 1
    return ZtunnelLog(
        failures=tuple(log.failures),
        latest=tuple(sorted(log.latest.values(), key=lambda item: item.line)),
        connections=log.connections,
        lines=tuple(log.lines),
        unparsed=log.unparsed,
        first_time=log.first,
        last_time=log.last,
    )
