"""Keep objects current: a watch for each kind, its changes handed over in bundles."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.artifact import Artifact
from meshdoctor.collect.held_list import HeldList
from meshdoctor.collect.watch_kind import KindWatch, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.collect.watch_kind import Watched

_BUNDLE = 1.0
"""Seconds in which changes of one kind are gathered."""
_BYTES_A_SECOND = 5_000_000
"""A bigger List is handed over less often: it has to be read whole each time."""


class _Bundles:
    """Which Lists have changed, handed over some time after their first change."""

    def __init__(
        self, lists: Mapping[str, HeldList], on_change: Callable[[Artifact], None], bundle: float
    ) -> None:
        self._lists = lists
        self._on_change = on_change
        self._bundle = bundle
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def changed(self, path: str) -> None:
        if path in self._timers:
            return
        delay = max(self._bundle, self._lists[path].size / _BYTES_A_SECOND)
        loop = asyncio.get_running_loop()
        self._timers[path] = loop.call_later(delay, self._hand_over, path)

    def _hand_over(self, path: str) -> None:
        del self._timers[path]
        self._on_change(Artifact(path, self._lists[path].document()))

    def cancel(self) -> None:
        for timer in self._timers.values():
            timer.cancel()


async def follow(
    api: KubeApi,
    lists: Mapping[str, bytes],
    on_change: Callable[[Artifact], None],
    *,
    on_lost: Callable[[str, ReadError], None] | None = None,
    bundle: float = _BUNDLE,
    pause: float = 1.0,
) -> None:
    """Follow every kind until cancelled; returns when none can be watched.

    Args:
        api: the cluster.
        lists: List documents by their path within a recording; watches begin where they end.
        on_change: takes a kind's new List, about once a second while it changes.
        on_lost: told which List is no longer followed, and why.
        bundle: seconds in which changes of one kind are gathered.
        pause: seconds before a watch that broke is opened again; doubled each time.
    """
    held: dict[str, HeldList] = {}
    kinds: dict[str, Watched] = {}
    for path, data in lists.items():
        what = watched(path)
        if what is None:
            continue
        try:
            held[path], kinds[path] = HeldList(data), what
        except ReadError as error:
            _tell(on_lost, path, error)
    bundles = _Bundles(held, on_change, bundle)

    async def one(path: str) -> None:
        watch = KindWatch(api, kinds[path], held[path], bundles.changed, pause=pause)
        _tell(on_lost, path, await watch.run())

    try:
        async with asyncio.TaskGroup() as group:
            for path in kinds:
                group.create_task(one(path))
    finally:
        bundles.cancel()


def _tell(on_lost: Callable[[str, ReadError], None] | None, path: str, error: ReadError) -> None:
    if on_lost is not None:
        on_lost(path, error)
