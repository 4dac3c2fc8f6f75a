"""``meshdoctor certificates``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import chosen_namespaces, namespace_options, output_option
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


@click.command("certificates")
@source_options
@namespace_options
@output_option
def command(choice: Choice, namespaces: tuple[str, ...], all_namespaces: bool, output: str) -> None:
    """Show every certificate of the mesh: its chain, its root and the days it has left.

    The CA's Secrets, the root in every namespace, webhooks' bundles, each proxy's own chain and
    what gateways show to clients. MESH ROOT says whether it fits the root that istiod signs with.
    Days count from the moment of the recording; what could not be read is never called valid.
    """
    from meshdoctor.views import certificates

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        snapshot = read(choice.session(namespaces=chosen))
    rows = certificates.rows(snapshot, chosen)
    if output == "json":
        print_json(certificates.rows_as_json(rows))
    else:
        print_table(certificates.COLUMNS, rows, "No certificates: nothing that holds one was read.")
    complain_of_missing(snapshot)
