"""``meshdoctor webhooks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import (
    complain_of_missing,
    one_line_errors,
    print_json,
    print_table,
    read,
)
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice


@click.command("webhooks")
@source_options
@output_option
def command(choice: Choice, output: str) -> None:
    """Show every injection and validation webhook: whom it selects, and whether it is answered.

    The CA bundle is held against the mesh's root certificate.
    """
    from meshdoctor.views import webhooks

    with one_line_errors():
        snapshot = read(choice.session(proxies=False))
    rows = webhooks.rows(snapshot)
    unread = ", ".join(webhooks.unread(snapshot))
    nothing = f"Unknown: {unread} could not be read." if unread else "No Istio webhook exists."
    if output == "json":
        print_json([webhooks.to_json(row) for row in rows])
    else:
        print_table(webhooks.COLUMNS, rows, nothing)
    complain_of_missing(snapshot)
