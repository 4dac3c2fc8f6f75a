"""The time that a drill leaves, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.drill.play import Play

_MINUTE = 60


def clock(seconds: float) -> str:
    """``7:05``: minutes and seconds."""
    whole = max(0, int(seconds))
    return f"{whole // _MINUTE}:{whole % _MINUTE:02}"


def time_left(play: Play) -> str:
    """``6:42 left``, or ``1:05 over`` once the time is used up."""
    left = play.drill.minutes * _MINUTE - play.seconds
    return f"{clock(left)} left" if left >= 0 else f"! {clock(-left)} over"
