"""When a stream is over: the client has gone, or the server stops."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Coroutine

STOPPING: web.AppKey[asyncio.Event] = web.AppKey("meshdoctor.stopping", asyncio.Event)
_LOOK = 0.05
"""Seconds between two looks at the connection: aiohttp tells nobody that it was lost."""


async def stop_streams(app: web.Application) -> None:
    """Signal: the server stops, and every stream with it."""
    app[STOPPING].set()


def is_over(request: web.Request) -> bool:
    """Whether nobody listens any more."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return True
    return STOPPING in request.app and request.app[STOPPING].is_set()


async def until_over(request: web.Request) -> None:
    """Wait until nobody listens any more."""
    stopping = request.app[STOPPING] if STOPPING in request.app else asyncio.Event()
    while not is_over(request):
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _LOOK)


async def while_open(request: web.Request, work: Coroutine[object, object, None]) -> None:
    """Do something as long as somebody listens.

    Args:
        request: the stream's.
        work: cancelled when the stream is over; its own end ends the wait.
    """
    tasks = {asyncio.ensure_future(work), asyncio.ensure_future(until_over(request))}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, ConnectionError):
                await task
    for task in done:
        with suppress(ConnectionError, asyncio.CancelledError):
            task.result()
