"""Values that every kind of log line has: moments, and the plain values of a JSON line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


def log_time(text: str | None) -> datetime | None:
    """A moment as a log line writes it: RFC 3339, or seconds since 1970; None when garbled.

    Envoy and Istio write UTC, so a time without a zone is UTC.
    """
    if not text:
        return None
    try:
        if text[4:5] != "-":
            return datetime.fromtimestamp(float(text), UTC)
        time = datetime.fromisoformat(text)
        # Every real line is in UTC already: looking costs less than converting.
        if time.tzinfo is UTC:
            return time
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def decode_line(text: str) -> Any:
    """The JSON document that a log line is; None when it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def json_word(value: object) -> str | None:
    """A JSON value as the text that a column holds; None for what is no plain value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
