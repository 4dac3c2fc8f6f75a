"""``meshdoctor istiod-logs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli.durations import DURATION
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import (
    complain_of_missing,
    one_line_errors,
    print_json,
    print_lines,
    read,
)
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from datetime import timedelta

    from meshdoctor.cli.source_options import Choice


@click.command("istiod-logs")
@source_options
@click.option(
    "--level",
    type=click.Choice(["fatal", "error", "warn", "info", "debug"]),
    help="The mildest level to look at.",
)
@click.option("--scope", help="Only this scope: ads, delta, model, validationServer …")
@click.option(
    "--since",
    type=DURATION,
    metavar="DURATION",
    help="Only the last 90s, 10m, 2h … before the mesh was read.",
)
@click.option("--lines", is_flag=True, help="Print the log lines themselves.")
@output_option
def command(
    choice: Choice,
    level: str | None,
    scope: str | None,
    since: timedelta | None,
    lines: bool,
    output: str,
) -> None:
    """Show istiod's logs: levels, scopes, and the lines that matter, explained."""
    from meshdoctor.report.istiod_logs_text import istiod_logs_lines
    from meshdoctor.views.istiod_logs import LineFilter, istiod_logs

    with one_line_errors():
        snapshot = read(choice.session(proxies=False))
    chosen = LineFilter(level, scope, snapshot.now - since if since else None)
    views = istiod_logs(snapshot.istiods, chosen)
    if output == "json":
        raw = {view.istiod: [line.text for line in view.lines] for view in views}
        print_json(
            [view.to_json() | ({"lines": raw[view.istiod]} if lines else {}) for view in views]
        )
    else:
        print_lines(istiod_logs_lines(views, raw=lines))
    complain_of_missing(snapshot)
