"""The server: a Kubernetes API over TLS on this machine, answered from a recording."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from meshdoctor.serve.audit import Audit
from meshdoctor.serve.audit_middleware import audit_middleware
from meshdoctor.serve.auth import auth_middleware
from meshdoctor.serve.cluster import Cluster
from meshdoctor.serve.control import control_middleware
from meshdoctor.serve.faults import Faults
from meshdoctor.serve.faults_middleware import fault_middleware
from meshdoctor.serve.kubeconfig import context_name, kubeconfig, write_private
from meshdoctor.serve.routes import Routes, refusals
from meshdoctor.serve.streams import add_stream_routes
from meshdoctor.serve.tls import make_tls

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from meshdoctor.serve.admin_backend import Backends
    from meshdoctor.serve.control import Control
    from meshdoctor.serve.mesh import Mesh
    from meshdoctor.serve.object_store import Change

HOST = "127.0.0.1"
_LARGEST_BODY = 16 * 1024 * 1024
_SHUTDOWN = 1.0
"""Seconds that answers under way have to end."""
_BACKLOG = 1024
_TURNS = 3
"""Turns of the loop until a connection that was aborted is gone."""


class Server:
    """A running API server; an async context manager, usable once.

    Example:
        async with Server(Mesh.load(path)) as server:
            server.write_kubeconfig(file)
    """

    def __init__(
        self,
        mesh: Mesh,
        *,
        faults: Faults | None = None,
        audit: Audit | None = None,
        backends: Backends | None = None,
        port: int = 0,
    ) -> None:
        """Nothing listens yet.

        Args:
            mesh: the recording to play.
            faults: what goes wrong on demand; may be changed while the server runs.
            audit: where requests are written down.
            backends: real servers behind ports of pods.
            port: on 127.0.0.1; 0 for any free one.
        """
        self.cluster = Cluster(mesh)
        self.faults = faults if faults is not None else Faults()
        self.audit = audit if audit is not None else Audit()
        self.token = secrets.token_urlsafe(32)
        self.control: Control | None = None
        """A private path beside the API; to be set before it listens."""
        self._backends = backends or {}
        self._port = port
        self._tls = make_tls(HOST)
        self._runner: web.AppRunner | None = None

    @property
    def mesh(self) -> Mesh:
        """The recording that is played."""
        return self.cluster.mesh

    @property
    def url(self) -> str:
        """Where it listens; the port is known once it runs."""
        return f"https://{HOST}:{self._port}"

    @property
    def port(self) -> int:
        """On 127.0.0.1; known once it runs."""
        return self._port

    @property
    def context(self) -> str:
        """The name of its context in the kubeconfig."""
        return context_name(self.mesh.name)

    @property
    def ca_pem(self) -> bytes:
        """The certificate to trust."""
        return self._tls.ca_pem

    @property
    def kubeconfig_text(self) -> str:
        """A kubeconfig with one context, which is the current one."""
        return kubeconfig(self.context, self.url, self.ca_pem, self.token)

    def write_kubeconfig(self, path: Path) -> None:
        """Write the kubeconfig, mode 0600.

        Raises:
            OSError: it cannot be written.
        """
        write_private(path, self.kubeconfig_text)

    def server_time(self) -> datetime:
        """The clock of its ``Date`` header: the recording's, running on."""
        return self.cluster.now()

    def subscribe(self, subscriber: Callable[[Change], None]) -> Callable[[], None]:
        """Be told of each write, in the server's own loop: the seam for controllers.

        Args:
            subscriber: must not raise; it may write in its turn, to ``cluster.store``.

        Returns:
            What ends it.
        """
        return self.cluster.store.subscribe(subscriber)

    def _application(self) -> web.Application:
        middlewares = [
            audit_middleware(self.audit),
            fault_middleware(self.faults),
            auth_middleware(self.token),
            refusals,
        ]
        if self.control is not None:
            middlewares.insert(0, control_middleware(self.control))
        app = web.Application(middlewares=middlewares, client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(self._date)
        add_stream_routes(app, self.cluster, self._backends)
        Routes(self.cluster, self.faults).add_to(app)
        return app

    async def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = self.cluster.clock.http_date()
        response.headers["Server"] = "meshdoctor"

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_SHUTDOWN
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, HOST, self._port, ssl_context=self._tls.context, backlog=_BACKLOG
        )
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every stream, then every connection."""
        if self._runner is None or self._runner.server is None:
            return
        transports = [one.transport for one in self._runner.server.connections]
        await self._runner.cleanup()
        self._runner = None
        for transport in transports:
            # A TLS connection that is closed waits for the client's farewell: not here.
            if transport is not None:
                transport.abort()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
