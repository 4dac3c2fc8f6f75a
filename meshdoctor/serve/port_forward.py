"""``pods/portforward`` over WebSocket: channels 2i and 2i+1 carry port i's data and errors.

As the kubelet has it (pkg/kubelet/cri/streaming/portforward/websocket.go): the first message on
each channel is the port in two bytes, little-endian, and the socket closes when every port's
connection is over.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from meshdoctor.serve.admin import ENVOY_ADMIN, admin_reply, is_listening
from meshdoctor.serve.audit_middleware import note_of
from meshdoctor.serve.faults import Effect
from meshdoctor.serve.faults_middleware import faults_of
from meshdoctor.serve.faults_spec import FaultKind
from meshdoctor.serve.port_forward_http import Answerer, ConnectionBrokenError, serve_http
from meshdoctor.serve.port_forward_pipe import pipe
from meshdoctor.serve.streams_end import while_open
from meshdoctor.serve.streams_pod import find_pod, need_host
from meshdoctor.serve.streams_refusal import RefusedError, status_response
from meshdoctor.serve.streams_socket import chosen, open_socket, send_channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiohttp import web

    from meshdoctor.serve.admin_backend import Backends
    from meshdoctor.serve.admin_reply import AdminReply
    from meshdoctor.serve.streams_pod import Pod, PodFiles

PROTOCOLS = ("v4.channel.k8s.io",)
_MAX_PORTS = 100


def ports_of(request: web.Request) -> list[int]:
    """The ports a request names, repeated or with commas.

    Raises:
        RefusedError: none is named, or one is no port.
    """
    words = [word for value in request.query.getall("ports", []) for word in value.split(",")]
    if not words:
        raise RefusedError(400, 'query parameter "ports" is required')
    ports = [int(word) if word.isdecimal() and len(word) < 6 else 0 for word in words]
    for word, port in zip(words, ports, strict=True):
        if not 0 < port < 65536:
            raise RefusedError(400, f'invalid ports "{word}": port must be from 1 to 65535')
    if len(ports) > _MAX_PORTS:
        raise RefusedError(400, f"too many ports: {len(ports)}")
    return ports


def port_forward_handler(
    mesh: PodFiles, backends: Backends
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of ``…/pods/{pod}/portforward``.

    Args:
        mesh: the recording that is played.
        backends: real servers behind ports of pods.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            pod = find_pod(mesh, request.match_info["namespace"], request.match_info["pod"])
            need_host(mesh, pod)
            protocol = chosen(request, PROTOCOLS)
            ports = ports_of(request)
        except RefusedError as error:
            return status_response(error.status)
        socket = await open_socket(request, protocol)
        forwarding = _Forwarding(mesh, backends, request, socket, pod)
        await while_open(request, forwarding.run(ports))
        if not socket.closed:
            await socket.close()
        return socket

    return handler


async def _all(tasks: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.gather(*tasks)


class _Forwarding:
    """The connections of one WebSocket."""

    def __init__(
        self,
        mesh: PodFiles,
        backends: Backends,
        request: web.Request,
        socket: web.WebSocketResponse,
        pod: Pod,
    ) -> None:
        self._mesh = mesh
        self._backends = backends
        self._request = request
        self._socket = socket
        self._pod = pod

    async def run(self, ports: list[int]) -> None:
        """Open every port and carry its data until all are over or the client goes."""
        inboxes: list[asyncio.Queue[bytes]] = [asyncio.Queue() for _ in ports]
        for index, port in enumerate(ports):
            for channel in (2 * index, 2 * index + 1):
                await self._socket.send_bytes(bytes((channel,)) + port.to_bytes(2, "little"))
        reading = asyncio.ensure_future(self._read(inboxes))
        work = [
            asyncio.ensure_future(self._forward(index, port, inboxes[index]))
            for index, port in enumerate(ports)
        ]
        everything = asyncio.ensure_future(_all(work))
        try:
            await asyncio.wait({reading, everything}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, everything, *work):
                task.cancel()
            await asyncio.gather(reading, everything, *work, return_exceptions=True)

    async def _read(self, inboxes: list[asyncio.Queue[bytes]]) -> None:
        """Hand each message to its port; error channels are only ever written to."""
        async for message in self._socket:
            data = message.data
            if message.type is aiohttp.WSMsgType.TEXT:
                data = data.encode()
            channel = data[0] if data else 1
            if channel % 2 == 0 and channel // 2 < len(inboxes) and len(data) > 1:
                inboxes[channel // 2].put_nowait(data[1:])

    async def _forward(self, index: int, port: int, inbox: asyncio.Queue[bytes]) -> None:
        """One port: connect, carry, and say on the error channel what went wrong."""

        async def send(data: bytes) -> None:
            await send_channel(self._socket, 2 * index, data)

        try:
            await self._connect(port, inbox.get, send)
        except ConnectionBrokenError as error:
            if str(error):
                text = (
                    f"error forwarding port {port} to pod {self._pod.name}_{self._pod.namespace}, "
                    f"uid {self._pod.uid}: failed to execute portforward in network namespace: "
                    f"failed to connect to localhost:{port} inside namespace: "
                    f"dial tcp4 127.0.0.1:{port}: {error}"
                )
                await send_channel(self._socket, 2 * index + 1, text.encode())

    async def _connect(
        self,
        port: int,
        receive: Callable[[], Awaitable[bytes]],
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        pod = self._pod
        backend = self._backends.get((pod.namespace, pod.name, port))
        if backend is not None:
            first = await receive()
            await self._befall_backend()

            async def again() -> bytes:
                nonlocal first
                data, first = first, b""
                return data or await receive()

            await pipe(backend, again, send, lambda *seen: self._seen(port, *seen))
            return
        if not is_listening(self._mesh, pod, port):
            raise ConnectionBrokenError("connect: connection refused")
        await serve_http(receive, send, self._answerer(port))

    async def _befall_backend(self) -> None:
        """Of the faults, those that a connection to a real server can have."""
        effect = self._effect("")
        await asyncio.sleep(effect.delay)
        if effect.kind is FaultKind.SILENT:
            await asyncio.Event().wait()
        if effect.kind is FaultKind.RESET:
            raise ConnectionBrokenError("read: connection reset by peer")

    def _seen(self, port: int, method: str, target: str) -> None:
        if (note := note_of(self._request)) is not None:
            note.admin(port, method, target)

    def _effect(self, target: str) -> Effect:
        faults, pod = faults_of(self._request), self._pod
        if faults is None or not pod.role:
            return Effect()
        return faults.for_admin(pod.role, pod.namespace, pod.name, target)

    def _answerer(self, port: int) -> Answerer:
        def reply(method: str, target: str) -> AdminReply:
            return admin_reply(self._mesh, self._pod, port, method, target)

        def effect(method: str, target: str) -> Effect:
            self._seen(port, method, target)
            return self._effect(target)

        chunked = self._pod.role == "proxy" and port == ENVOY_ADMIN
        return Answerer(reply, effect, chunked)
