"""WebSockets to pods: whole messages, bounded in size and silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientWebSocketResponse, WSCloseCode, WSMsgType

from meshdoctor.collect.allow_list import allow_frame
from meshdoctor.collect.read_reasons import failed, timed_out
from meshdoctor.collect.transport_body import read_some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse

    from meshdoctor.collect.transport_limits import Limits

_SWITCHING = 101


class UpgradeError(ClientError):
    """The server answered instead of switching to WebSocket."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep the answer, which aiohttp would drop.

        Args:
            status: its code.
            headers: of the answer.
            body: the beginning of its body.
        """
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body


async def keep_refusal(response: ClientResponse) -> None:
    """A session's ``raise_for_status``: keeps the Status that says why an upgrade was refused.

    Raises:
        UpgradeError: the answer is anything but a switch of protocols.
    """
    if response.status == _SWITCHING:
        return
    try:
        body = await read_some(response.content)
    finally:
        response.close()
    raise UpgradeError(response.status, response.headers, body)


class PodSocket:
    """One open WebSocket to a pod."""

    def __init__(
        self, connection: ClientWebSocketResponse, ports: frozenset[int], limits: Limits
    ) -> None:
        """Take over an open connection.

        Args:
            connection: nothing was sent or received on it yet.
            ports: that are forwarded; none for a command.
            limits: of time and size.
        """
        self._connection = connection
        self._ports = ports
        self._limits = limits

    @property
    def subprotocol(self) -> str:
        """The subprotocol that the server chose; empty when it chose none."""
        return self._connection.protocol or ""

    async def send(self, data: bytes) -> None:
        """Send one binary message.

        Raises:
            ReadError: the connection is gone, the time is up, or it is not on the allow-list.
        """
        allow_frame(self._ports, data)
        try:
            async with asyncio.timeout(self._limits.request):
                await self._connection.send_bytes(data)
        except TimeoutError:
            raise timed_out(f"the pod took nothing for {self._limits.request:g}s") from None
        except (ClientError, OSError):
            raise failed("the connection to the pod is gone") from None

    async def receive(self) -> bytes | None:
        """The next message; None when the other end closed.

        Raises:
            ReadError: the connection broke, a message is too large, or the time is up.
        """
        try:
            async with asyncio.timeout(self._limits.socket_silence):
                message = await self._connection.receive()
        except TimeoutError:
            raise timed_out(f"nothing came for {self._limits.socket_silence:g}s") from None
        match message.type:
            case WSMsgType.BINARY:
                return bytes(message.data)
            case WSMsgType.TEXT:
                return str(message.data).encode()
            case WSMsgType.ERROR:
                raise failed(f"the connection to the pod broke: {message.data}")
        if self._connection.close_code == WSCloseCode.ABNORMAL_CLOSURE:
            raise failed("the connection to the pod broke")
        return None

    async def close(self) -> None:
        """Say goodbye and leave: a kubelet may take a second to answer."""
        # aiohttp has no public way to a socket's transport.
        held = self._connection._response.connection
        transport = held.transport if held is not None else None
        await self._connection.close()
        if transport is not None:
            # A TLS goodbye takes several turns of a loop, which may be about to end.
            transport.abort()
