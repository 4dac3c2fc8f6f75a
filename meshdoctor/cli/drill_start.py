"""``meshdoctor drill start``: the broken mesh on this machine, for kubectl."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

import meshdoctor
from meshdoctor.cli import completing
from meshdoctor.cli.drill_options import drill_named, drills_option
from meshdoctor.cli.options import loopback_port
from meshdoctor.cli.output import print_lines

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.running import Running

_PATIENCE, _PAUSE = 60.0, 0.05
"""Seconds until the server must listen, and between two looks at whether it does."""


@click.command("start", short_help="Serve a broken mesh for kubectl.")
@click.argument("name", shell_complete=completing.drills)
@loopback_port
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the kubeconfig here; the file must not exist, and goes with the drill.",
)
@click.option("--foreground", is_flag=True, help="Serve in this terminal, until Ctrl-C.")
@drills_option
def command(
    name: str, port: int, kubeconfig: Path | None, foreground: bool, drills: Path | None
) -> None:
    """Serve the broken mesh of drill NAME on this machine, to be mended with kubectl.

    The task, the time limit and the line that points kubectl at the mesh go to stdout. The server
    runs in the background until `meshdoctor drill stop`; it listens on 127.0.0.1 only.
    """
    drill = drill_named(name, drills)
    if foreground:
        _in_foreground(drill, port, kubeconfig)
        return
    _refuse_a_second()
    _print_start(drill, _in_background(drill, port, kubeconfig, drills))


def _refuse_a_second() -> None:
    from meshdoctor.drill.running import BusyError, announced

    running = announced()
    if running is not None:
        raise click.ClickException(str(BusyError(running)))


def _in_foreground(drill: Drill, port: int, kubeconfig: Path | None) -> None:
    from meshdoctor.cli.drill_server import serve_drill

    def tell(running: Running) -> None:
        _print_start(drill, running)
        click.echo("Serving until Ctrl-C or meshdoctor drill stop.", err=True)

    if not serve_drill(drill, port=port, kubeconfig=kubeconfig, tell=tell):
        click.echo(f"\n{drill.id} was broken off; nothing was recorded.", err=True)


def _in_background(
    drill: Drill, port: int, kubeconfig: Path | None, drills: Path | None
) -> Running:
    """Start the server as a process of its own, and wait until it listens."""
    # -P: what lies in the current folder must not pass for one of our modules.
    words = [sys.executable, "-P", "-m", "meshdoctor", "drill", "start", drill.id]
    words += ["--foreground", "--port", str(port)]
    if kubeconfig is not None:
        words += ["--kubeconfig", str(kubeconfig.absolute())]
    if drills is not None:
        words += ["--drills", str(drills.absolute())]
    # A nameless file: the server may complain in it for ever, and nothing of it stays.
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            words,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            return _when_listening(process, complaints)
        except BaseException:
            # Nobody was told of it, Ctrl-C included: it must not serve unseen.
            process.terminate()
            process.wait(_PATIENCE)
            raise


def _environment() -> dict[str, str]:
    """This process's, with the place that it has meshdoctor from, be it a checkout."""
    root = str(Path(meshdoctor.__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{root}" if path else root}


def _when_listening(process: subprocess.Popen[bytes], complaints: BinaryIO) -> Running:
    from meshdoctor.drill.running import announced

    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        ended = process.poll() is not None
        running = None if ended else announced()
        if running is not None and running.pid == process.pid:
            # It outlives this process on purpose: no word about a child that was left behind.
            process.returncode = 0
            return running
        if ended:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            reason = said[-1].removeprefix("meshdoctor: ") if said else "its server ended at once"
            raise click.ClickException(reason)
        time.sleep(_PAUSE)
    raise click.ClickException(f"the server does not listen after {_PATIENCE:.0f} seconds")


def _print_start(drill: Drill, running: Running) -> None:
    from meshdoctor.drill.drill_text import drill_lines

    until = (running.began + timedelta(minutes=drill.minutes)).astimezone()
    print_lines(drill_lines(drill))
    click.echo(f"\nTime limit: {drill.minutes} minutes, until {until:%H:%M}.")
    click.echo("meshdoctor drill check grades it, drill hint helps, drill stop ends it.")
    click.echo(f"export KUBECONFIG={shlex.quote(str(running.kubeconfig))}")
    sys.stdout.flush()
