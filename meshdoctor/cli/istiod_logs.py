"""``meshdoctor istiod-logs``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import output_option, recording_argument, session_for
from meshdoctor.cli.output import (
    complain_of_missing,
    one_line_errors,
    print_json,
    print_lines,
    read,
)

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """``90s``, ``10m``, ``2h`` or ``1d``.

    Raises:
        click.BadParameter: it is none of these.
    """
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise click.BadParameter(f"{text!r} is not a duration such as 90s, 10m or 2h")
    return timedelta(seconds=int(number) * _UNITS[unit])


@click.command("istiod-logs")
@recording_argument
@click.option(
    "--level",
    type=click.Choice(["fatal", "error", "warn", "info", "debug"]),
    help="The mildest level to look at.",
)
@click.option("--scope", help="Only this scope: ads, delta, model, validationServer …")
@click.option("--since", metavar="DURATION", help="Only the last 90s, 10m, 2h … of the recording.")
@click.option("--lines", is_flag=True, help="Print the log lines themselves.")
@output_option
def command(
    recording: Path | None,
    recording_option: Path | None,
    level: str | None,
    scope: str | None,
    since: str | None,
    lines: bool,
    output: str,
) -> None:
    """Show istiod's logs: levels, scopes, and the lines that matter, explained."""
    from meshdoctor.report.istiod_logs_text import istiod_logs_lines
    from meshdoctor.views.istiod_logs import LineFilter, istiod_logs

    span = duration(since) if since else None
    with one_line_errors():
        snapshot = read(session_for(recording, recording_option))
    chosen = LineFilter(level, scope, snapshot.now - span if span else None)
    views = istiod_logs(snapshot.istiods, chosen)
    if output == "json":
        raw = {view.istiod: [line.text for line in view.lines] for view in views}
        print_json(
            [view.to_json() | ({"lines": raw[view.istiod]} if lines else {}) for view in views]
        )
    else:
        print_lines(istiod_logs_lines(views, raw=lines))
    complain_of_missing(snapshot)
