"""``meshdoctor revisions``."""

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


@click.command("revisions")
@source_options
@namespace_options
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    output: str,
) -> None:
    """Show per pod the revision asked for, injected and connected, and what an upgrade left behind.

    What is asked for is what a new pod of the same workload would get, tags resolved. First the
    control planes, then the pods with what is wrong on top, then what nothing uses any more.
    """
    from meshdoctor.views import revisions as view

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        snapshot = read(choice.session(namespaces=chosen))
    planes, rows = view.planes(snapshot), view.rows(snapshot, chosen)
    left = view.left_behind(snapshot)
    if output == "json":
        print_json(
            {
                "control_planes": [view.plane_to_json(row) for row in planes],
                "pods": [view.to_json(row) for row in rows],
                "left_behind": [view.left_to_json(item) for item in left],
                "not_read": list(view.unread(snapshot)),
            }
        )
    else:
        none = "No control plane was found in this cluster."
        print_table(view.PLANE_COLUMNS, planes, none)
        click.echo()
        print_table(view.COLUMNS, rows, view.no_pods(snapshot))
        click.echo()
        print_table(view.LEFT_COLUMNS, left, view.nothing_left(snapshot))
    complain_of_missing(snapshot)
