"""Spans of time as people write them on the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[timedelta]):
    """``500ms``, ``90s``, ``10m``, ``2h`` or ``1d``, as a timedelta."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The span; a usage error when it is none."""
        if isinstance(value, timedelta):
            return value
        text = str(value)
        number = text.rstrip("smhd")
        unit = text[len(number) :]
        if not (number.isascii() and number.isdigit()) or unit not in _UNITS:
            self.fail(f"{text!r} is not a duration such as 90s, 10m or 2h", param, ctx)
        seconds = int(number[:12]) * _UNITS[unit]
        if not seconds:
            self.fail(f"{text!r} is no time at all", param, ctx)
        try:
            return timedelta(seconds=seconds)
        except OverflowError:
            self.fail(f"{text!r} is longer than any log", param, ctx)


DURATION = Duration()
"""The type to give to an option."""
