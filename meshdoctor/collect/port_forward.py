"""One TCP connection into a pod, through ``pods/portforward`` over a WebSocket.

As the kubelet has it (pkg/kubelet/cri/streaming/portforward/websocket.go): channel 2i carries the
data of port i and channel 2i+1 its errors, and each begins with the port in two bytes,
little-endian. The stream stays open for about a second after the last byte, so whoever reads has
to know where an answer ends.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from meshdoctor.collect.read_reasons import failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshdoctor.collect.api import KubeApi, Socket

PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_HEADER = 2
"""Bytes of the port that each channel begins with."""


class PortForward:
    """The bytes of one forwarded port."""

    def __init__(self, socket: Socket, port: int) -> None:
        """Take over an open WebSocket.

        Args:
            socket: nothing was sent or received on it yet.
            port: the port that was asked for.
        """
        self._socket = socket
        self._port = port
        self._headers = {_DATA: b"", _ERROR: b""}

    async def send(self, data: bytes) -> None:
        """Send bytes to the pod.

        Raises:
            ReadError: the connection is gone.
        """
        await self._socket.send(bytes((_DATA,)) + data)

    async def receive(self) -> bytes:
        """The next bytes from the pod; empty when it closed the connection.

        Raises:
            ReadError: the pod or the kubelet reports an error, or the connection broke.
        """
        while True:
            message = await self._socket.receive()
            if message is None:
                return b""
            if not message:
                continue
            channel = message[0]
            data = self._without_header(channel, message)
            if not data:
                continue
            if channel == _ERROR:
                raise failed(data)
            if channel == _DATA:
                return data

    def _without_header(self, channel: int, message: bytes) -> bytes:
        seen = self._headers.get(channel)
        if seen is None:
            return b""
        missing = _HEADER - len(seen)
        if not missing:
            return message[1:]
        self._headers[channel] = seen = seen + message[1 : 1 + missing]
        if len(seen) == _HEADER and int.from_bytes(seen, "little") != self._port:
            raise failed(f"port {self._port} was asked for and another one was forwarded")
        return message[1 + missing :]


@asynccontextmanager
async def port_forward(
    api: KubeApi, namespace: str, pod: str, port: int
) -> AsyncIterator[PortForward]:
    """Open a connection to a port of a pod.

    Args:
        api: the cluster.
        namespace: of the pod.
        pod: its name.
        port: a port on the pod's own loopback interface.

    Yields:
        The connection.

    Raises:
        ReadError: the API server or the kubelet refused.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
    async with api.socket(path, [("ports", str(port))], [PROTOCOL]) as socket:
        yield PortForward(socket, port)
