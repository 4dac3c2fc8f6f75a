from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.serve.stand_in import V4, Running, StandIn, pod, running, shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEB = "/api/v1/namespaces/shop/pods/web"
SYSTEM = "/api/v1/namespaces/istio-system/pods"


class Forward:
    """The client's end of a port-forward."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.data: dict[int, bytes] = {}
        self.closed = False

    async def send(self, channel: int, data: bytes) -> None:
        await self.socket.send_bytes(bytes((channel,)) + data)

    async def get(self, path: str, channel: int = 0, headers: str = "") -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        await self.send(channel, request.encode())

    async def until(self, channel: int, ending: bytes) -> bytes:
        """Read until a channel's data ends so, or the other end closes."""
        async with asyncio.timeout(3):
            while not self.data.get(channel, b"").endswith(ending) and not self.closed:
                await self._receive()
        return self.data.pop(channel, b"")

    async def rest(self) -> dict[int, bytes]:
        """Read until the other end closes."""
        async with asyncio.timeout(3):
            while not self.closed:
                await self._receive()
        return self.data

    async def _receive(self) -> None:
        message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            channel = message.data[0]
            self.data[channel] = self.data.get(channel, b"") + message.data[1:]
        else:
            self.closed = True


@asynccontextmanager
async def forward(
    server: Running, *ports: int, path: str = WEB, protocols: tuple[str, ...] = (V4,)
) -> AsyncIterator[Forward]:
    query = [("ports", str(port)) for port in ports]
    url = f"{server.url}{path}/portforward"
    async with server.session.ws_connect(url, params=query, protocols=protocols) as socket:
        yield Forward(socket)


def head(port: int) -> bytes:
    return port.to_bytes(2, "little")


async def test_each_channel_begins_with_its_port() -> None:
    async with running(shop()) as server, forward(server, 15000, 15021) as opened:
        for channel, port in ((0, 15000), (1, 15000), (2, 15021), (3, 15021)):
            assert await opened.until(channel, head(port)) == head(port)
        assert server.audit.requests[0].ports == (15000, 15021)
        assert server.audit.requests[0].status == 101


