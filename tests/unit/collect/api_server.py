"""A TLS server on loopback that says what a test wants it to say, and notes what it was asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from meshdoctor.collect.access import Access, open_access
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from tests.unit.collect.certificates import Pair, authority, server_context

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "a-token-nobody-may-see"
QUICK = Limits(longest_wait=0.05)
"""Waits for slow machines, but never long between two tries."""


@dataclass(frozen=True)
class Options:
    kubeconfig: str | None = None
    context: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    as_uid: str | None = None


@dataclass
class Server:
    """A running server."""

    url: str = ""
    seen: list[web.Request] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.raw_path for request in self.seen]


def status(code: int, message: str, reason: str = "", **more: Any) -> web.Response:
    """A Status as an API server writes it."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
    }
    body |= {"reason": reason, "code": code, **more}
    return web.json_response(body, status=code)


@asynccontextmanager
async def serving(
    handler: Handler,
    folder: Path,
    pair: Pair | None = None,
    *,
    tls: bool = True,
    asks_for_certificates: bool = True,
) -> AsyncIterator[Server]:
    server = Server()

    async def noted(request: web.Request) -> web.StreamResponse:
        server.seen.append(request)
        return await handler(request)

    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{tail:.*}", noted)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    client_ca = authority().pem if asks_for_certificates else b""
    context = server_context(folder, pair, client_ca) if tls else None
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)


def kubeconfig(folder: Path, server: str, user: Any = None, **cluster: Any) -> Path:
    """Write a kubeconfig with one context."""
    entry: dict[str, Any] = {"server": server}
    if server.startswith("https"):
        entry["certificate-authority-data"] = base64.b64encode(authority().pem).decode()
    entry |= {key.replace("_", "-"): value for key, value in cluster.items()}
    entry = {key: value for key, value in entry.items() if value}
    document = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
        "clusters": [{"name": "c", "cluster": entry}],
        "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
    }
    file = folder / "config"
    file.write_bytes(msgspec.yaml.encode(document))
    return file


async def access_to(folder: Path, server: str, user: Any = None, **cluster: Any) -> Access:
    return await open_access(Options(str(kubeconfig(folder, server, user, **cluster))))


@asynccontextmanager
async def talking(
    handler: Handler, folder: Path, limits: Limits = QUICK, user: Any = None
) -> AsyncIterator[tuple[Transport, Server]]:
    """A transport and the server that it asks."""
    async with (
        serving(handler, folder) as server,
        Transport.open(await access_to(folder, server.url, user), limits) as api,
    ):
        yield api, server
