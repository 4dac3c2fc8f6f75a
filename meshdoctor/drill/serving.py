"""A drill's world: in memory, or behind a server of its own in a thread, for kubectl."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.drill.library import recording_of
from meshdoctor.drill.world import World
from meshdoctor.serve.thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.drill.drill import Drill
    from meshdoctor.serve.server import Server


def broken(world: World, drill: Drill) -> World:
    """The same world, broken as the drill wants it; what follows is the candidate's doing.

    Raises:
        EditError: an edit of its set-up does not fit the recording.
    """
    if drill.setup:
        cluster, clock = world.cluster, world.cluster.clock
        # All at one moment, so that the same drill begins with the same names every time.
        cluster.clock = replace(clock, stopped=True)
        for edit in drill.setup:
            edit.apply(cluster)
        cluster.clock = clock
        world.begin()
    return world


def beginning(drill: Drill) -> World:
    """A drill's mesh as the candidate finds it, in memory.

    Raises:
        EditError: an edit of its set-up does not fit the recording.
        RecordingError: the recording cannot be used.
    """
    return broken(World.from_recording(recording_of(drill)), drill)


@contextmanager
def moving(
    recording: Path, *, drill: Drill | None = None, port: int = 0
) -> Iterator[tuple[Server, World]]:
    """Serve a recording with its controllers at work while the block runs.

    Args:
        recording: a folder or a ``.tar.gz``.
        drill: what breaks it first; None for nothing.
        port: on 127.0.0.1; 0 for any free one.

    Yields:
        The server, to be written to over HTTP only, and the world, to be looked at and graded.

    Raises:
        EditError: an edit of the drill's set-up does not fit the recording.
        RecordingError: the recording cannot be used.
        OSError: the port is taken.
    """
    worlds: list[World] = []

    def follow(server: Server) -> None:
        world = World(server.cluster)
        worlds.append(broken(world, drill) if drill else world)

    with serving(recording, port=port, prepare=follow) as server:
        yield server, worlds[0]
