"""``meshdoctor open``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import recording_argument, session_for
from meshdoctor.cli.output import one_line_errors
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@click.command("open")
@recording_argument
def command(recording: Path | None, recording_option: Path | None) -> int:
    """Open the app on a recording.

    Without a terminal there is no app: the diagnosis is printed instead.
    """
    session = session_for(recording, recording_option)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from meshdoctor.cli.diagnose import print_diagnosis
        from meshdoctor.model.diagnosis import Scope

        print_diagnosis(session, "text", Scope())
        return ExitCode.OK
    from meshdoctor.app import MeshdoctorApp

    with one_line_errors():
        # A path that is no recording is a line on stderr, not a screen.
        session.source.check()
    MeshdoctorApp(session).run()
    return ExitCode.OK
