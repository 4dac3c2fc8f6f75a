"""Access log lines of Envoy in the formats that Istio gives it, text and JSON, old and new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.parse.access_log_format import LineParser, compile_text
from meshdoctor.parse.access_log_json import compile_json, parse_json_line

if TYPE_CHECKING:
    from meshdoctor.model.access_log import AccessLogEntry

_HEAD = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" '
    "%RESPONSE_CODE% %RESPONSE_FLAGS% "
)
_TAIL = (
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%"'
)
_ADDRESSES = (
    " %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS%"
    " %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"
)
_REASON = '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
_MIDDLES = (
    f"%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% {_REASON}",
    # Istio 1.6 and older.
    f'"%DYNAMIC_METADATA(istio.mixer:status)%" {_REASON}',
    f"%RESPONSE_CODE_DETAILS% {_REASON}",
    _REASON,
    # Envoy's own default.
    "",
)
"""What stood between the flags and the byte counts, newest first."""

TEXT_FORMAT = _HEAD + _MIDDLES[0] + _TAIL + _ADDRESSES
"""Istio's default format since 1.9 (pilot/pkg/model/telemetry_logging.go)."""

# Older formats end sooner.
_TEXT_PARSERS = tuple(
    parser
    for middle in _MIDDLES
    if (parser := compile_text(_HEAD + middle + _TAIL + _ADDRESSES, optional_tail=6))
)
_NEWEST = _TEXT_PARSERS[0]


def parse_access_line(text: str, line: int) -> AccessLogEntry | None:
    """Read one line of Istio's default text format or of its JSON encoding.

    Older text formats, with fewer columns, are read too; what they lack is None.

    Args:
        text: the line without its newline.
        line: its 1-based number in the file.

    Returns:
        The entry; None for any other line.
    """
    if text.startswith("["):
        entry = _NEWEST(text, line)
        if entry is not None:
            return entry
        return next((e for parse in _TEXT_PARSERS[1:] if (e := parse(text, line))), None)
    return parse_json_line(text, line) if text.startswith("{") else None


def compile_format(fmt: str) -> LineParser | None:
    """A parser for a mesh's own ``accessLogFormat`` (MeshConfig) or Telemetry provider format.

    Args:
        fmt: a text of Envoy's ``%COMMAND%`` operators, or a JSON object with them as values.

    Returns:
        A function of a line and its number that gives the entry, or None for a line of another
        form; None instead of a function when the format has touching operators, spans lines, or
        has neither RESPONSE_CODE nor RESPONSE_FLAGS.
    """
    as_json = compile_json(fmt) if fmt.lstrip().startswith("{") else None
    as_text = compile_text(fmt)
    if as_json is None or as_text is None:
        return as_json or as_text
    first, second = as_json, as_text
    # With text encoding such a format prints lines that need not be JSON.
    return lambda text, line: first(text, line) or second(text, line)
