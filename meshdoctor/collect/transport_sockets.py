"""The sockets of one session, seen to their end: aiohttp does not wait for TLS goodbyes."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Sequence

_TURN = 0.001
"""Seconds between two looks."""
_TURNS = 100
"""Looks at most: what is not closed by then ends with the process."""


class Sockets:
    """Makes sockets, and closes those that are left.

    A connection that is given up in the middle of an answer (a time-out, a refusal) is closed by
    asyncio once the other end has said goodbye, and a loop that ends before leaves it open.
    """

    def __init__(self) -> None:
        """None was made yet."""
        self._made: WeakSet[socket.socket] = WeakSet()

    def make(self, address: Sequence[Any]) -> socket.socket:
        """A socket for an address, as ``getaddrinfo`` describes it."""
        family, kind, protocol = address[:3]
        made = socket.socket(family=family, type=kind, proto=protocol)
        self._made.add(made)
        return made

    async def close(self) -> None:
        """End every connection that is still there, without waiting for the other end."""
        for one in self._open():
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for _ in range(_TURNS):
            if not self._open():
                return
            await asyncio.sleep(_TURN)

    def _open(self) -> list[socket.socket]:
        return [one for one in self._made if one.fileno() != -1]
