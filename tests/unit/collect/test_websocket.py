from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from meshdoctor.collect.allow_list import WriteRefused
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.api_server import TOKEN, Handler, access_to, serving, status, talking

FORWARD = "/api/v1/namespaces/shop/pods/web-1/portforward"
EXEC = "/api/v1/namespaces/shop/pods/web-1/exec"
PORTS = [("ports", "15000")]
COMMAND = [
    ("container", "istio-proxy"),
    ("stdout", "true"),
    ("stderr", "true"),
    ("command", "pilot-agent"),
    ("command", "request"),
    ("command", "GET"),
    ("command", "config_dump"),
]
V4 = ["v4.channel.k8s.io"]
READY = b"\0GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n"

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


def socket_that(talk: Talk, protocols: tuple[str, ...] = ("v4.channel.k8s.io",)) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=protocols, timeout=0.1)
        await socket.prepare(request)
        await talk(socket)
        return socket

    return answer


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)


async def silent(socket: web.WebSocketResponse) -> None:
    await socket.receive()


async def test_messages_go_both_ways(tmp_path: Path) -> None:
    async with (
        talking(socket_that(echo), tmp_path) as (api, server),
        api.socket(FORWARD, PORTS, V4) as socket,
    ):
        await socket.send(READY)
        assert await socket.receive() == READY
        assert socket.subprotocol == "v4.channel.k8s.io"
    assert server.paths == [f"{FORWARD}?ports=15000"]
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_parameters_stay_in_order_and_may_repeat(tmp_path: Path) -> None:
    async def hello(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"\1x")
        await socket.close()

    async with (
        talking(socket_that(hello), tmp_path) as (api, server),
        api.socket(EXEC, COMMAND, V4) as socket,
    ):
        assert await socket.receive() == b"\1x"
        assert await socket.receive() is None
        assert await socket.receive() is None
    query = "container=istio-proxy&stdout=true&stderr=true"
    words = "command=pilot-agent&command=request&command=GET&command=config_dump"
    assert server.paths == [f"{EXEC}?{query}&{words}"]


async def test_a_server_may_choose_no_subprotocol(tmp_path: Path) -> None:
    async with (
        talking(socket_that(echo, ()), tmp_path) as (api, _),
        api.socket(FORWARD, PORTS, V4) as socket,
    ):
        assert socket.subprotocol == ""


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (403, NotReadStatus.DENIED),
        (400, NotReadStatus.FAILED),
        (404, NotReadStatus.FAILED),
        (500, NotReadStatus.FAILED),
    ],
)
async def test_a_refused_upgrade_is_told_in_the_servers_words(
    tmp_path: Path, code: int, kind: NotReadStatus
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return status(code, 'pods "web-1" is forbidden: cannot create resource "pods/portforward"')

    async with talking(refuse, tmp_path) as (api, server):
        with pytest.raises(ReadError, match="cannot create resource") as caught:
            async with api.socket(FORWARD, PORTS, V4):
                pass
    assert (caught.value.status, caught.value.http_status) == (kind, code)
    assert len(server.seen) == 1


async def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    first = True
    again = socket_that(echo)

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal first
        if first:
            first = False
            return status(429, "too many requests")
        return await again(request)

    async with talking(answer, tmp_path) as (api, _), api.socket(FORWARD, PORTS, V4) as socket:
        await socket.send(READY)
        assert await socket.receive() == READY


async def test_an_answer_without_an_upgrade_is_a_refusal(tmp_path: Path) -> None:
    async def ok(_: web.Request) -> web.Response:
        return web.Response(text="fine")

    async with talking(ok, tmp_path) as (api, _):
        with pytest.raises(ReadError, match="HTTP 200"):
            async with api.socket(FORWARD, PORTS, V4):
                pass


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with serving(socket_that(echo), tmp_path) as other:

        async def away(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"{other.url}{FORWARD}"})

        async with talking(away, tmp_path) as (api, _):
            with pytest.raises(ReadError, match="redirect is not followed"):
                async with api.socket(FORWARD, PORTS, V4):
                    pass
    assert other.seen == []


async def test_a_silent_pod_is_given_up(tmp_path: Path) -> None:
    limits = Limits(socket_silence=0.2)
    async with (
        talking(socket_that(silent), tmp_path, limits) as (api, _),
        api.socket(FORWARD, PORTS, V4) as socket,
    ):
        with pytest.raises(ReadError, match="nothing came") as caught:
            await socket.receive()
    assert caught.value.status is NotReadStatus.TIMEOUT


