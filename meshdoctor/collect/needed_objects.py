"""The few kinds that other reads wait for: pods, and objects that name Services and Secrets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from meshdoctor.collect.slim_pods import read_pods
from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    GATEWAY,
    KUBERNETES_GATEWAY,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    VIRTUAL_SERVICE,
    Kind,
)
from meshdoctor.parse.errors import ParseError
from meshdoctor.parse.object_list import parse_object_list

if TYPE_CHECKING:
    from meshdoctor.collect.object_lists import ReadList
    from meshdoctor.model.resource import Resource

_NEEDED = frozenset(
    {
        POD,
        SERVICE,
        NAMESPACE,
        GATEWAY,
        KUBERNETES_GATEWAY,
        DESTINATION_RULE,
        VIRTUAL_SERVICE,
        MUTATING_WEBHOOK,
    }
)


class NeededObjects:
    """Objects of these kinds, for whoever waits until they were read."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._settled: dict[Kind, asyncio.Event] = defaultdict(asyncio.Event)
        self._objects: dict[Kind, tuple[Resource, ...]] = {}

    def put(self, kind: Kind, listed: ReadList | None) -> None:
        """Keep what was read of a kind, when it is one that others wait for."""
        if listed is None or kind not in _NEEDED:
            return
        try:
            if kind is POD:
                self._objects[kind] = read_pods(listed.data, kind.input)
            else:
                self._objects[kind], _ = parse_object_list(listed.data, kind, kind.input)
        except ParseError:
            # Whoever takes the file says so.
            return

    def settle(self, kind: Kind) -> None:
        """No more of a kind is to come."""
        self._settled[kind].set()

    async def of(self, kind: Kind) -> tuple[Resource, ...]:
        """The objects of a kind, once they were read; none when they could not be."""
        await self._settled[kind].wait()
        return self._objects.get(kind, ())
