"""Read bodies: bounded in size, and in time by what arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meshdoctor.collect.read_reasons import failed, timed_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import StreamReader

    from meshdoctor.collect.transport_limits import Limits

_REFUSAL = 64 * 1024
"""Bytes of a refusal that are read; a Status has a few hundred."""


async def read_body(content: StreamReader, alarm: asyncio.Timeout, limits: Limits) -> bytes:
    """All of a body.

    Args:
        content: where it arrives.
        alarm: rings when the time is up; put off as bytes arrive.
        limits: how many bytes there may be, and how many earn a second.

    Raises:
        ReadError: it is too large.
    """
    parts: list[bytes] = []
    size, end = 0, alarm.when() or 0.0
    async for chunk in content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > limits.body:
            raise failed(f"the answer is larger than {limits.body / 2**20:g} MiB")
        alarm.reschedule(end + size / limits.slowest)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_some(content: StreamReader) -> bytes:
    """The beginning of a refusal's body."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) >= _REFUSAL:
            break
    return bytes(body[:_REFUSAL])


async def read_lines(content: StreamReader, limits: Limits) -> AsyncIterator[bytes]:
    """The lines of a body as they arrive, without their ends.

    Args:
        content: where it arrives.
        limits: how long a line may be, and how long silence may last.

    Raises:
        ReadError: a line is too long, or nothing came for too long.
    """
    rest = bytearray()
    while True:
        try:
            async with asyncio.timeout(limits.watch_silence):
                chunk = await content.readany()
        except TimeoutError:
            raise timed_out(f"nothing came for {limits.watch_silence:g}s") from None
        if not chunk:
            break
        # Only what is new can hold the end of a line.
        whole, end, tail = chunk.rpartition(b"\n")
        if end:
            for line in (bytes(rest) + whole).split(b"\n"):
                if line:
                    yield line
            rest.clear()
        rest += tail
        if len(rest) > limits.line:
            raise failed(f"a line is longer than {limits.line / 2**20:g} MiB")
    if rest:
        yield bytes(rest)
