"""Work in threads that nobody waits for when the app is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Threads:
    """Runs blocking work beside the app's loop.

    A pool's threads are joined when the interpreter ends: a cluster that hangs would then hang the
    terminal. These are daemon threads, so leaving waits only as long as it wants to.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self, work: Callable[[], T], name: str) -> T:
        """What the work returns, or raises; cancelling this leaves the thread to itself.

        Args:
            work: called in a thread of its own.
            name: the thread's name.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        ended: asyncio.Future[None] = loop.create_future()
        self._running.add(ended)
        ended.add_done_callback(self._running.discard)

        def settle(tell: Callable[[], None]) -> None:
            ended.set_result(None)
            if not future.done():
                tell()

        def body() -> None:
            try:
                tell = partial(future.set_result, work())
            except Exception as error:
                tell = partial(future.set_exception, error)
            except BaseException as error:
                tell = partial(future.set_exception, RuntimeError(repr(error)))
            # The loop is closed once the app has been left: nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, tell)

        Thread(target=body, name=f"meshdoctor-{name}", daemon=True).start()
        return await future

    async def settled(self, seconds: float) -> None:
        """Wait until nothing runs any more, at most that long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
