"""The server in a thread of its own, for callers that are not async and for subprocesses."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meshdoctor.serve.admin_backend import Backends
    from meshdoctor.serve.audit import Audit
    from meshdoctor.serve.faults import Faults

_START = 30.0
"""Seconds until it must listen."""
_STOP = 10.0
"""Seconds until it must have ended."""


async def _run(server: Server, started: Queue[BaseException | None], stop: asyncio.Event) -> None:
    try:
        await server.__aenter__()
    except BaseException as error:
        started.put(error)
        return
    try:
        started.put(None)
        await stop.wait()
    finally:
        await server.__aexit__(None, None, None)


@contextmanager
def serving(
    recording: Path | Mesh,
    *,
    faults: Faults | None = None,
    audit: Audit | None = None,
    backends: Backends | None = None,
    port: int = 0,
    prepare: Callable[[Server], object] | None = None,
) -> Iterator[Server]:
    """Serve a recording while the block runs.

    Args:
        recording: a path, or what was loaded from one.
        faults: what goes wrong on demand; may be changed from any thread.
        audit: where requests are written down.
        backends: real servers behind ports of pods.
        port: on 127.0.0.1; 0 for any free one.
        prepare: told of the server before it listens, to let controllers follow its writes.

    Yields:
        The server; its objects belong to the other thread and are reached over HTTP only.

    Raises:
        RecordingError: the recording cannot be used.
        OSError: the port is taken.
    """
    mesh = recording if isinstance(recording, Mesh) else Mesh.load(recording)
    server = Server(mesh, faults=faults, audit=audit, backends=backends, port=port)
    if prepare is not None:
        prepare(server)
    started: Queue[BaseException | None] = Queue()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_run(server, started, stop))

    thread = threading.Thread(target=run, name="meshdoctor-serve", daemon=True)
    thread.start()
    error = started.get(timeout=_START)
    try:
        if error is not None:
            raise error
        yield server
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(_STOP)
