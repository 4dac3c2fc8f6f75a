"""Ages as kubectl shows them (apimachinery, ``duration.HumanDuration``)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from meshdoctor.model.resource import parse_time

if TYPE_CHECKING:
    from datetime import timedelta

UNKNOWN = "<unknown>"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 31536000


def _two(number: int, unit: str, rest: int, rest_unit: str) -> str:
    return f"{number}{unit}{rest}{rest_unit}" if rest else f"{number}{unit}"


def human_duration(length: timedelta) -> str:
    """A length of time in at most two units, the more coarsely the longer it is."""
    seconds = int(length.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    minutes, hours, days = seconds // _MINUTE, seconds // _HOUR, seconds // _DAY
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % _MINUTE, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    return _long(seconds, days)


def _long(seconds: int, days: int) -> str:
    years = seconds // _YEAR
    if days < 365 * 2:
        return f"{days}d"
    if years < 8:
        return _two(years, "y", days % 365, "d")
    return f"{years}y"


def age(written: object, now: datetime) -> str:
    """How long ago a time was.

    Args:
        written: RFC 3339.
        now: the server's clock.
    """
    moment = parse_time(written)
    return UNKNOWN if moment is None else human_duration(now - moment)
