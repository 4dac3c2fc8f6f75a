"""``meshdoctor open``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import chosen_namespaces, namespace_options
from meshdoctor.cli.output import one_line_errors
from meshdoctor.cli.source_options import source_options
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice


@click.command("open")
@source_options
@namespace_options
def command(choice: Choice, namespaces: tuple[str, ...], all_namespaces: bool) -> int:
    """Open the app, on a recording or on the live cluster.

    Without a terminal there is no app: the diagnosis is printed instead.
    """
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    session = choice.session(namespaces=chosen)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from meshdoctor.cli.diagnose import print_diagnosis
        from meshdoctor.model.diagnosis import Scope

        print_diagnosis(session, "text", Scope(namespaces=chosen))
        return ExitCode.OK
    from meshdoctor.app import MeshdoctorApp

    with one_line_errors():
        # A path that is no recording is a line on stderr, not a screen.
        session.source.check()
    MeshdoctorApp(session).run()
    return ExitCode.OK
