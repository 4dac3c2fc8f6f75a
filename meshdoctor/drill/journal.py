"""A journal of what becomes of a mesh, so that a task survives the end of the process.

Every write is a line of JSON at once, the controllers' as well as the candidate's: a mesh that is
gone on with is exactly the one that was left, down to the names of its pods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.drill.objects import uid_of
from meshdoctor.drill.world import Moment
from meshdoctor.serve.object_store import ChangeType, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meshdoctor.drill.world import World
    from meshdoctor.serve.object_store import Change, Object


@dataclass(frozen=True, slots=True)
class Written:
    """One line of a journal."""

    version: int
    """The resourceVersion that came of it."""
    type: ChangeType
    key: tuple[str, str]
    """API group and plural."""
    object: dict[str, Any]


def written(path: Path) -> tuple[Written, ...]:
    """What a journal has, in the order in which it was written to the mesh.

    Args:
        path: of the journal; it need not be there. A line that was cut off does not count.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found: list[Written] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Written))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    # What controllers answer is told before the write that they answer.
    return tuple(sorted(found, key=lambda one: one.version))


def _restore(world: World, changes: Sequence[Written]) -> None:
    """Put a mesh that has just begun into the state in which it was left."""
    begun = objects = world.objects
    gone = set[str]()
    for one in changes:
        if one.type is ChangeType.DELETED:
            objects = objects.remove(one.key, name_of(one.object))
            gone.add(uid_of(one.object))
        else:
            objects = objects.put(one.key, one.object)
    if all(
        _settings(begun.get(key, *name)) == _settings(item)
        for key, name, item in begun.changes(objects)
    ):
        # All of it was taken back: what proxies hold is known again.
        return
    world.go_back(Moment(objects, frozenset(gone), True, world.cluster.now()))


def _settings(item: Object | None) -> Object | None:
    """An object without the mark of its last write."""
    if item is None:
        return None
    metadata = {k: v for k, v in item["metadata"].items() if k != "resourceVersion"}
    return {**item, "metadata": metadata}


class Journal:
    """Follows a world and keeps what is written to it."""

    def __init__(self, path: Path, world: World) -> None:
        """Bring the world to where the journal left it, and follow it from then on.

        Args:
            path: of the journal, which is begun where it is not there.
            world: as the drill begins.

        Raises:
            OSError: it cannot be read or written.
        """
        self.failure = ""
        """Why something could not be kept; empty while everything was."""
        before = written(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path.with_suffix(".new")
        self._path.unlink(missing_ok=True)
        self._path.touch(mode=0o600)
        self._unsubscribe = world.cluster.store.subscribe(self._keep)
        if before:
            _restore(world, before)
        self._path = self._path.replace(path)

    def close(self) -> None:
        """Follow the world no longer."""
        self._unsubscribe()

    def _keep(self, change: Change) -> None:
        line = {
            "version": change.version,
            "type": change.type,
            "key": change.key,
            "object": change.object,
        }
        try:
            # Nothing stays open, so that whoever forgets a task leaves nothing behind.
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            self.failure = f"{self._path}: {error.strerror or error}"
