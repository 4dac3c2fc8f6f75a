"""Envoy's access log format strings, turned into parsers for the lines that they print.

Only the operators of the columns that an ``AccessLogEntry`` has are kept; every other operator
still marks its place (Envoy, "Access logging", command operators).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from meshdoctor.model.access_log import AccessLogEntry
from meshdoctor.parse.access_log_entry import COLUMNS, build_entry

LineParser = Callable[[str, int], AccessLogEntry | None]
"""Takes a line without its newline and its 1-based number."""

_OPERATOR = re.compile(r"%(?:([A-Z][A-Z0-9_]*)(?:\((.*?)\))?(?::[0-9]+)?)?%")

_COLUMN_OF = {
    "START_TIME": "time",
    "PROTOCOL": "protocol",
    "RESPONSE_CODE": "code",
    "RESPONSE_FLAGS": "flags",
    "RESPONSE_CODE_DETAILS": "details",
    "CONNECTION_TERMINATION_DETAILS": "termination",
    "UPSTREAM_TRANSPORT_FAILURE_REASON": "transport_failure",
    "BYTES_RECEIVED": "bytes_received",
    "BYTES_SENT": "bytes_sent",
    "DURATION": "duration",
    "UPSTREAM_HOST": "upstream_host",
    "UPSTREAM_CLUSTER": "cluster",
    "UPSTREAM_LOCAL_ADDRESS": "upstream_local",
    "DOWNSTREAM_LOCAL_ADDRESS": "downstream_local",
    "DOWNSTREAM_REMOTE_ADDRESS": "downstream_remote",
    "REQUESTED_SERVER_NAME": "sni",
    "ROUTE_NAME": "route",
}
_STAND_INS = {
    "RESPONSE_FLAGS_LONG": "flags",
    "UPSTREAM_REMOTE_ADDRESS": "upstream_host",
    "UPSTREAM_CLUSTER_RAW": "cluster",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS": "downstream_remote",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": "downstream_remote",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": "downstream_remote",
}
"""Operators that serve for a column when the format lacks the usual one."""
_HEADERS = {
    ":METHOD": "method",
    ":PATH": "path",
    "X-ENVOY-ORIGINAL-PATH": "path",
    ":AUTHORITY": "authority",
    "HOST": "authority",
    "X-REQUEST-ID": "request_id",
}
_REQUEST_OPERATORS = ("REQ", "REQUEST_HEADER", "REQ_WITHOUT_QUERY", "PATH")
_NUMBER = "-|[0-9]{1,19}"
_SHAPES = {
    "code": _NUMBER,
    "bytes_received": _NUMBER,
    "bytes_sent": _NUMBER,
    "duration": _NUMBER,
    "flags": "-|[A-Za-z]+(?:,[A-Za-z]+)*+",
    # Envoy before 1.18 leaves blanks within the braces.
    "details": r"[^ {]*+(?:\{[^{}\"]*+\})?+[^ \"]*+",
}
"""Columns whose values have a known shape; it also keeps other lines from passing as requests."""
TELLING = {"code", "flags"}
"""A format that has neither does not say how a request ended."""


class Operator(NamedTuple):
    """One operator of a format string."""

    column: str | None
    """The column of an entry that it fills; None for none."""
    stands_in: bool
    """Whether it only serves where the usual operator lacks."""
    literal_after: str
    """The text up to the next operator."""


def _column(name: str, argument: str | None) -> tuple[str | None, bool]:
    if name in _REQUEST_OPERATORS:
        if name == "PATH":
            return "path", True
        headers = (argument or "").upper().split("?")
        found = (_HEADERS[header] for header in headers if header in _HEADERS)
        return next(found, None), name == "REQ_WITHOUT_QUERY"
    if name in _COLUMN_OF:
        return _COLUMN_OF[name], False
    return _STAND_INS.get(name), True


def split_format(fmt: str) -> tuple[str, list[Operator]]:
    """The literal before the first operator, and each operator with the literal after it."""
    operators: list[Operator] = []
    first, literal, place = "", "", 0
    found: tuple[str | None, bool] | None = None
    for match in _OPERATOR.finditer(fmt):
        literal += fmt[place : match.start()]
        place = match.end()
        if match[1] is None:
            literal += "%"
            continue
        if found is None:
            first = literal
        else:
            operators.append(Operator(*found, literal))
        found, literal = _column(match[1], match[2]), ""
    if found is None:
        return fmt, []
    operators.append(Operator(*found, literal + fmt[place:]))
    return first, operators


def chosen_columns(operators: list[Operator]) -> list[str | None]:
    """The column that each operator fills, once each; a stand-in only where the usual one lacks."""
    usual = {item.column for item in operators if not item.stands_in}
    taken: set[str] = set()
    columns: list[str | None] = []
    for item in operators:
        wanted = item.column
        if wanted is None or wanted in taken or (item.stands_in and wanted in usual):
            columns.append(None)
            continue
        taken.add(wanted)
        columns.append(wanted)
    return columns


def _until(literal: str) -> str:
    """Matches up to the first occurrence of the literal, without ever stepping back."""
    if not literal:
        return ".*+"
    first = re.escape(literal[0])
    if len(literal) == 1:
        return f"[^{first}]*+"
    return f"[^{first}]*+(?:(?!{re.escape(literal)}){first}[^{first}]*+)*+"


def _shape(column: str | None, literal: str) -> str:
    # Before another separator these two could swallow it.
    if (column == "flags" and literal.startswith(",")) or (
        column == "details" and not literal.startswith(" ")
    ):
        return _until(literal)
    return _SHAPES.get(column or "") or _until(literal)


def _pattern(first: str, operators: list[Operator], columns: list[str | None], tail: int) -> str:
    """The whole line's pattern; the last ``tail`` operators, each with its blank, may lack."""
    pattern = [re.escape(first)]
    optional = len(operators) - tail
    for index, (item, column) in enumerate(zip(operators, columns, strict=True)):
        after = item.literal_after
        # A closing quote is there even when no further column follows it.
        bound = after.rstrip(" ") or after if index == optional - 1 else after
        shape = _shape(column, bound)
        pattern.append(f"({shape})" if column else f"(?:{shape})")
        if index < optional - 1 or index == len(operators) - 1:
            pattern.append(re.escape(after))
        elif index == optional - 1:
            pattern.append(re.escape(after.rstrip(" ")) + "(?:" + " " * after.endswith(" "))
        else:
            pattern.append("(?:" + re.escape(after))
    return "".join(pattern) + ")?+" * tail


def compile_text(fmt: str, optional_tail: int = 0) -> LineParser | None:
    """A parser for the lines of a text format.

    Args:
        fmt: the format string.
        optional_tail: how many of the last operators a line may lack.

    Returns:
        The parser; None where columns cannot be told apart or no column says how a request ended.
    """
    first, operators = split_format(fmt.rstrip("\r\n"))
    columns = chosen_columns(operators)
    literals = [item.literal_after for item in operators]
    if TELLING.isdisjoint(columns) or "" in literals[:-1] or "\n" in first + "".join(literals):
        return None
    match = re.compile(_pattern(first, operators, columns, optional_tail)).fullmatch
    kept = [column for column in columns if column]
    # Column number len(kept) is the None that is appended for whatever the format lacks.
    order = [kept.index(name) if name in kept else len(kept) for name in COLUMNS]
    pick = itemgetter(*order)
    in_order = kept == list(COLUMNS)

    def parse(text: str, line: int) -> AccessLogEntry | None:
        found = match(text)
        if found is None:
            return None
        values = found.groups()
        return build_entry(values if in_order else pick((*values, None)), line, text)

    return parse
