"""The commands that open the app on drills."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from meshdoctor.cli import completing
from meshdoctor.cli.drill_options import drill_named, drills_option


def is_terminal() -> bool:
    """Whether somebody sits in front of it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def open_list(folder: Path | None) -> None:
    """Open the app on the list of drills.

    Args:
        folder: of the person's own drills; None for none.
    """
    from meshdoctor.app.drill_app import DrillApp

    DrillApp(folder=folder).run()


@click.command("play")
@click.argument("name", shell_complete=completing.drills)
@drills_option
def play(name: str, drills: Path | None) -> None:
    """Play one drill in the app: its time begins at once."""
    drill = drill_named(name, drills)
    if not is_terminal():
        raise click.ClickException(
            f"playing {drill.id} in the app needs a terminal; meshdoctor drill start {drill.id} "
            "plays it with kubectl"
        )
    from meshdoctor.app.drill_app import DrillApp

    DrillApp(drill, folder=drills).run()
