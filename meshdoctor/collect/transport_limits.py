"""How much a transport asks at once, how long it waits, and how much it takes in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one transport; all times are in seconds."""

    in_flight: int = 32
    """Requests and sockets at once. Sockets leave an eighth of them to requests."""
    connect: float = 10.0
    """To look a name up, connect and shake hands."""
    request: float = 20.0
    """For one try, its body included; a body earns more time as it arrives (see slowest)."""
    slowest: int = 256 * 1024
    """Bytes of a body that earn a second more: a slow link ends, a dripping server does not."""
    tries: int = 4
    """How often a request is tried at most; aiohttp repeats a GET by itself when a kept connection
    turns out to be closed."""
    longest_wait: float = 10.0
    """Between two tries at most, whatever ``Retry-After`` says."""
    patience: float = 60.0
    """No further try begins after this long."""
    body: int = 256 * 1024 * 1024
    """Bytes of one answer at most: 500 objects of the largest size that etcd usually holds."""
    socket_silence: float = 30.0
    """Without a message on a socket that is read from."""
    socket_message: int = 64 * 1024 * 1024
    """Bytes of one message of a socket at most; a kubelet sends 32 KiB at a time."""
    watch_silence: float = 330.0
    """Without a byte on a watch; API servers send a bookmark every minute."""
    line: int = 64 * 1024 * 1024
    """Bytes of one line of a watch at most."""


class Slots:
    """Who may be in flight: first come, first served."""

    def __init__(self, in_flight: int) -> None:
        """All are free.

        Args:
            in_flight: how many requests and sockets there may be at once.
        """
        # A socket is held while its holder may send requests: these must always find a slot.
        self._sockets = asyncio.Semaphore(max(1, in_flight - max(1, in_flight // 8)))
        self._all = asyncio.Semaphore(max(1, in_flight))
        self._share = in_flight > 1

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """A slot for one try of a request."""
        async with self._all:
            yield

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[None]:
        """A slot for a socket as long as it is open."""
        async with self._sockets:
            if not self._share:
                yield
                return
            async with self._all:
                yield
