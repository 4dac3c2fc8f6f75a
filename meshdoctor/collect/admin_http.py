"""HTTP/1.1 over a forwarded port: GETs one after another on one connection, by h11.

Requests are not pipelined: Envoy 1.40 closes a connection whose second request comes too early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import h11

from meshdoctor.collect.read_reasons import failed

if TYPE_CHECKING:
    from meshdoctor.collect.api import ReadError

_MOST = 512 * 1024 * 1024
"""Bytes of one answer at most: ten times the dump of the largest proxies."""
_HEADERS = [("Host", "localhost"), ("User-Agent", "meshdoctor"), ("Accept", "*/*")]


class ByteStream(Protocol):
    """A connection that carries bytes both ways."""

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ReadError: the connection is gone.
        """

    async def receive(self) -> bytes:
        """The next bytes; empty when the other end closed.

        Raises:
            ReadError: the connection broke.
        """


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """A whole answer of an HTTP interface inside a pod."""

    status: int
    body: bytes


class AdminHttp:
    """A client of one connection. It knows the end of each answer and never waits for more."""

    def __init__(self, stream: ByteStream) -> None:
        """Speak HTTP over a connection.

        Args:
            stream: nothing was sent over it yet.
        """
        self._stream = stream
        self._connection = h11.Connection(h11.CLIENT)

    @property
    def is_reusable(self) -> bool:
        """Whether another request can be sent on this connection."""
        return self._connection.our_state is h11.IDLE

    async def get(self, target: str) -> AdminAnswer:
        """GET one path.

        Args:
            target: path and query, from the slash on.

        Raises:
            ReadError: no whole answer came.
        """
        connection = self._connection
        request = h11.Request(method="GET", target=target, headers=_HEADERS)
        data = connection.send(request) or b""
        await self._stream.send(data + (connection.send(h11.EndOfMessage()) or b""))
        try:
            answer = await self._answer()
        except h11.RemoteProtocolError as error:
            raise _broken(error) from None
        if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            connection.start_next_cycle()
        return answer

    async def _answer(self) -> AdminAnswer:
        status, parts, size = 0, list[bytes](), 0
        connection = self._connection
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await self._stream.receive())
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                size += len(event.data)
                if size > _MOST:
                    raise failed(f"the answer is larger than {_MOST // 2**20} MiB")
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                return AdminAnswer(status, parts[0] if len(parts) == 1 else b"".join(parts))
            elif isinstance(event, h11.ConnectionClosed):
                raise failed("the connection was closed before an answer came")


def _broken(error: h11.RemoteProtocolError) -> ReadError:
    words = str(error)
    if "without sending complete" in words:
        return failed(f"the answer was cut short: {words}")
    if "can't handle event type ConnectionClosed" in words:
        return failed("the connection was closed before an answer came")
    return failed(f"the answer is not HTTP: {words}")
