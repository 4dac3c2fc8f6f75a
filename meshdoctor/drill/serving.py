"""A world behind a server of its own, for kubectl: in a thread, so that anybody may wait for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from meshdoctor.drill.world import World
from meshdoctor.serve.thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.serve.server import Server


@contextmanager
def moving(recording: Path, *, port: int = 0) -> Iterator[tuple[Server, World]]:
    """Serve a recording with its controllers at work while the block runs.

    Args:
        recording: a folder or a ``.tar.gz``.
        port: on 127.0.0.1; 0 for any free one.

    Yields:
        The server, to be written to over HTTP only, and the world, to be looked at and graded.

    Raises:
        RecordingError: the recording cannot be used.
        OSError: the port is taken.
    """
    worlds: list[World] = []

    def follow(server: Server) -> None:
        worlds.append(World(server.cluster))

    with serving(recording, port=port, prepare=follow) as server:
        yield server, worlds[0]
