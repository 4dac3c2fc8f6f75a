"""Access log lines that are JSON objects, with Istio's keys or a mesh's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.parse.access_log_entry import COLUMNS, build_entry
from meshdoctor.parse.access_log_format import (
    TELLING,
    LineParser,
    chosen_columns,
    split_format,
)
from meshdoctor.parse.log_values import decode_line, json_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.access_log import AccessLogEntry


class _JsonLine(msgspec.Struct, gc=False):
    """The keys of Istio's JSON encoding that are kept."""

    start_time: Any = None
    method: Any = None
    path: Any = None
    protocol: Any = None
    response_code: Any = None
    response_flags: Any = None
    response_code_details: Any = None
    connection_termination_details: Any = None
    upstream_transport_failure_reason: Any = None
    bytes_received: Any = None
    bytes_sent: Any = None
    duration: Any = None
    request_id: Any = None
    authority: Any = None
    upstream_host: Any = None
    upstream_cluster: Any = None
    upstream_local_address: Any = None
    downstream_local_address: Any = None
    downstream_remote_address: Any = None
    requested_server_name: Any = None
    route_name: Any = None


_DECODER = msgspec.json.Decoder(_JsonLine)


def parse_json_line(text: str, line: int) -> AccessLogEntry | None:
    """Read one line of Istio's JSON encoding: numbers may be strings, nothing null or ``-``.

    Args:
        text: the line without its newline.
        line: its 1-based number in the file.

    Returns:
        The entry; None for any other line.
    """
    try:
        found = _DECODER.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    values = [json_word(value) for value in msgspec.structs.astuple(found)]
    started, code, flags = values[0], values[4], values[5]
    if code is None and (started is None or flags is None):
        return None
    return build_entry(values, line, text)


def _leaves(
    value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, (*path, key))
        elif isinstance(item, str):
            yield (*path, key), item


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def compile_json(fmt: str) -> LineParser | None:
    """A parser for lines that are JSON objects.

    Args:
        fmt: the format as a JSON object of operators, as ``accessLogEncoding: JSON`` takes it.

    Returns:
        The parser; None when it is no such object or no key says how a request ended.
    """
    document = decode_line(fmt)
    if not isinstance(document, dict):
        return None
    leaves = [(path, split_format(item)) for path, item in _leaves(document, ())]
    # A key whose text is more than one operator is not taken apart.
    whole = [(path, ops) for path, (first, ops) in leaves if len(ops) == 1 and not first]
    paths = [path for path, ops in whole if not ops[0].literal_after]
    columns = chosen_columns([ops[0] for _, ops in whole if not ops[0].literal_after])
    if TELLING.isdisjoint(columns):
        return None
    places = {column: path for column, path in zip(columns, paths, strict=True) if column}
    order = [places.get(name) for name in COLUMNS]

    def parse(text: str, line: int) -> AccessLogEntry | None:
        found = decode_line(text)
        if not isinstance(found, dict):
            return None
        values = [json_word(_at(found, path)) if path else None for path in order]
        return build_entry(values, line, text) if any(values) else None

    return parse
