"""HTTP/1.1 over a forwarded port: keep-alive and pipelining, by h11."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

from meshdoctor.serve.faults_body import GARBAGE, drip, half
from meshdoctor.serve.faults_spec import FaultKind

if TYPE_CHECKING:
    from meshdoctor.serve.admin_reply import AdminReply
    from meshdoctor.serve.faults import Effect
    from meshdoctor.serve.faults_spec import Fault

Receive = Callable[[], Awaitable[bytes]]
"""The next bytes of the client; empty when it sends no more."""
Send = Callable[[bytes], Awaitable[None]]
_MAX_TARGET = 16 * 1024


class ConnectionBrokenError(Exception):
    """The server's end breaks the connection; the message is what the kubelet says of it."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers the requests of one connection."""

    reply: Callable[[str, str], AdminReply]
    """Method and target to answer."""
    effect: Callable[[str, str], Effect]
    """Method and target to what befalls the request; also where it is written down."""
    chunked: bool
    """Envoy's admin sends chunks; istiod, the agent and ztunnel a Content-Length."""


async def serve_http(receive: Receive, send: Send, answerer: Answerer) -> None:
    """Answer requests until the client has no more, or asks to close.

    Args:
        receive: reads from the client.
        send: writes to it.
        answerer: makes the answers.

    Raises:
        ConnectionBrokenError: a fault breaks the connection.
        ConnectionError: the client has gone.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_TARGET)
    while True:
        try:
            request = await _next_request(connection, receive)
        except h11.RemoteProtocolError as error:
            text = f"{error}\n".encode()
            await send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n")
            await send(b"content-length: %d\r\n\r\n" % len(text) + text)
            return
        if request is None:
            return
        await _answer(connection, request, send, answerer)
        if connection.our_state is h11.MUST_CLOSE or connection.their_state is h11.CLOSED:
            return
        connection.start_next_cycle()


async def _next_request(connection: h11.Connection, receive: Receive) -> h11.Request | None:
    """The next whole request; None when the client has no more."""
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await receive())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed):
            return None


async def _answer(
    connection: h11.Connection, request: h11.Request, send: Send, answerer: Answerer
) -> None:
    method, target = request.method.decode(), request.target.decode("latin-1")
    effect = answerer.effect(method, target)
    if effect.delay:
        await asyncio.sleep(effect.delay)
    fault = effect.fault
    if fault is not None and fault.kind is FaultKind.SILENT:
        await asyncio.Event().wait()
    if fault is not None and fault.kind is FaultKind.RESET:
        raise ConnectionBrokenError("read: connection reset by peer")
    reply = answerer.reply(method, target)
    status, body = reply.status, b"" if method == "HEAD" else reply.body
    if fault is not None:
        status, body = _spoilt(fault, status, body)
    chunked = answerer.chunked and (fault is None or fault.kind is not FaultKind.TRUNCATE)
    headers = [("Content-Type", reply.content_type), ("Server", "meshdoctor")]
    if chunked and request.http_version == b"1.1":
        headers.append(("Transfer-Encoding", "chunked"))
    else:
        headers.append(("Content-Length", str(len(body))))
    await _send(connection, send, h11.Response(status_code=status, headers=headers))
    await _send_body(connection, send, body, fault)
    await _send(connection, send, h11.EndOfMessage())


def _spoilt(fault: Fault, status: int, body: bytes) -> tuple[int, bytes]:
    match fault.kind:
        case FaultKind.STATUS:
            return fault.code, b"a fault on demand\n"
        case FaultKind.CUT:
            return status, half(body)
        case FaultKind.GARBAGE:
            return status, GARBAGE
    return status, body


async def _send(connection: h11.Connection, send: Send, event: h11.Event) -> None:
    data = connection.send(event)
    if data:
        await send(data)


async def _send_body(
    connection: h11.Connection, send: Send, body: bytes, fault: Fault | None
) -> None:
    async def write(data: bytes) -> None:
        await _send(connection, send, h11.Data(data=data))

    kind = fault.kind if fault else None
    if fault is not None and kind is FaultKind.DRIP:
        await drip(body, fault, write)
    elif kind in {FaultKind.RESET_BODY, FaultKind.TRUNCATE, FaultKind.DROP}:
        await write(half(body))
        said = "read: connection reset by peer" if kind is FaultKind.RESET_BODY else ""
        raise ConnectionBrokenError(said)
    elif body:
        await write(body)
