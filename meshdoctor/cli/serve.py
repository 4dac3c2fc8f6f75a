"""``meshdoctor serve``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.kubeconfig_file import kubeconfig_file
from meshdoctor.cli.options import loopback_port
from meshdoctor.serve.faults_spec import FAULTS_HELP, FaultError

if TYPE_CHECKING:
    from meshdoctor.serve.server import Server


@click.command("serve", epilog=FAULTS_HELP)
@click.argument("recording", type=click.Path(path_type=Path))
@loopback_port
@click.option(
    "--kubeconfig",
    "kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the kubeconfig here instead of a temporary file; the file must not exist.",
)
@click.option(
    "--fault",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="Let something go wrong (see below); may be given more than once.",
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 600_000),
    metavar="MS",
    help="Milliseconds added to every answer: short for --fault latency:MSms.",
)
@click.option(
    "--audit",
    "audit_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append every request as a line of JSON; never a credential.",
)
@click.option(
    "--controllers",
    is_flag=True,
    help="Let the cluster's controllers answer writes: restarts, scaling, injection, endpoints.",
)
def command(
    recording: Path,
    port: int,
    kubeconfig: Path | None,
    specs: tuple[str, ...],
    latency: float | None,
    audit_file: Path | None,
    controllers: bool,
) -> None:
    """Serve RECORDING as a Kubernetes API server on this machine, for kubectl and for tests.

    The path of a kubeconfig goes to stdout, the rest to stderr. Writes stay in memory; Ctrl-C or
    SIGTERM ends it.
    """
    from meshdoctor.cli.output import one_line_errors
    from meshdoctor.serve.audit import Audit
    from meshdoctor.serve.faults import Faults
    from meshdoctor.serve.mesh import Mesh
    from meshdoctor.serve.server import Server

    try:
        faults = Faults(*specs)
        if latency:
            faults.add(f"latency:{latency:f}ms")
    except FaultError as error:
        raise click.ClickException(str(error)) from None
    with one_line_errors():
        mesh = Mesh.load(recording)
    audit = Audit(audit_file)
    try:
        with kubeconfig_file(kubeconfig) as path:
            server = Server(mesh, faults=faults, audit=audit, port=port)
            if controllers:
                _let_move(server)
            asyncio.run(_serve(server, path))
    finally:
        audit.close()


def _let_move(server: Server) -> None:
    """Let the controllers follow what is written to a server."""
    from meshdoctor.drill.world import World

    World(server.cluster)


async def _serve(server: Server, kubeconfig: Path) -> None:
    """Run until somebody stops it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with server:
        server.write_kubeconfig(kubeconfig)
        click.echo(
            f"Serving {server.mesh.name} at {server.url} until Ctrl-C: "
            f"export KUBECONFIG={kubeconfig}",
            err=True,
        )
        _tell(kubeconfig)
        await stop.wait()


def _tell(kubeconfig: Path) -> None:
    """Print the path, and let go of a pipe: a shell's ``$(…)`` waits for its end."""
    with suppress(BrokenPipeError):
        click.echo(kubeconfig)
        sys.stdout.flush()
    if not sys.stdout.isatty():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
