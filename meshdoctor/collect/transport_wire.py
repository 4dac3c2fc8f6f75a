"""Single exchanges with an API server: sent once, with one login, and told in ReadErrors.

Nothing here asks the allow-list: Transport does, and nothing else may use this module.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from meshdoctor.collect.api import Answer, ReadError
from meshdoctor.collect.transport_body import read_body, read_some
from meshdoctor.collect.transport_clock import read_date
from meshdoctor.collect.transport_failure import failure
from meshdoctor.collect.transport_refusal import refusal
from meshdoctor.collect.websocket import UpgradeError
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.access import Access
    from meshdoctor.collect.credentials import Login
    from meshdoctor.collect.transport_clock import ServerClock
    from meshdoctor.collect.transport_limits import Limits

_SUCCESS = (200, 201)
_BROKEN = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent, already let through."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None


class Wire:
    """Sends requests and reads answers."""

    def __init__(
        self, access: Access, limits: Limits, session: aiohttp.ClientSession, clock: ServerClock
    ) -> None:
        """Use a session of somebody else's.

        Args:
            access: the cluster.
            limits: of time and size.
            session: opened and closed by Transport.
            clock: is told the date of every answer.
        """
        self._access = access
        self._limits = limits
        self._session = session
        self._clock = clock

    async def ask(self, request: Request, login: Login) -> Answer:
        """Send a request and read its answer whole.

        Raises:
            ReadError: no whole answer came, or it is a refusal.
        """
        limits = self._limits
        try:
            async with (
                asyncio.timeout(limits.request) as alarm,
                await self._send(request, login) as response,
            ):
                date = self._hear(response)
                if response.status not in _SUCCESS:
                    raise await self._refusal(response)
                return Answer(await read_body(response.content, alarm, limits), date)
        except _BROKEN as error:
            raise failure(error, self._access, limits.request) from None

    async def begin(self, request: Request, login: Login) -> aiohttp.ClientResponse:
        """Send a request and leave its body to the caller, who closes the answer.

        Raises:
            ReadError: no answer came, or it is a refusal.
        """
        try:
            async with asyncio.timeout(self._limits.request):
                response = await self._send(request, login)
                self._hear(response)
                if response.status in _SUCCESS:
                    return response
                async with response:
                    raise await self._refusal(response)
        except _BROKEN as error:
            raise failure(error, self._access, self._limits.request) from None

    async def upgrade(
        self, request: Request, subprotocols: Sequence[str], login: Login
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket.

        Raises:
            ReadError: it was refused.
        """
        limits = self._limits
        arguments = self._arguments(login)
        try:
            async with asyncio.timeout(limits.request):
                socket: aiohttp.ClientWebSocketResponse = await self._session.ws_connect(
                    self._url(request),
                    protocols=tuple(subprotocols),
                    max_msg_size=limits.socket_message,
                    # No wait for the other end's goodbye: a kubelet takes a second.
                    timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=0),
                    **arguments,
                )
                return socket
        except UpgradeError as error:
            self._clock.hear(read_date(error.headers.get("Date")))
            found = refusal(error.status, error.headers, error.body)
            if found.status is NotReadStatus.NOT_INSTALLED:
                # Every cluster has these streams: what is not there is the pod, or a way to it.
                found = ReadError(NotReadStatus.FAILED, found.reason, found.http_status)
            raise found from None
        except _BROKEN as error:
            raise failure(error, self._access, limits.request) from None

    def _url(self, request: Request) -> URL:
        # Encoded by hand: yarl would rewrite what the allow-list has looked at.
        tail = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        return URL(f"{self._access.server}{request.path}{tail}", encoded=True)

    def _arguments(self, login: Login, *headers: tuple[str, str]) -> dict[str, Any]:
        access = self._access
        return {
            "headers": (*headers, *access.headers(login)),
            "ssl": access.tls(login) or True,
            "server_hostname": access.tls_server_name,
            "proxy": access.proxy,
        }

    async def _send(self, request: Request, login: Login) -> aiohttp.ClientResponse:
        return await self._session.request(
            request.method,
            self._url(request),
            data=request.body,
            allow_redirects=False,
            raise_for_status=False,
            **self._arguments(login, *request.headers),
        )

    def _hear(self, response: aiohttp.ClientResponse) -> Any:
        date = read_date(response.headers.get("Date"))
        self._clock.hear(date)
        return date

    async def _refusal(self, response: aiohttp.ClientResponse) -> ReadError:
        body = await read_some(response.content)
        return refusal(response.status, response.headers, body)
