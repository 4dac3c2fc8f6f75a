"""``meshdoctor namespaces``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import (
    chosen_namespaces,
    namespace_options,
    output_option,
)
from meshdoctor.cli.output import (
    complain_of_missing,
    one_line_errors,
    print_json,
    print_table,
    read,
)
from meshdoctor.cli.source_options import source_options
from meshdoctor.model.kinds import NAMESPACE

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice


@click.command("namespaces")
@source_options
@namespace_options
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    output: str,
) -> None:
    """Show each namespace's labels, the revision it asks for, and what a new pod gets and why."""
    from meshdoctor.views import namespaces as view

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        snapshot = read(choice.session(namespaces=chosen, proxies=False))
    rows = view.rows(snapshot, chosen)
    known = snapshot.catalog.known(NAMESPACE)
    nothing = "No namespace matches." if known else "Unknown: namespaces could not be read."
    if output == "json":
        print_json([view.to_json(row) for row in rows])
    else:
        print_table(view.COLUMNS, rows, nothing)
    complain_of_missing(snapshot)