async def test_a_server_that_never_upgrades_is_given_up(tmp_path: Path) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with talking(never, tmp_path, Limits(request=0.2)) as (api, _):
        with pytest.raises(ReadError) as caught:
            async with api.socket(FORWARD, PORTS, V4):
                pass
    assert caught.value.status is NotReadStatus.TIMEOUT


async def test_a_broken_connection_is_not_an_end(tmp_path: Path) -> None:
    async def breaks(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"\1half")
        assert socket._req is not None
        assert socket._req.transport is not None
        socket._req.transport.abort()

    async with (
        talking(socket_that(breaks), tmp_path) as (api, _),
        api.socket(EXEC, COMMAND, V4) as socket,
    ):
        assert await socket.receive() == b"\1half"
        with pytest.raises(ReadError, match="broke"):
            await socket.receive()


async def test_a_message_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    async def big(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"\1" * 5000)

    async with (
        talking(socket_that(big), tmp_path, Limits(socket_message=4096)) as (api, _),
        api.socket(EXEC, COMMAND, V4) as socket,
    ):
        with pytest.raises(ReadError, match="broke"):
            await socket.receive()


async def test_nothing_is_sent_to_a_command(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def listen(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            heard.append(message.data)

    async with talking(socket_that(listen), tmp_path) as (api, _):
        async with api.socket(EXEC, COMMAND, V4) as socket:
            with pytest.raises(WriteRefused):
                await socket.send(b"\0rm -rf /\n")
        async with api.socket(FORWARD, PORTS, V4) as socket:
            with pytest.raises(WriteRefused):
                await socket.send(b"\0POST /quitquitquit HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert heard == []


async def test_leaving_does_not_wait_for_the_other_end(tmp_path: Path) -> None:
    async def lingers(_: web.WebSocketResponse) -> None:
        await asyncio.sleep(3)

    loop = asyncio.get_running_loop()
    async with talking(socket_that(lingers), tmp_path) as (api, _):
        async with api.socket(FORWARD, PORTS, V4):
            began = loop.time()
        assert loop.time() - began < 2


async def test_sockets_that_are_held_leave_room_for_requests(tmp_path: Path) -> None:
    sockets = socket_that(echo)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == FORWARD:
            return await sockets(request)
        return web.Response(body=b"{}")

    async with talking(answer, tmp_path, Limits(in_flight=4)) as (api, _):

        async def hold() -> None:
            async with api.socket(FORWARD, PORTS, V4):
                await asyncio.gather(*(api.get("/version") for _ in range(4)))

        async with asyncio.timeout(20):
            await asyncio.gather(*(hold() for _ in range(8)))


async def test_as_many_sockets_are_open_as_there_are_slots_for_them(tmp_path: Path) -> None:
    now, most, full = 0, 0, asyncio.Event()

    async def count(socket: web.WebSocketResponse) -> None:
        nonlocal now, most
        now += 1
        most = max(now, most)
        if most == 14:
            full.set()
        async with asyncio.timeout(5):
            await full.wait()
        await asyncio.sleep(0.01)
        now -= 1
        await socket.close()

    async with talking(socket_that(count), tmp_path, Limits(in_flight=16)) as (api, _):

        async def one() -> None:
            async with api.socket(FORWARD, PORTS, V4) as socket:
                assert await socket.receive() is None

        await asyncio.gather(*(one() for _ in range(40)))
    assert most == 14


async def test_one_at_a_time_is_one_at_a_time_and_never_stuck(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == FORWARD:
            return await socket_that(echo)(request)
        return web.Response(body=b"{}")

    async with (
        serving(answer, tmp_path) as server,
        Transport.open(await access_to(tmp_path, server.url), Limits(in_flight=1)) as api,
        asyncio.timeout(20),
        api.socket(FORWARD, PORTS, V4),
    ):
        await api.get("/version")


async def test_a_cancelled_reader_leaves_its_slot(tmp_path: Path) -> None:
    async with talking(socket_that(silent), tmp_path, Limits(in_flight=1)) as (api, _):

        async def read() -> None:
            async with api.socket(FORWARD, PORTS, V4) as socket:
                await socket.receive()

        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(read(), 0.2)
