"""Lines that Istio's components write about themselves: istiod, agent, Envoy, ztunnel, CNI.

The text form has tabs between time, level, scope (the default scope has no column), message and
``key=value`` labels (istio.io/istio/pkg/log; ztunnel's telemetry follows it). The JSON forms are
``--log_as_json``, its Stackdriver variant and ztunnel's ``LOG_FORMAT=json``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.log_line import LogLine
from meshdoctor.parse.log_values import decode_line, json_word, log_time

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVELS = {
    "trace": "trace",
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "default": "info",
    "warn": "warn",
    "warning": "warn",
    "error": "error",
    "err": "error",
    "dpanic": "fatal",
    "panic": "fatal",
    "critical": "fatal",
    "fatal": "fatal",
    "alert": "fatal",
    "emergency": "fatal",
}
"""Every component's word for a level, lower case, and Istio's."""

_SCOPE_WORDS = """
ads adsc admin ambient analysis authn authorization ca cache citadelclient cni cni-agent
cni-plugin controllers credentials delta deltaadsc dns file gateway gatewaycommon grpc grpcgen
healthcheck ip-autoallocate iptables klog krt kube mcp model monitoring nodeagent pkica pkira
probes processing proxyconfig proxylessgrpc repair retry rootcertrotator sds secretcontroller
secretfetcher security serverca serviceentry spiffe status stsclient stsserver tag telemetry
token trustBundle util validation validationController validationServer wasm webhooks wle
xdsproxy
"""
SCOPES = frozenset(_SCOPE_WORDS.split())
"""Scopes of Istio's components; the default scope has no column of its own."""

_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT[0-9:.]{8,18}Z)\t([A-Za-z]{3,9})\t(.*)", re.ASCII | re.DOTALL)
_ENVOY_BRACKETS = re.compile(
    r"(?:\[Envoy \([^)]*\)\] )?\[(\d{4}-\d\d-\d\d[ T][0-9:.]{8,18})\]"
    r"\[\d{1,10}\]\[([a-z]{3,9})\]\[([\w-]{1,40})\] (?:\[([^\]]*)\] )?(.*)",
    re.ASCII | re.DOTALL,
)
"""Envoy's own form, which Istio before 1.8 left as it is."""
_GO = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) ([0-9:.]{8,15}) (?:(DEBUG|INFO|WARN|ERROR) )?(.*)",
    re.ASCII | re.DOTALL,
)
"""Go's standard logger, before Istio's is set up and in some libraries."""
_SCOPE_SHAPE = re.compile(r"[A-Za-z][\w-]*(?:::\w+)*(?::[^\t]{0,300})?", re.ASCII)
_ENVOY_SCOPE = re.compile(r"envoy [\w-]{1,40}(?: \S{1,200})?", re.ASCII)
_CALLER = re.compile(r"[\w./@-]+\.(?:go|cc|h|rs):\d+", re.ASCII)
_FIELD = re.compile(
    r'(?:(?<=\s)|^)([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*+"|\S*+(?: (?![A-Za-z_][\w.-]*=)\S++)*+)',
    re.ASCII,
)
_FIELDS_START = re.compile(r"[A-Za-z_][\w.-]*=", re.ASCII)
_NO_FIELDS: tuple[tuple[str, str], ...] = ()


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return value[1:-1].replace('\\"', '"') if "\\" in value else value[1:-1]


def _fields(column: str) -> tuple[tuple[str, str], ...] | None:
    """The labels of a line's last column; None when it is none."""
    if column.startswith("{"):
        # Istio before 1.11 prints zap's console form.
        found = decode_line(column)
        return tuple(_json_fields(found)) if isinstance(found, dict) else None
    if not _FIELDS_START.match(column):
        return None
    return tuple((match[1], _unquoted(match[2])) for match in _FIELD.finditer(column))


def _json_fields(found: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        word = json_word(value)
        if word is None and value is not None:
            try:
                word = msgspec.json.encode(value).decode()
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue
        if word is not None:
            yield key, word


@lru_cache(maxsize=1024)
def _scope(column: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A scope column: the scope, and what else Envoy or ztunnel put beside it."""
    if column.startswith("envoy "):
        _, component, *place = column.split(" ", 2)
        return f"envoy {component}", (("caller", place[0]),) if place else _NO_FIELDS
    name, _, span = column.replace("::", "\0").partition(":")
    return name.replace("\0", "::"), (("span", span.replace("\0", "::")),) if span else _NO_FIELDS


def _is_scope(column: str, following: str) -> bool:
    if column in SCOPES or _ENVOY_SCOPE.fullmatch(column):
        return True
    return _SCOPE_SHAPE.fullmatch(column) is not None and not _FIELDS_START.match(following)


def _from_columns(line: int, time: str, level: str, rest: str, text: str) -> LogLine:
    scope, extra, labels = None, _NO_FIELDS, _NO_FIELDS
    if "\t" in rest:
        columns = rest.split("\t")
        if _is_scope(columns[0], columns[1]):
            scope, extra = _scope(columns.pop(0))
        if len(columns) > 1 and _CALLER.fullmatch(columns[0]):
            extra = (*extra, ("caller", columns.pop(0)))
        if len(columns) > 1:
            found = _fields(columns[-1]) if columns[-1] else _NO_FIELDS
            if found is not None:
                labels = found
                columns.pop()
        rest = "\t".join(columns)
    return LogLine(line, log_time(time), level, scope, rest, extra + labels, text)


_JSON_KEYS = {
    "time": ("time", "timestamp", "ts"),
    "level": ("level", "severity"),
    "scope": ("scope", "logger"),
    "message": ("msg", "message"),
}


def _from_json(text: str, line: int) -> LogLine | None:
    found = decode_line(text)
    if not isinstance(found, dict):
        return None
    taken = {
        part: next((found.pop(key) for key in keys if key in found), None)
        for part, keys in _JSON_KEYS.items()
    }
    level = _LEVELS.get(str(taken["level"]).lower())
    message = taken["message"]
    if level is None or not isinstance(message, str):
        return None
    column = taken["scope"]
    scope, extra = _scope(column) if isinstance(column, str) and column else (None, _NO_FIELDS)
    labels = (*extra, *_json_fields(found))
    return LogLine(line, log_time(json_word(taken["time"])), level, scope, message, labels, text)


def _other_form(text: str, line: int) -> LogLine | None:
    if match := _GO.fullmatch(text):
        year, month, day, clock, word, message = match.groups()
        level = _LEVELS[(word or "info").lower()]
        time = log_time(f"{year}-{month}-{day}T{clock}")
        return LogLine(line, time, level, None, message, _NO_FIELDS, text)
    if match := _ENVOY_BRACKETS.fullmatch(text):
        stamp, word, component, place, message = match.groups()
        labels = (("caller", place),) if place else _NO_FIELDS
        level = _LEVELS.get(word, "info")
        return LogLine(line, log_time(stamp), level, f"envoy {component}", message, labels, text)
    return None


def parse_log_line(text: str, line: int) -> LogLine | None:
    """Read one line as the first line of a record.

    Args:
        text: the line without its newline.
        line: its 1-based number in the file.

    Returns:
        The record; None for a line that begins none: a further line of the record before it, an
        access log line, or something foreign.
    """
    match = _TEXT.fullmatch(text)
    if match is not None:
        time, word, rest = match.groups()
        level = _LEVELS.get(word.lower())
        return _from_columns(line, time, level, rest, text) if level else None
    if text.startswith("{"):
        return _from_json(text, line)
    return _other_form(text, line) if text[:1].isdigit() or text.startswith("[") else None
