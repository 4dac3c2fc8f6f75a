"""The one way to an API server: what is on the allow-list, bounded in time, number and size."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp

from meshdoctor import __version__
from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.allow_list import allow_get, allow_review, allow_socket
from meshdoctor.collect.api import Answer, ReadError
from meshdoctor.collect.retry import trying
from meshdoctor.collect.transport_body import read_lines
from meshdoctor.collect.transport_clock import ServerClock
from meshdoctor.collect.transport_failure import UnreachableError, failure
from meshdoctor.collect.transport_limits import Limits, Slots
from meshdoctor.collect.transport_login import LoginDesk
from meshdoctor.collect.transport_names import Names
from meshdoctor.collect.transport_refusal import refusal
from meshdoctor.collect.transport_sockets import Sockets
from meshdoctor.collect.transport_wire import Request, Wire
from meshdoctor.collect.websocket import PodSocket, keep_refusal

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Mapping,
        Sequence,
    )
    from datetime import datetime

    from meshdoctor.collect.access import Access
    from meshdoctor.collect.credentials import Login

T = TypeVar("T")
_UNAUTHORIZED = 401
_MAY_NOT_ASK = (403, 404)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_JSON = "application/json"


class Transport:
    """A KubeApi over aiohttp: keep-alive connections, one pool, one TLS context per login."""

    def __init__(self, access: Access, limits: Limits, session: aiohttp.ClientSession) -> None:
        """Use ``Transport.open``."""
        self._access = access
        self._limits = limits
        self._slots = Slots(limits.in_flight)
        self._clock = ServerClock()
        self._desk = LoginDesk(access)
        self._wire = Wire(access, limits, session, self._clock)
        # Packing costs both ends more than a loopback connection gains.
        near = urlsplit(access.server).hostname in _LOOPBACK and access.proxy is None
        self._encodings = "identity" if near else "gzip"

    @classmethod
    @asynccontextmanager
    async def open(cls, access: Access, limits: Limits | None = None) -> AsyncIterator[Self]:
        """Open a transport; no connection is made before the first request.

        Args:
            access: the cluster.
            limits: of time, number and size.

        Yields:
            The transport, closed with all its connections when the block ends.
        """
        chosen = limits or Limits()
        sockets = Sockets()
        try:
            async with _session(chosen, sockets) as session:
                yield cls(access, chosen, session)
        finally:
            await sockets.close()

    def now(self) -> datetime:
        """The API server's clock; this machine's before the first answer."""
        return self._clock.now()

    async def reach(self) -> Answer | None:
        """See whether the server can be reached and lets one in, by ``GET /version``.

        Returns:
            Its version; None when it may not be asked for that.

        Raises:
            AccessError: the server cannot be reached, or refuses the login.
        """
        try:
            return await self.get("/version")
        except ReadError as error:
            if error.http_status in _MAY_NOT_ASK:
                return None
            named = isinstance(error, UnreachableError) or self._access.server in error.reason
            words = error.reason if named else f"{self._access.server} answers: {error.reason}"
            raise AccessError(words) from None

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        """GET one path.

        Raises:
            ReadError: no whole answer with status 200 came.
        """
        allow_get(path, query or {}, accept)
        headers = (("Accept", accept or _JSON), ("Accept-Encoding", self._encodings))
        request = Request("GET", path, tuple((query or {}).items()), headers)
        return await self._trying(lambda login: self._ask(request, login))

    async def review(self, path: str, body: bytes) -> Answer:
        """POST a self-subject review, which stores nothing and may be tried again.

        Raises:
            ReadError: as for get.
        """
        allow_review(path)
        headers = (("Accept", _JSON), ("Content-Type", _JSON))
        request = Request("POST", path, (), headers, body)
        return await self._trying(lambda login: self._ask(request, login))

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """GET line by line while it goes on; a slot is held until it begins, and no longer.

        Raises:
            ReadError: it could not be opened, or broke.
        """
        allow_get(path, query)
        headers = (("Accept", _JSON), ("Accept-Encoding", "identity"))
        request = Request("GET", path, tuple(query.items()), headers)
        response = await self._trying(lambda login: self._begin(request, login))
        try:
            async for line in read_lines(response.content, self._limits):
                yield line
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error, self._access, self._limits.watch_silence) from None
        finally:
            response.close()

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[PodSocket]:
        """Open a WebSocket to a pod; a slot is held as long as it is open.

        Raises:
            ReadError: it was refused.
        """
        ports = allow_socket(path, query, subprotocols)
        request = Request("GET", path, tuple(query), ())
        async with self._slots.socket():
            connection = await self._trying(
                lambda login: self._wire.upgrade(request, subprotocols, login)
            )
            socket = PodSocket(connection, ports, self._limits)
            try:
                yield socket
            finally:
                await socket.close()

    async def _ask(self, request: Request, login: Login) -> Answer:
        async with self._slots.request():
            return await self._wire.ask(request, login)

    async def _begin(self, request: Request, login: Login) -> aiohttp.ClientResponse:
        async with self._slots.request():
            return await self._wire.begin(request, login)

    async def _trying(self, send: Callable[[Login], Awaitable[T]]) -> T:
        return await trying(lambda: self._as_oneself(send), self._limits)

    async def _as_oneself(self, send: Callable[[Login], Awaitable[T]]) -> T:
        """Send with the current login; once more with a newer one when it is refused."""
        login = await self._desk.current()
        try:
            return await send(login)
        except ReadError as error:
            if error.http_status != _UNAUTHORIZED:
                raise self._desk.without_secrets(error, login) from None
            newer = await self._desk.renewed(login, error)
        try:
            return await send(newer)
        except ReadError as error:
            if error.http_status == _UNAUTHORIZED:
                raise self._desk.refused(newer, error) from None
            raise self._desk.without_secrets(error, newer) from None


async def _no_redirect(_: object, __: object, what: aiohttp.TraceRequestRedirectParams) -> None:
    """For WebSockets, whose redirects aiohttp would follow to wherever they lead."""
    what.response.close()
    raise refusal(what.response.status, what.response.headers, b"")


def _session(limits: Limits, sockets: Sockets) -> aiohttp.ClientSession:
    traces = aiohttp.TraceConfig()
    traces.on_request_redirect.append(_no_redirect)
    connector = aiohttp.TCPConnector(
        limit=0, ttl_dns_cache=300, resolver=Names(), socket_factory=sockets.make
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
        headers={"User-Agent": f"meshdoctor/{__version__}"},
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
        trust_env=False,
        raise_for_status=keep_refusal,
        trace_configs=[traces],
        read_bufsize=256 * 1024,
    )
