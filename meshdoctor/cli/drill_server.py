"""The process that serves a drill: the mesh, its controllers, and the desk."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.kubeconfig_file import kubeconfig_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meshdoctor.drill.desk import Desk
    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.running import Room, Running
    from meshdoctor.serve.server import Server


def serve_drill(
    drill: Drill, *, port: int, kubeconfig: Path | None, tell: Callable[[Running], None]
) -> bool:
    """Serve a drill until it is stopped, and leave nothing behind.

    Args:
        drill: what is played.
        port: on 127.0.0.1; 0 for any free one.
        kubeconfig: where the kubeconfig is written; None for the drill's own folder.
        tell: told when it listens.

    Returns:
        Whether ``drill stop`` ended it; else a signal did, and nobody was graded.

    Raises:
        ClickException: another drill is running, or something cannot be read or written.
    """
    from meshdoctor.cli.output import one_line_errors
    from meshdoctor.drill.desk import open_desk
    from meshdoctor.drill.edits import EditError
    from meshdoctor.drill.library import recording_of
    from meshdoctor.drill.running import BusyError, claim
    from meshdoctor.serve.mesh import Mesh
    from meshdoctor.serve.server import Server

    over = asyncio.Event()
    try:
        with claim() as room, kubeconfig_file(kubeconfig or room.kubeconfig) as file:
            with one_line_errors():
                server = Server(Mesh.load(recording_of(drill)), port=port)
            desk = open_desk(server, drill, over.set)
            asyncio.run(_serve(server, desk, over, room, file, tell))
    except BusyError as error:
        raise click.ClickException(str(error)) from None
    except EditError as error:
        raise click.ClickException(f"{drill.id} does not fit its recording: {error}") from None
    except OSError as error:
        raise click.ClickException(_reason(error, port)) from None
    return over.is_set()


def _reason(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of 127.0.0.1 is taken; leave --port out for any that is free"
    if error.filename:
        return f"{error.filename}: {error.strerror}"
    return error.strerror or str(error)


async def _serve(
    server: Server,
    desk: Desk,
    over: asyncio.Event,
    room: Room,
    kubeconfig: Path,
    tell: Callable[[Running], None],
) -> None:
    from meshdoctor.drill.running import Running
    from meshdoctor.serve.kubeconfig import write_private

    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, interrupted.set)
    async with server:
        server.write_kubeconfig(kubeconfig)
        write_private(room.token, desk.token)
        running = Running(
            drill=desk.play.drill.id,
            pid=os.getpid(),
            port=server.port,
            token=room.token,
            ca_pem=server.ca_pem.decode(),
            kubeconfig=kubeconfig,
            began=datetime.now(UTC),
        )
        room.announce(running)
        tell(running)
        ends = [loop.create_task(one.wait()) for one in (over, interrupted)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
