"""Objects in memory, with a history of what was written: etcd's part."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from meshdoctor.serve.resource_type import Key

    Object = Mapping[str, Any]
    """Never changed in place: whoever writes puts another in its stead."""
    Name = tuple[str, str]
    """Namespace (empty for none) and name."""

HISTORY = 10_000
"""How many writes can be watched or paged back to."""


class ChangeType(StrEnum):
    """The words of watch events."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """One write."""

    version: int
    """The resourceVersion that came of it."""
    type: ChangeType
    key: Key
    object: Object
    """As it stands afterwards; of one that was deleted, as it last was."""
    previous: Object | None
    """As it stood before; None when it was not there."""


class TooOldError(Exception):
    """The history does not reach back so far."""


def name_of(item: Object) -> Name:
    """Namespace and name of an object."""
    metadata = as_mapping(item.get("metadata"))
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _versioned(item: Object, version: int) -> Object:
    return {**item, "metadata": {**item["metadata"], "resourceVersion": str(version)}}


class ObjectStore:
    """Objects by resource, namespace and name; one resourceVersion for all of them."""

    def __init__(self, version: int, history: int = HISTORY) -> None:
        """Start empty.

        Args:
            version: the resourceVersion of what is put in by ``fill``.
            history: how many writes to keep.
        """
        self._objects: dict[Key, dict[Name, Object]] = {}
        self._changes: deque[Change] = deque(maxlen=history)
        self._subscribers: list[Callable[[Change], None]] = []
        self._version = self._oldest = max(version, 1)

    @property
    def version(self) -> int:
        """The resourceVersion now."""
        return self._version

    @property
    def oldest(self) -> int:
        """The oldest resourceVersion the history reaches back to."""
        return self._oldest

    def fill(self, key: Key, items: Iterable[Object]) -> None:
        """Put in what was there before anybody wrote; nobody is told."""
        self._objects.setdefault(key, {}).update({name_of(item): item for item in items})

    def subscribe(self, subscriber: Callable[[Change], None]) -> Callable[[], None]:
        """Be told of each write, after it, in the server's own loop: the seam for controllers.

        Args:
            subscriber: must not raise; it may write in its turn.

        Returns:
            What ends it.
        """
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def get(self, key: Key, namespace: str, name: str) -> Object | None:
        """One object; None where there is none."""
        return self._objects.get(key, {}).get((namespace, name))

    def all(self, key: Key) -> list[Object]:
        """All objects of a resource as they stand, in the order of etcd's keys."""
        objects = self._objects.get(key, {})
        return [objects[name] for name in sorted(objects)]

    def everything(self) -> dict[Key, dict[Name, Object]]:
        """All objects of all resources as they stand; the mappings are copies."""
        return {key: dict(objects) for key, objects in self._objects.items()}

    def all_at(self, key: Key, version: int) -> list[Object]:
        """All objects of a resource as they stood at a resourceVersion, in the same order.

        Raises:
            TooOldError: the history does not reach back so far.
        """
        objects = dict(self._objects.get(key, {}))
        for change in reversed(self.since(version, key)):
            name = name_of(change.object)
            if change.previous is None:
                objects.pop(name, None)
            else:
                objects[name] = change.previous
        return [objects[name] for name in sorted(objects)]

    def since(self, version: int, key: Key) -> list[Change]:
        """What was written to a resource after a resourceVersion, the oldest first.

        Raises:
            TooOldError: the history does not reach back so far.
        """
        if version < self._oldest:
            raise TooOldError
        return [one for one in self._changes if one.version > version and one.key == key]

    def put(self, key: Key, item: Object) -> Object:
        """Write an object, new or not.

        Returns:
            It, with its resourceVersion.
        """
        objects = self._objects.setdefault(key, {})
        name = name_of(item)
        previous = objects.get(name)
        self._version += 1
        objects[name] = written = _versioned(item, self._version)
        kind = ChangeType.ADDED if previous is None else ChangeType.MODIFIED
        self._tell(Change(self._version, kind, key, written, previous))
        return written

    def remove(self, key: Key, namespace: str, name: str) -> Object | None:
        """Delete an object.

        Returns:
            It as it last was, with the resourceVersion of its end; None where there was none.
        """
        previous = self._objects.get(key, {}).pop((namespace, name), None)
        if previous is None:
            return None
        self._version += 1
        last = _versioned(previous, self._version)
        self._tell(Change(self._version, ChangeType.DELETED, key, last, previous))
        return last

    def remove_all(self, *, namespace: str = "", key: Key | None = None) -> None:
        """Delete what is in a namespace, or all of one resource."""
        for one, objects in list(self._objects.items()):
            if key is not None and one != key:
                continue
            for where, name in sorted(objects):
                if key is not None or where == namespace:
                    self.remove(one, where, name)

    def compact(self) -> None:
        """Forget the history: older pages and watches expire, as after etcd's compaction."""
        self._changes.clear()
        self._oldest = self._version

    def _tell(self, change: Change) -> None:
        if len(self._changes) == self._changes.maxlen:
            self._oldest = self._changes[0].version
        self._changes.append(change)
        for subscriber in tuple(self._subscribers):
            subscriber(change)
