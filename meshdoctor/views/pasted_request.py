"""One access log line, column by column, and what it tells as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.response_flags import flag_meaning
from meshdoctor.views.pasted_tables import pasted_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.access_log import AccessLogEntry


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What an access log line says."""

    id: str
    """Of the entry that explains it; empty when none does."""
    fields: tuple[tuple[str, str, str], ...]
    """Name, value and meaning of each column that the line has."""
    meaning: str
    what_to_do: str
    playbook: str | None
    to: str | None
    """``host:port`` of the cluster, else the Host header."""


def _has_code(wanted: int | str, code: int) -> bool:
    return code == wanted or str(wanted) == f"{code // 100}xx"


def _direction(entry: AccessLogEntry) -> str:
    if entry.is_inbound:
        return "inbound"
    return "outbound" if entry.is_outbound else "none"


def _holds(rule: Mapping[str, Any], entry: AccessLogEntry) -> bool:
    if "code" in rule and not _has_code(rule["code"], entry.code):
        return False
    if "flag" in rule and not entry.flagged(rule["flag"]):
        return False
    if "direction" in rule and rule["direction"] != _direction(entry):
        return False
    columns = {
        "details": entry.details,
        "failure": entry.transport_failure,
        "cluster": entry.cluster,
        "termination": entry.termination,
    }
    return all(
        re.search(rule[name], value or "") for name, value in columns.items() if name in rule
    )


def _meaning(name: str, meaning: str, entry: AccessLogEntry) -> str:
    if name == "flags":
        return " ".join(f"{flag}: {flag_meaning(flag)}" for flag in entry.flags)
    return meaning


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _columns(entry: AccessLogEntry) -> tuple[tuple[str, str, str], ...]:
    values = {item.name: getattr(entry, item.name) for item in fields(entry)}
    found = []
    for column in pasted_table("request-fields"):
        value = values[column["field"]]
        if value is None or value == ():
            continue
        text = _text(value)
        meaning = _meaning(column["field"], column["meaning"], entry)
        found.append((column["name"], text, meaning))
    return tuple(found)


def _to(entry: AccessLogEntry) -> str | None:
    parts = parse_cluster_name(entry.cluster) if entry.cluster else None
    if parts is not None and parts.host and parts.direction == "outbound":
        return f"{parts.host}:{parts.port}"
    return None if entry.is_inbound else entry.authority


def explain_request(entry: AccessLogEntry) -> RequestOutcome:
    """Say what one request's line tells.

    Mirrors Envoy's access log operators, response flags and response code details.
    """
    rule = next((item for item in pasted_table("request-outcomes") if _holds(item, entry)), None)
    if rule is None:
        return RequestOutcome(
            id="",
            fields=_columns(entry),
            meaning="Nothing in this line says that the mesh failed the request.",
            what_to_do="Everything is diagnosed instead.",
            playbook=None,
            to=_to(entry),
        )
    return RequestOutcome(
        id=rule["id"],
        fields=_columns(entry),
        meaning=rule["meaning"],
        what_to_do=rule["what_to_do"],
        playbook=rule["playbook"],
        to=_to(entry),
    )
