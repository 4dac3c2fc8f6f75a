"""``meshdoctor proxy-status``."""

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


@click.command("proxy-status")
@source_options
@namespace_options
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    output: str,
) -> None:
    """Show what each proxy made of istiod's configuration.

    Every proxy that any istiod knows, joined with every pod that carries one: SYNCED, STALE,
    NOT SENT, IGNORED or ERROR for each type, with its age and the proxy's reason.
    """
    from meshdoctor.views import proxy_status

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        snapshot = read(choice.session(namespaces=chosen, proxies=False))
    rows = proxy_status.rows(snapshot, chosen)
    if output == "json":
        print_json([proxy_status.to_json(row) for row in rows])
    else:
        print_table(proxy_status.columns(rows), rows, "No proxies: no pod carries one.")
    complain_of_missing(snapshot)
