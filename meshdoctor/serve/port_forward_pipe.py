"""Bytes between a forwarded port and a real server."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from meshdoctor.serve.port_forward_http import ConnectionBrokenError, Receive, Send

if TYPE_CHECKING:
    from collections.abc import Callable

_READ = 32 * 1024
_CONNECT = 5.0
"""Seconds a real server has to take the connection."""
_REQUEST_LINE = re.compile(rb"(?:^|\r\n\r\n)([A-Z]{3,8}) (\S{1,4096}) HTTP/1\.[01]\r\n")


async def pipe(
    backend: tuple[str, int], receive: Receive, send: Send, seen: Callable[[str, str], None]
) -> None:
    """Connect and copy both ways until either end stops.

    Args:
        backend: host and port of the real server.
        receive: reads from the client.
        send: writes to it.
        seen: told method and target of each request that passes by.

    Raises:
        ConnectionBrokenError: nothing listens there, or it broke.
        ConnectionError: the client has gone.
    """
    try:
        opening = asyncio.open_connection(*backend)
        reader, writer = await asyncio.wait_for(opening, _CONNECT)
    except (OSError, TimeoutError) as error:
        raise ConnectionBrokenError("connect: connection refused") from error
    outward = asyncio.ensure_future(_outward(receive, writer, seen))
    inward = asyncio.ensure_future(_inward(reader, send))
    try:
        await asyncio.wait({outward, inward}, return_when=asyncio.FIRST_COMPLETED)
        if outward.done():
            # The client has said all; what is on its way back still has to arrive.
            with suppress(OSError, RuntimeError):
                writer.write_eof()
            await inward
        await inward
    finally:
        for task in (outward, inward):
            task.cancel()
        await asyncio.gather(outward, inward, return_exceptions=True)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _outward(
    receive: Receive, writer: asyncio.StreamWriter, seen: Callable[[str, str], None]
) -> None:
    while data := await receive():
        for match in _REQUEST_LINE.finditer(data):
            seen(match[1].decode(), match[2].decode("latin-1"))
        writer.write(data)
        await writer.drain()


async def _inward(reader: asyncio.StreamReader, send: Send) -> None:
    try:
        while data := await reader.read(_READ):
            await send(data)
    except ConnectionResetError as error:
        raise ConnectionBrokenError("read: connection reset by peer") from error
