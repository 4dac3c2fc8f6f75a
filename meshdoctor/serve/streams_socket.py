"""WebSockets as the API server opens them: a channel byte, then data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from meshdoctor.serve.audit_middleware import note_of
from meshdoctor.serve.streams_refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 32 * 1024
"""Bytes a message, as the kubelet copies them."""
_CLOSE_WAIT = 2.0
"""Seconds a client has to say goodbye."""
_SPDY = "SPDY/3.1"
_NO_SPDY = (
    "SPDY is not served from a recording, so kubectl's port-forward is not; its exec is, and so "
    "are clients that forward ports over a WebSocket with v4.channel.k8s.io"
)


def offered(request: web.Request) -> list[str]:
    """Subprotocols that the client offers, the one it likes best first."""
    return [
        word
        for value in request.headers.getall("Sec-WebSocket-Protocol", ())
        for part in value.split(",")
        if (word := part.strip())
    ]


def chosen(request: web.Request, served: Sequence[str]) -> str:
    """The subprotocol to speak; empty where the client offers none.

    Args:
        request: the upgrade.
        served: what this server speaks, the best first.

    Raises:
        RefusedError: the request is no WebSocket, or they have none in common.
    """
    if request.headers.get("Upgrade", "").lower() != "websocket":
        if request.headers.get("Upgrade", "").startswith(_SPDY):
            raise RefusedError(400, _NO_SPDY)
        raise RefusedError(400, "Upgrade request required")
    offers = offered(request)
    if not offers:
        return ""
    for protocol in served:
        if protocol in offers:
            return protocol
    if any(protocol.startswith(_SPDY) for protocol in offers):
        raise RefusedError(400, _NO_SPDY)
    raise RefusedError(
        403,
        f"unable to upgrade: unable to negotiate protocol: client supports {offers}, "
        f"server accepts {list(served)}",
    )


async def open_socket(request: web.Request, protocol: str) -> web.WebSocketResponse:
    """Upgrade.

    Args:
        request: the upgrade.
        protocol: what was chosen; empty for none.
    """
    socket = web.WebSocketResponse(
        protocols=(protocol,) if protocol else (),
        timeout=_CLOSE_WAIT,
        compress=False,
        max_msg_size=0,
    )
    await socket.prepare(request)
    if (note := note_of(request)) is not None:
        note.update(status=101)
    return socket


async def send_channel(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    """Send data on a channel, in pieces as the kubelet does.

    Raises:
        ConnectionError: the client has gone.
    """
    head = bytes((channel,))
    for start in range(0, len(data), CHUNK):
        await socket.send_bytes(head + data[start : start + CHUNK])
