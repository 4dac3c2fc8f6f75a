from __future__ import annotations

import asyncio
import errno
import json
from contextlib import suppress

import aiohttp
import pytest

from tests.unit.serve.stand_in import Running, running, shop

PODS = "/api/v1/pods"


async def get(server: Running, path: str = PODS) -> tuple[int, bytes]:
    async with server.session.get(f"{server.url}{path}") as answer:
        return answer.status, await answer.read()


async def test_a_denied_read_is_a_status_in_kubernetes_words() -> None:
    async with running(shop(), "deny:list:pods") as server:
        status, body = await get(server, "/api/v1/namespaces/shop/pods")
    said = json.loads(body)
    assert (status, said["reason"], said["code"]) == (403, "Forbidden", 403)
    assert said["message"] == (
        'pods is forbidden: User "meshdoctor" cannot list resource "pods" in API group "" '
        'in the namespace "shop"'
    )


async def test_too_many_requests_say_when_to_come_back_and_then_it_is_over() -> None:
    async with running(shop(), "status:429:pods:1:retry-after=3") as server:
        async with server.session.get(f"{server.url}{PODS}") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
            assert (await answer.json())["details"] == {"retryAfterSeconds": 3}
        assert (await get(server))[0] == 200


@pytest.mark.parametrize("code", [401, 500, 503])
async def test_a_status_on_demand_is_answered_with_its_status_object(code: int) -> None:
    async with running(shop(), f"status:{code}:*") as server:
        status, body = await get(server)
    assert status == code
    assert json.loads(body)["code"] == code


async def test_an_expired_token_is_410() -> None:
    async with running(shop(), "expire:pods:1") as server:
        assert (await get(server))[0] == 200
        status, body = await get(server, f"{PODS}?continue=abc")
        assert (status, json.loads(body)["reason"]) == (410, "Expired")
        assert (await get(server, f"{PODS}?continue=abc"))[0] == 200


async def test_a_reset_comes_before_the_answer() -> None:
    # The client tries a GET once more by itself.
    async with running(shop(), "reset:pods:2") as server:
        with pytest.raises(aiohttp.ClientOSError) as caught:
            await get(server)
        assert caught.value.errno == errno.ECONNRESET
        assert (await get(server))[0] == 200


@pytest.mark.parametrize("kind", ["truncate", "reset-body"])
async def test_a_body_that_breaks_off_is_shorter_than_promised(kind: str) -> None:
    async with (
        running(shop(), f"{kind}:pods") as server,
        server.session.get(f"{server.url}{PODS}") as answer,
    ):
        promised = int(answer.headers["Content-Length"])
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    assert promised > 100


async def test_a_cut_body_is_whole_http_and_half_a_document() -> None:
    async with running(shop(), "cut:pods") as server:
        status, body = await get(server)
    assert status == 200
    assert body.startswith(b'{"kind": "PodList"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


async def test_garbage_is_no_json() -> None:
    async with running(shop(), "garbage:pods") as server:
        status, body = await get(server)
    assert status == 200
    assert b"asleep" in body


async def test_a_drip_comes_whole_but_slowly() -> None:
    loop = asyncio.get_running_loop()
    async with running(shop(), "drip:pods:bytes=100:every=20ms") as server:
        start = loop.time()
        status, body = await get(server)
        took = loop.time() - start
    assert (status, len(json.loads(body)["items"])) == (200, 10)
    assert took >= 0.02 * (len(body) // 100)


async def test_latency_delays_every_request() -> None:
    loop = asyncio.get_running_loop()
    async with running(shop(), "latency:60ms") as server:
        start = loop.time()
        await get(server)
        assert loop.time() - start >= 0.06


@pytest.mark.parametrize("path", [PODS, f"{PODS}?watch=true"])
async def test_silence_lasts_until_the_client_goes(path: str) -> None:
    async with running(shop(), "silent:pods") as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get(server, path), 0.2)
        server.faults.clear()
        assert (await get(server))[0] == 200


async def test_a_dropped_watch_ends_as_a_whole_one_does() -> None:
    async with running(shop(), "drop:watch:pods:after=100ms") as server:
        status, body = await get(server, f"{PODS}?watch=true")
    assert (status, body) == (200, b'{"type":"BOOKMARK"}\n')


async def test_a_watch_can_be_garbage_or_reset() -> None:
    async with running(shop(), "garbage:watch:pods") as server:
        assert b"asleep" in (await get(server, f"{PODS}?watch=true"))[1]
        server.faults.set("reset-body:watch:pods")
        with pytest.raises(aiohttp.ClientError):
            await get(server, f"{PODS}?watch=true")


async def test_a_server_that_stops_lets_go_of_silent_requests() -> None:
    async with asyncio.timeout(3):
        async with running(shop(), "silent:pods") as server:
            host, _, port = server.url.rpartition("/")[2].partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {PODS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.1)
        with pytest.raises(ConnectionResetError):
            await reader.read()
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()
