"""Rejected updates."""

from __future__ import annotations

from meshdoctor.model.envoy.error_state import ErrorState
from meshdoctor.parse.envoy.fields import text


def read_error_state(value: object, pointer: str) -> ErrorState | None:
    """Read an ``error_state``; None when the last update was accepted."""
    if not isinstance(value, dict):
        return None
    return ErrorState(
        details=text(value.get("details")),
        last_update_attempt=text(value.get("last_update_attempt")),
        pointer=pointer,
    )