async def test_a_connection_is_kept_alive_and_requests_may_be_pipelined() -> None:
    async with running(shop()) as server, forward(server, 15000) as opened:
        await opened.until(0, head(15000))
        request = b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
        await opened.send(0, request + request[:10])
        first = await opened.until(0, b"0\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 200 ")
        assert b"server.live: 1\n" in first
        await opened.send(0, request[10:] + b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        both = await opened.until(0, b"LIVE\n\r\n0\r\n\r\n")
        assert both.count(b"HTTP/1.1 200 ") == 2
        admin = server.audit.requests[0].admin
        assert [(one.port, one.method, one.path) for one in admin] == [
            (15000, "GET", "/stats"),
            (15000, "GET", "/stats"),
            (15000, "GET", "/ready"),
        ]


async def test_a_client_that_asks_to_close_gets_the_answer_and_the_end() -> None:
    async with running(shop()) as server, forward(server, 15021) as opened:
        await opened.get("/healthz/ready", headers="Connection: close\r\n")
        data = await opened.rest()
        assert b"HTTP/1.1 200 " in data[0]
        assert data[1] == head(15021)


async def test_istiods_and_ztunnels_ports_answer_too() -> None:
    async with running(shop()) as server:
        async with forward(server, 15014, 8080, path=f"{SYSTEM}/istiod-1") as opened:
            await opened.get("/debug/syncz")
            assert (await opened.until(0, b"[]")).endswith(b"\r\n\r\n[]")
            await opened.get("/ready", channel=2)
            assert b"HTTP/1.1 200 " in await opened.until(2, b"\r\n\r\n")
        async with forward(server, 15000, 15020, path=f"{SYSTEM}/ztunnel-1") as opened:
            await opened.get("/config_dump")
            assert b'{"workloads":[]}' in await opened.until(0, b"}")
            await opened.get("/metrics", channel=2)
            assert b"up 1\n" in await opened.until(2, b"up 1\n")


@pytest.mark.parametrize("port", [9999, 8080])
async def test_a_port_that_nobody_listens_on_is_refused_on_the_error_channel(port: int) -> None:
    async with running(shop()) as server, forward(server, port) as opened:
        data = await opened.rest()
    assert data[0] == head(port)
    said = data[1][2:].decode()
    assert said.startswith(f"error forwarding port {port} to pod web_shop, uid u-1: ")
    assert said.endswith(f"dial tcp4 127.0.0.1:{port}: connect: connection refused")


async def test_a_proxy_that_the_recording_lacks_refuses_connections() -> None:
    mesh = StandIn([pod()])
    async with running(mesh) as server, forward(server, 15000) as opened:
        assert b"connection refused" in (await opened.rest())[1]


async def test_a_file_that_could_not_be_read_is_an_error_with_the_recorded_reason() -> None:
    mesh = shop()
    mesh.problems["proxies/shop/web/certs.json"] = "the pod was busy"
    async with running(mesh) as server, forward(server, 15000) as opened:
        await opened.get("/certs")
        answer = await opened.until(0, b"0\r\n\r\n")
    assert b"HTTP/1.1 503 " in answer
    assert b"the pod was busy" in answer


async def test_a_post_changes_nothing_and_is_audited_as_a_write() -> None:
    async with running(shop()) as server, forward(server, 15000) as opened:
        await opened.send(0, b"POST /quitquitquit HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 405 " in await opened.until(0, b"0\r\n\r\n")
        assert server.audit.writes()


async def test_what_is_no_http_is_a_bad_request() -> None:
    async with running(shop()) as server, forward(server, 15000) as opened:
        await opened.send(0, b"\x16\x03\x01 hello\r\n\r\n")
        assert b"HTTP/1.1 400 " in (await opened.rest())[0]


@pytest.mark.parametrize("query", ["", "?ports=0", "?ports=70000", "?ports=x", "?ports=1,"])
async def test_ports_that_are_none_are_refused(query: str) -> None:
    async with running(shop()) as server:
        url = f"{server.url}{WEB}/portforward{query}"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await server.session.ws_connect(url, protocols=(V4,))
    assert caught.value.status == 400


async def test_kubectls_spdy_is_refused_in_words() -> None:
    async with running(shop()) as server:
        url = f"{server.url}{WEB}/portforward?ports=15000"
        headers = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}
        async with server.session.post(url, headers=headers) as answer:
            status = await answer.json()
        assert status["code"] == 400
        assert "SPDY is not served from a recording" in status["message"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await server.session.ws_connect(url, protocols=("SPDY/3.1+portforward.k8s.io",))


async def test_the_servers_one_protocol_is_chosen_among_those_offered() -> None:
    async with running(shop()) as server:
        offers = ("v5.channel.k8s.io", V4)
        async with forward(server, 15000, protocols=offers) as opened:
            assert opened.socket.protocol == V4


@asynccontextmanager
async def real_server() -> AsyncIterator[tuple[str, int]]:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=f"really {request.path_qs}")

    app = web.Application()
    app.router.add_get("/{rest:.*}", hello)
    async with TestServer(app, host="127.0.0.1") as server:
        yield "127.0.0.1", server.port or 0


async def test_a_real_server_stands_behind_a_port() -> None:
    async with real_server() as backend:
        backends = {("shop", "web", 15000): backend}
        async with running(shop(), backends=backends) as server:
            async with forward(server, 15000, 15021) as opened:
                await opened.get("/stats?x=1")
                assert b"really /stats?x=1" in await opened.until(0, b"x=1")
                await opened.get("/again")
                assert b"really /again" in await opened.until(0, b"again")
                await opened.get("/healthz/ready", channel=2)
                assert b" 200 " in await opened.until(2, b"\r\n\r\n")
            paths = [one.path for one in server.audit.requests[0].admin]
            assert paths == ["/stats?x=1", "/again", "/healthz/ready"]


async def test_a_real_server_that_is_gone_refuses_connections() -> None:
    async with real_server() as backend:
        pass
    backends = {("shop", "web", 15000): backend}
    async with running(shop(), backends=backends) as server, forward(server, 15000) as opened:
        await opened.get("/stats")
        assert b"connection refused" in (await opened.rest())[1]


async def test_a_silent_proxy_opens_and_never_answers() -> None:
    async with running(shop(), "silent:proxy:shop/w*") as server:
        async with forward(server, 15000) as opened:
            await opened.until(0, head(15000))
            await opened.get("/stats")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await opened.until(0, b"never")
        async with forward(server, 15014, path=f"{SYSTEM}/istiod-1") as opened:
            await opened.get("/version")
            assert b"1.32.0" in await opened.until(0, b"1.32.0\n")


async def test_a_connection_that_is_reset_ends_with_an_error() -> None:
    async with running(shop(), "reset:proxy") as server, forward(server, 15000) as opened:
        await opened.get("/stats")
        data = await opened.rest()
    assert data[0] == head(15000)
    assert data[1].endswith(b"connection reset by peer")


async def test_a_truncated_answer_is_shorter_than_its_content_length() -> None:
    mesh = shop()
    mesh.files["proxies/shop/web/clusters.json"] = b"x" * 1000
    async with running(mesh, "truncate:proxy") as server, forward(server, 15000) as opened:
        await opened.get("/clusters?format=json")
        answer = (await opened.rest())[0]
    assert b"Content-Length: 1000\r\n" in answer
    assert answer.count(b"x" * 10) < 60


async def test_a_spoilt_answer_is_whole_http() -> None:
    async with running(shop(), "cut:proxy", "garbage:istiod", "status:500:ztunnel") as server:
        async with forward(server, 15000) as opened:
            await opened.get("/clusters?format=json")
            answer = await opened.until(0, b"0\r\n\r\n")
            assert b'{"cluster_s\r\n' in answer
        async with forward(server, 15014, path=f"{SYSTEM}/istiod-1") as opened:
            await opened.get("/debug/syncz")
            assert b"asleep" in await opened.until(0, b"asleep")
        async with forward(server, 15000, path=f"{SYSTEM}/ztunnel-1") as opened:
            await opened.get("/config_dump")
            assert b"HTTP/1.1 500 " in await opened.until(0, b"demand\n")


async def test_port_forward_may_be_refused_everywhere() -> None:
    async with running(shop(), "status:400:pods/portforward") as server:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with forward(server, 15000):
                pass
        assert caught.value.status == 400
        server.faults.set("deny:*:pods/portforward")
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with forward(server, 15000):
                pass
        assert caught.value.status == 403


async def test_a_forward_can_be_dropped() -> None:
    spec = "drop:pods/portforward:after=100ms"
    async with running(shop(), spec) as server, forward(server, 15000) as opened:
        assert (await opened.rest())[0] == head(15000)
