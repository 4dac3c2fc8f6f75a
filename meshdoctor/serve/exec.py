"""``pods/exec`` over WebSocket (k8s.io/kubelet's remotecommand, channel.k8s.io subprotocols)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from meshdoctor.serve.admin_backend import fetch
from meshdoctor.serve.exec_command import (
    AdminGet,
    Outcome,
    QuitProxy,
    not_running,
    outcome_of,
    play,
    read_command,
    refused,
    unchanged,
)
from meshdoctor.serve.faults_body import GARBAGE, drip, half, reset
from meshdoctor.serve.faults_middleware import faults_of
from meshdoctor.serve.faults_spec import FaultKind
from meshdoctor.serve.streams_end import until_over, while_open
from meshdoctor.serve.streams_pod import container_of, find_pod, need_host
from meshdoctor.serve.streams_refusal import RefusedError, status_response
from meshdoctor.serve.streams_socket import chosen, open_socket, send_channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from meshdoctor.serve.admin_backend import Backends
    from meshdoctor.serve.faults import Effect
    from meshdoctor.serve.streams_pod import Pod, PodFiles

PROTOCOLS = tuple(f"{version}channel.k8s.io" for version in ("v5.", "v4.", "v3.", "v2.", ""))
"""v5 adds the closing of single channels, v4 a Status on the error channel."""
STDOUT, STDERR, ERROR = 1, 2, 3
_TRUE = frozenset({"1", "true"})


def exec_handler(
    mesh: PodFiles, backends: Backends
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of ``…/pods/{pod}/exec``.

    Args:
        mesh: the recording that is played.
        backends: real servers behind ports of pods.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            pod = find_pod(mesh, request.match_info["namespace"], request.match_info["pod"])
            container = container_of(pod, request.query.get("container", ""))
            need_host(mesh, pod)
            protocol = chosen(request, PROTOCOLS)
        except RefusedError as error:
            return status_response(error.status)
        socket = await open_socket(request, protocol)
        execution = _Execution(mesh, backends, request, socket, protocol)
        work = asyncio.ensure_future(execution.run(pod, container))
        # Somebody has to read, else the client's goodbye is never seen.
        reading = asyncio.ensure_future(_read(socket))
        await while_open(request, _first(work, reading))
        if not socket.closed:
            await socket.close()
        return socket

    return handler


async def _read(socket: web.WebSocketResponse) -> None:
    """Take what the client sends; no command here reads its input."""
    async for _ in socket:
        pass


async def _first(work: asyncio.Future[None], reading: asyncio.Future[None]) -> None:
    try:
        await asyncio.wait({work, reading}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in (work, reading):
            task.cancel()
        await asyncio.gather(work, reading, return_exceptions=True)


class _Execution:
    """One command in one container."""

    def __init__(
        self,
        mesh: PodFiles,
        backends: Backends,
        request: web.Request,
        socket: web.WebSocketResponse,
        protocol: str,
    ) -> None:
        self._mesh = mesh
        self._backends = backends
        self._request = request
        self._socket = socket
        self._protocol = protocol

    async def run(self, pod: Pod, container: str) -> None:
        """Execute, and send what comes of it."""
        command = self._request.query.getall("command", [])
        read = not_running(pod, container) or read_command(pod, container, command)
        if isinstance(read, Outcome):
            await self._send(read)
            return
        if isinstance(read, QuitProxy):
            done = self._mesh.quit_proxy(pod.namespace, pod.name)
            await self._send(Outcome(stdout=b"OK\n\n") if done else unchanged("POST"))
            return
        faults = faults_of(self._request)
        if faults is None:
            await self._send(await self._answer(pod, container, read))
            return
        effect = faults.for_admin(pod.role, pod.namespace, pod.name, read.path)
        await asyncio.sleep(effect.delay)
        await self._send_with(effect, pod, container, read)

    async def _answer(self, pod: Pod, container: str, get: AdminGet) -> Outcome:
        backend = self._backends.get((pod.namespace, pod.name, get.port))
        if backend is not None:
            reply = await fetch(backend, get.path)
            return refused(get) if reply is None else outcome_of(reply)
        played = play(self._mesh, pod, container, get)
        return played if isinstance(played, Outcome) else outcome_of(played)

    async def _send_with(self, effect: Effect, pod: Pod, container: str, get: AdminGet) -> None:
        """Answer as the fault has it."""
        fault = effect.fault
        if fault is not None and fault.kind is FaultKind.SILENT:
            await until_over(self._request)
            return
        if fault is not None and fault.kind is FaultKind.RESET:
            reset(self._request)
            return
        outcome = await self._answer(pod, container, get)
        if fault is None:
            await self._send(outcome)
            return
        match fault.kind:
            case FaultKind.STATUS:
                text = f"received unsuccessful status code {fault.code}: "
                await self._send(Outcome(stderr=f"Error: {text}\n".encode(), exit_code=255))
            case FaultKind.CUT:
                await self._send(Outcome(half(outcome.stdout)))
            case FaultKind.GARBAGE:
                await self._send(Outcome(GARBAGE))
            case FaultKind.DRIP:
                await drip(outcome.stdout, fault, self._stdout)
                await self._send(Outcome(exit_code=outcome.exit_code))
            case FaultKind.RESET_BODY | FaultKind.TRUNCATE | FaultKind.DROP:
                await self._stdout(half(outcome.stdout))
                if fault.kind is FaultKind.RESET_BODY:
                    await asyncio.sleep(0.02)
                    reset(self._request)

    async def _stdout(self, data: bytes) -> None:
        if self._request.query.get("stdout", "").lower() in _TRUE:
            await send_channel(self._socket, STDOUT, data)

    async def _send(self, outcome: Outcome) -> None:
        await self._stdout(outcome.stdout)
        if self._request.query.get("stderr", "").lower() in _TRUE:
            await send_channel(self._socket, STDERR, outcome.stderr)
        status = outcome.status()
        if self._protocol.startswith(("v4", "v5")):
            await send_channel(self._socket, ERROR, json.dumps(status).encode())
        elif status["status"] != "Success":
            await send_channel(self._socket, ERROR, status["message"].encode())
