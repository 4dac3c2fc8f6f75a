"""An access log entry from the columns of one line, whatever the format they came in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.model.access_log import AccessLogEntry
from meshdoctor.model.response_flags import short_flag
from meshdoctor.parse.log_values import log_time

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    "time",
    "method",
    "path",
    "protocol",
    "code",
    "flags",
    "details",
    "termination",
    "transport_failure",
    "bytes_received",
    "bytes_sent",
    "duration",
    "request_id",
    "authority",
    "upstream_host",
    "cluster",
    "upstream_local",
    "downstream_local",
    "downstream_remote",
    "sni",
    "route",
)
"""The columns that are kept, in the order in which ``build_entry`` takes them."""

_ABSENT = ("-", "", None)
_INT64_DIGITS = 19


@lru_cache(maxsize=4096)
def _word(text: str | None) -> str | None:
    """A column that repeats from line to line: one copy of it serves them all."""
    return None if text in _ABSENT else text


@lru_cache(maxsize=4096)
def _address(text: str | None) -> str | None:
    """A connection's end: requests that share a connection, or a host, share the text."""
    return None if text in _ABSENT else text


@lru_cache(maxsize=4096)
def _path(text: str | None) -> str | None:
    """A path, apart from other words: paths may be many, and must not drive those out."""
    return None if text in _ABSENT else text


@lru_cache(maxsize=4096)
def _reason(text: str | None) -> str | None:
    """A reason as Envoy writes it today: older ones have blanks where it now puts ``_``."""
    return None if text is None or text in _ABSENT else text.replace(" ", "_")


@lru_cache(maxsize=4096)
def _number(text: str | None) -> int | None:
    if text is None or len(text) > _INT64_DIGITS or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)


@lru_cache(maxsize=1024)
def _flags(text: str | None) -> tuple[str, ...]:
    if text is None or text in _ABSENT:
        return ()
    return tuple(short_flag(word) for word in text.split(",") if word)


def build_entry(values: Sequence[str | None], line: int, text: str) -> AccessLogEntry:
    """Build an entry.

    Args:
        values: one for each of COLUMNS, as written; None for a column that the line lacks.
        line: 1-based number of the line in its file.
        text: the line as it stands there.
    """
    (
        time,
        method,
        path,
        protocol,
        code,
        flags,
        details,
        termination,
        failure,
        received,
        sent,
        duration,
        request_id,
        authority,
        upstream_host,
        cluster,
        upstream_local,
        downstream_local,
        downstream_remote,
        sni,
        route,
    ) = values
    return AccessLogEntry(
        line,
        log_time(time),
        _word(method),
        _path(path),
        _word(protocol),
        _number(code) or 0,
        _flags(flags),
        _reason(details),
        _reason(termination),
        _reason(failure),
        _number(received),
        _number(sent),
        _number(duration),
        None if request_id in _ABSENT else request_id,
        _word(authority),
        _word(upstream_host),
        _word(cluster),
        _address(upstream_local),
        _word(downstream_local),
        _address(downstream_remote),
        _word(sni),
        _word(route),
        text,
    )
