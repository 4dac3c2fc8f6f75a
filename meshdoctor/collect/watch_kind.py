"""Keep the List of one kind current, through whatever befalls its watch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.object_lists import list_path, read_kind
from meshdoctor.collect.watch_event import is_too_old, read_event
from meshdoctor.model.kinds import BY_GROUP_AND_PLURAL, CONFIG_MAP, SECRET, Kind
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.collect.held_list import HeldList

_LIFE = (240, 360)
"""Seconds after which the server ends a watch: not all of them end at once."""
_LONGEST_PAUSE = 30.0
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Watched:
    """A List of a recording that can be watched."""

    path: str
    """Its path within a recording."""
    kind: Kind
    version: str


def watched(path: str) -> Watched | None:
    """What a path holds, when it is a List that can be watched.

    Of Secrets and ConfigMaps only some are read, and a watch would bring all of them.
    """
    match path.split("/"):
        case ["kubernetes", group, version, plural] if plural.endswith(".json"):
            kind = BY_GROUP_AND_PLURAL.get((group, plural.removesuffix(".json")))
            if kind is not None and kind not in (SECRET, CONFIG_MAP):
                return Watched(path, kind, version)
    return None


class KindWatch:
    """Watches one kind until it is cancelled, or may not be watched."""

    def __init__(
        self,
        api: KubeApi,
        what: Watched,
        held: HeldList,
        changed: Callable[[str], None],
        *,
        pause: float = 1.0,
    ) -> None:
        """Nothing is opened yet.

        Args:
            api: the cluster.
            what: which List.
            held: the List; events are applied to it.
            changed: told the List's path after each change.
            pause: seconds before a watch that broke is opened again; doubled each time.
        """
        self._api = api
        self._what = what
        self._held = held
        self._changed = changed
        self._first_pause = pause
        self._pause = pause

    async def run(self) -> ReadError:
        """Watch.

        Returns:
            Why the kind cannot be watched: it is denied, or no longer served.
        """
        too_old = False
        while True:
            try:
                if too_old:
                    await self._list_again()
                    too_old = False
                await self._watch()
            except ReadError as error:
                if error.status is NotReadStatus.DENIED or error.http_status == _NOT_FOUND:
                    return error
                too_old = too_old or is_too_old(error)
                await self._back_off()

    async def _watch(self) -> None:
        """Follow one watch to its end."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._held.resource_version,
            "timeoutSeconds": str(random.randint(*_LIFE)),
        }
        began = asyncio.get_running_loop().time()
        lines = self._api.lines(list_path(self._what.kind, self._what.version), query)
        try:
            async for line in lines:
                event = read_event(line)
                self._pause = self._first_pause
                if self._held.apply(event):
                    self._changed(self._what.path)
        finally:
            # Left alone, a generator closes its connection when it is collected: some day.
            if isinstance(lines, AsyncGenerator):
                await lines.aclose()
        if asyncio.get_running_loop().time() - began < self._first_pause:
            # A server that ends every watch at once must not be asked in a tight loop.
            await self._back_off()

    async def _back_off(self) -> None:
        await asyncio.sleep(self._pause * random.uniform(0.8, 1.2))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _list_again(self) -> None:
        listed = await read_kind(self._api, self._what.kind, self._what.version, ())
        if self._held.replace(listed.data):
            self._changed(self._what.path)
