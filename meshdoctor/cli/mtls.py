"""``meshdoctor mtls``."""

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

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice


@click.command("mtls")
@source_options
@namespace_options
@click.option("--from", "source", metavar="CLIENT", default="", help="Only this client.")
@click.option("--to", metavar="HOST[:PORT]", default="", help="Only this destination.")
@click.option("--only-broken", is_flag=True, help="Only what fails.")
@click.option("--each", is_flag=True, help="A row for each destination; else like ones together.")
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    source: str,
    to: str,
    only_broken: bool,
    each: bool,
    output: str,
) -> None:
    """Show what clients send, what servers accept, which objects decide, and whether it works.

    A row stands for all clients and destinations between which the same is decided. CLIENT is
    pod[.namespace], deploy/name, a Gateway or a namespace. Whether a Sidecar or exportTo hides a
    host from a client is not asked here.
    """
    from meshdoctor.views import mtls

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    asking = mtls.Asking(chosen, source, to, each=each, is_broken=only_broken)
    with one_line_errors():
        snapshot = read(choice.session(namespaces=chosen, logs=False))
        rows = mtls.rows(snapshot, asking)
    unread = ", ".join(mtls.unread(snapshot))
    nothing = "Nothing fails." if only_broken else "No client meets a server here."
    if output == "json":
        print_json([mtls.to_json(row) for row in rows])
    else:
        print_table(mtls.COLUMNS, rows, f"Unknown: {unread} not read." if unread else nothing)
    complain_of_missing(snapshot)
