"""Bodies that arrive spoilt: cut, reset, dripping or no JSON at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from meshdoctor.serve.audit_middleware import Unanswered
from meshdoctor.serve.faults_spec import FaultKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshdoctor.serve.faults_spec import Fault

GARBAGE = b"<html><body>\xff\xfe gateway is asleep"
"""What a proxy in between might answer."""
_LINGER = struct.pack("ii", 1, 0)


def half(body: bytes) -> bytes:
    """The first half of a body, never all of it."""
    return body[: len(body) // 2]


async def drip(body: bytes, fault: Fault, write: Callable[[bytes], Awaitable[None]]) -> None:
    """Write a body a few bytes at a time.

    Args:
        body: all of it.
        fault: says how many bytes, and the pause between them.
        write: sends some bytes.
    """
    for start in range(0, len(body), fault.size):
        await write(body[start : start + fault.size])
        await asyncio.sleep(fault.seconds)


def reset(request: web.Request) -> Unanswered:
    """Reset the connection: the client's system sees RST, not the end of a stream."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()
    return Unanswered()


def _copy_of(answer: web.StreamResponse) -> web.StreamResponse:
    spoilt = web.StreamResponse(status=answer.status, reason=answer.reason)
    spoilt.content_type = answer.content_type
    return spoilt


async def spoil(
    request: web.Request, answer: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    """Send an answer the way the fault has it.

    Args:
        request: what was asked.
        answer: what would be answered; one that is already on its way is left alone.
        fault: one of the body.
    """
    if not isinstance(answer, web.Response) or answer.prepared:
        return answer
    body = answer.body
    content = bytes(body) if isinstance(body, bytes | bytearray | memoryview) else b""
    if fault.kind in {FaultKind.CUT, FaultKind.GARBAGE}:
        answer.body = half(content) if fault.kind is FaultKind.CUT else GARBAGE
        return answer
    spoilt = _copy_of(answer)
    spoilt.content_length = len(content)
    spoilt.force_close()
    await spoilt.prepare(request)
    if fault.kind is FaultKind.DRIP:
        # A client may have had enough of it.
        with suppress(ConnectionError):
            await drip(content, fault, spoilt.write)
        return spoilt
    await spoilt.write(half(content))
    if fault.kind is FaultKind.RESET_BODY:
        # Else the reset overtakes what was written.
        await asyncio.sleep(0.02)
        reset(request)
    elif request.transport is not None:
        request.transport.close()
    return spoilt


async def spoiled_watch(request: web.Request, fault: Fault) -> web.StreamResponse:
    """A watch whose first event is spoilt."""
    stream = web.StreamResponse()
    stream.content_type = "application/json"
    stream.force_close()
    await stream.prepare(request)
    event = b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name"'
    if fault.kind is FaultKind.GARBAGE:
        await stream.write(GARBAGE + b"\n")
    elif fault.kind is FaultKind.DRIP:
        with suppress(ConnectionError):
            await drip(event, fault, stream.write)
    else:
        await stream.write(event)
    if fault.kind is FaultKind.RESET_BODY:
        await asyncio.sleep(0.02)
        reset(request)
    elif fault.kind is FaultKind.TRUNCATE and request.transport is not None:
        request.transport.close()
    return stream
