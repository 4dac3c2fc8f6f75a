"""What controllers see: the objects, the moment, and the recording they started from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.drill.objects import uid_of
from meshdoctor.serve.clock import rfc3339
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from meshdoctor.drill.objects import Objects
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

    View = Callable[[Objects, datetime], Snapshot]


@dataclass(frozen=True, slots=True)
class State:
    """One moment of a played mesh."""

    objects: Objects
    recorded: Objects
    """As the recording has them: how pods of a template fared is known from there."""
    now: datetime
    serial: int
    """Rises with every write, so that no name comes twice."""
    view: View
    recorded_mesh: Snapshot
    """The recording itself."""
    gone: frozenset[str] = frozenset()
    """Uids of objects that were deleted."""

    @property
    def mesh(self) -> Snapshot:
        """The objects as a Snapshot."""
        return self.view(self.objects, self.now)

    @property
    def timestamp(self) -> str:
        """Now, as Kubernetes writes it."""
        return rfc3339(self.now)

    def put(self, key: Key, item: Object) -> State:
        """With an object written; the same state where it stands so already."""
        if self.objects.by_key.get(key, {}).get(name_of(item)) is item:
            return self
        return replace(self, objects=self.objects.put(key, item), serial=self.serial + 1)

    def remove(self, key: Key, item: Object) -> State:
        """Without an object; what it owned is collected later."""
        return replace(
            self,
            objects=self.objects.remove(key, name_of(item)),
            serial=self.serial + 1,
            gone=self.gone | {uid_of(item)},
        )
