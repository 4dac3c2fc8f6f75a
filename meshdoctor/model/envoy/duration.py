"""Durations as protobuf prints them: ``10s``, ``0.250s``."""

from __future__ import annotations


def duration_seconds(text: str) -> float | None:
    """Seconds of a protobuf JSON duration; None when the text is empty or is not one."""
    number = text.removesuffix("s")
    if number == text or not number.replace(".", "", 1).removeprefix("-").isdecimal():
        return None
    return float(number)
