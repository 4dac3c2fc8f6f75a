from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.allow_list import WriteRefused
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.api_server import (
    QUICK,
    TOKEN,
    Handler,
    access_to,
    serving,
    status,
    talking,
)

PODS = "/api/v1/pods"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def fixed(response: web.Response) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            body=response.body, status=response.status, headers=dict(response.headers)
        )

    return answer


def in_turn(*answers: Handler) -> Handler:
    """The first request gets the first answer, and so on; the last one answers the rest."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        handler = left.pop(0) if len(left) > 1 else left[0]
        return await handler(request)

    return answer


OK = fixed(web.json_response({"items": []}))


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"items":')
    assert request.transport is not None
    request.transport.close()
    return response


async def cut_chunk(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"items":')
    assert request.transport is not None
    request.transport.close()
    return response


async def silence(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def test_a_path_is_read_with_the_token(tmp_path: Path) -> None:
    async with talking(OK, tmp_path) as (api, server):
        found = await api.get(PODS, {"labelSelector": "a in (b, c)", "limit": "5"})
    assert found.body == b'{"items": []}'
    assert server.paths == ["/api/v1/pods?labelSelector=a%20in%20%28b%2C%20c%29&limit=5"]
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert server.seen[0].headers["Accept"] == "application/json"
    assert server.seen[0].headers["User-Agent"].startswith("meshdoctor/")


async def test_connections_are_kept_and_used_again(tmp_path: Path) -> None:
    async with talking(OK, tmp_path) as (api, server):
        for _ in range(5):
            await api.get(PODS)
    assert len({id(request.transport) for request in server.seen}) == 1


async def test_a_server_beneath_a_path_gets_that_path(tmp_path: Path) -> None:
    async with serving(OK, tmp_path) as server:
        access = await access_to(tmp_path, f"{server.url}/k8s/clusters/c-1/")
        async with Transport.open(access, QUICK) as api:
            await api.get("/version")
    assert server.paths == ["/k8s/clusters/c-1/version"]


async def test_no_login_is_sent_where_nothing_is_encrypted(tmp_path: Path) -> None:
    async with (
        serving(OK, tmp_path, tls=False) as server,
        Transport.open(await access_to(tmp_path, server.url), QUICK) as api,
    ):
        await api.get("/version")
    assert "Authorization" not in server.seen[0].headers


async def test_a_review_is_posted(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), status=201)

    async with talking(answer, tmp_path) as (api, server):
        assert (await api.review(REVIEW, b'{"a":1}')).body == b'{"a":1}'
    assert server.seen[0].method == "POST"
    assert server.seen[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (status(401, "Unauthorized"), NotReadStatus.DENIED, "log in again"),
        (status(403, "pods is forbidden"), NotReadStatus.DENIED, "pods is forbidden"),
        (
            web.Response(text="404 page not found\n", status=404),
            NotReadStatus.NOT_INSTALLED,
            "404 page not found",
        ),
        (
            status(404, "the server could not find the requested resource", details={}),
            NotReadStatus.NOT_INSTALLED,
            "could not find",
        ),
        (
            status(404, 'pods "x" not found', details={"name": "x", "kind": "pods"}),
            NotReadStatus.FAILED,
            'pods "x" not found',
        ),
        (status(400, "a container name\nmust be given"), NotReadStatus.FAILED, "name must be"),
        (status(500, "error dialing backend"), NotReadStatus.FAILED, "error dialing backend"),
        (status(504, "timed out"), NotReadStatus.TIMEOUT, "timed out"),
        (
            web.Response(text="<html>sign in</html>", status=502, content_type="text/html"),
            NotReadStatus.FAILED,
            "HTTP 502 Bad Gateway",
        ),
        (
            web.Response(status=302, headers={"Location": "https://login.example"}),
            NotReadStatus.FAILED,
            "redirect is not followed",
        ),
        (web.Response(status=204), NotReadStatus.FAILED, "HTTP 204"),
    ],
)
async def test_a_refusal_is_told_in_the_contracts_words(
    tmp_path: Path, answer: web.Response, kind: NotReadStatus, words: str
) -> None:
    limits = Limits(longest_wait=0.01)
    async with talking(fixed(answer), tmp_path, limits) as (api, _):
        with pytest.raises(ReadError, match=words) as caught:
            await api.get(PODS)
    assert (caught.value.status, caught.value.http_status) == (kind, answer.status)
    assert "\n" not in caught.value.reason
    assert "sign in" not in caught.value.reason


@pytest.mark.parametrize(
    "trouble",
    [
        fixed(status(429, "too many requests")),
        fixed(status(500, "etcdserver: request timed out")),
        fixed(status(500, "wait", details={"retryAfterSeconds": 1})),
        fixed(status(502, "bad gateway")),
        fixed(status(503, "the server is currently unable to handle the request")),
        fixed(status(504, "timed out")),
        reset,
        cut_short,
        cut_chunk,
    ],
    ids=["429", "etcd", "500-wait", "502", "503", "504", "reset", "cut", "cut-chunk"],
)
async def test_what_passes_is_tried_again(tmp_path: Path, trouble: Handler) -> None:
    async with talking(in_turn(trouble, trouble, OK), tmp_path) as (api, server):
        assert (await api.get(PODS)).body == b'{"items": []}'
    assert len(server.seen) >= 3


async def test_a_review_is_tried_again_too(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    answers = in_turn(reset, fixed(status(429, "wait")), echo)
    async with talking(answers, tmp_path) as (api, server):
        assert (await api.review(REVIEW, b"{}")).body == b"{}"
    assert len(server.seen) == 3


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 500, 501])
async def test_what_does_not_pass_is_not_tried_again(tmp_path: Path, code: int) -> None:
    async with talking(fixed(status(code, "no")), tmp_path) as (api, server):
        with pytest.raises(ReadError):
            await api.get(PODS)
    assert len(server.seen) == 1


async def test_there_is_an_end_to_trying(tmp_path: Path) -> None:
    async with talking(fixed(status(503, "down")), tmp_path) as (api, server):
        with pytest.raises(ReadError, match="down"):
            await api.get(PODS)
    assert len(server.seen) == QUICK.tries


async def test_a_connection_that_is_always_reset_is_named(tmp_path: Path) -> None:
    async with talking(reset, tmp_path) as (api, server):
        with pytest.raises(ReadError, match="closed the connection") as caught:
            await api.get(PODS)
    assert caught.value.status is NotReadStatus.FAILED
    assert server.url in caught.value.reason


async def test_retry_after_is_honoured_up_to_a_bound(tmp_path: Path) -> None:
    busy = web.Response(status=429, headers={"Retry-After": "60"})
    limits = Limits(longest_wait=0.4)
    loop = asyncio.get_running_loop()
    async with talking(in_turn(fixed(busy), OK), tmp_path, limits) as (api, _):
        began = loop.time()
        await api.get(PODS)
        took = loop.time() - began
    assert 0.4 <= took < 30


@pytest.mark.parametrize("trouble", [silence, dripping], ids=["silent", "dripping"])
async def test_a_server_that_never_ends_is_given_up(tmp_path: Path, trouble: Handler) -> None:
    limits = Limits(request=0.4)
    loop = asyncio.get_running_loop()
    async with talking(trouble, tmp_path, limits) as (api, server):
        began = loop.time()
        with pytest.raises(ReadError, match=r"within 0\.4s") as caught:
            await api.get(PODS)
        assert loop.time() - began < 10
    assert caught.value.status is NotReadStatus.TIMEOUT
    assert len(server.seen) == 1


async def test_a_slow_body_earns_time_as_it_arrives(tmp_path: Path) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(15):
            await response.write(b"x" * 1000)
            await asyncio.sleep(0.1)
        return response

    async with talking(slow, tmp_path, Limits(request=1, slowest=5000)) as (api, _):
        assert len((await api.get(PODS)).body) == 15000


async def test_a_body_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    async with talking(fixed(web.Response(body=b"x" * 5000)), tmp_path, Limits(body=4096)) as (
        api,
        _,
    ):
        with pytest.raises(ReadError, match="larger than"):
            await api.get(PODS)


async def test_a_packed_bomb_is_refused_before_it_is_whole(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    response = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    async with talking(fixed(response), tmp_path, Limits(body=2**20)) as (api, _):
        with pytest.raises(ReadError, match="larger than 1 MiB"):
            await api.get(PODS)


async def test_a_packed_body_is_unpacked(tmp_path: Path) -> None:
    response = web.Response(body=gzip.compress(b"text"), headers={"Content-Encoding": "gzip"})
    async with talking(fixed(response), tmp_path) as (api, server):
        assert (await api.get(PODS)).body == b"text"
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


async def test_no_more_than_the_bound_are_in_flight(tmp_path: Path) -> None:
    now, most, full = 0, 0, asyncio.Event()

    async def count(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if most == 4:
            full.set()
        async with asyncio.timeout(5):
            await full.wait()
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response()

    async with talking(count, tmp_path, Limits(in_flight=4)) as (api, server):
        await asyncio.gather(*(api.get(PODS) for _ in range(20)))
    assert (most, len(server.seen)) == (4, 20)


async def test_now_is_the_servers_clock(tmp_path: Path) -> None:
    then = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    response = web.Response(headers={"Date": "Tue, 06 May 2031 07:08:09 GMT"})
    async with talking(fixed(response), tmp_path) as (api, _):
        answer = await api.get(PODS)
        assert answer.date == then
        assert then <= api.now() < then + timedelta(seconds=2)


async def test_a_cancelled_request_leaves_its_slot(tmp_path: Path) -> None:
    async with talking(in_turn(silence, OK), tmp_path, Limits(in_flight=1)) as (api, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(api.get(PODS), 0.2)
        await asyncio.wait_for(api.get(PODS), 10)


async def test_a_refused_write_sends_nothing(tmp_path: Path) -> None:
    async with talking(OK, tmp_path) as (api, server):
        with pytest.raises(WriteRefused):
            await api.review("/api/v1/namespaces/a/serviceaccounts/b/token", b"{}")
        with pytest.raises(WriteRefused):
            await api.get("/api/v1/namespaces/a/pods/b/proxy")
        with pytest.raises(WriteRefused):
            await anext(api.lines("/api/v1/nodes/n/proxy", {"watch": "true"}))
        with pytest.raises(WriteRefused):
            async with api.socket("/api/v1/namespaces/a/pods/b/attach", [], ["v4.channel.k8s.io"]):
                pass
    assert server.seen == []


async def test_words_that_echo_the_token_are_masked(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        return status(403, f"not for {request.headers['Authorization']}")

    async with talking(echo, tmp_path) as (api, _):
        with pytest.raises(ReadError) as caught:
            await api.get(PODS)
    assert TOKEN not in caught.value.reason
    assert TOKEN not in str(caught.value)
    assert "REDACTED" in caught.value.reason


async def test_a_newer_token_is_used_after_a_refusal(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("an-old-token\n")

    async def answer(request: web.Request) -> web.Response:
        if request.headers["Authorization"] == "Bearer a-new-token":
            return web.Response(body=b"in")
        token.write_text("a-new-token\n")
        return status(401, "Unauthorized")

    user = {"tokenFile": "token"}
    async with talking(answer, tmp_path, user=user) as (api, server):
        assert (await api.get(PODS)).body == b"in"
        assert (await api.get(PODS)).body == b"in"
    assert len(server.seen) == 3


async def test_reaching_a_server_says_its_version(tmp_path: Path) -> None:
    async with talking(fixed(web.Response(body=b"v")), tmp_path) as (api, _):
        found = await api.reach()
    assert found is not None
    assert found.body == b"v"


async def test_a_server_that_keeps_its_version_secret_is_reached(tmp_path: Path) -> None:
    async with talking(fixed(status(403, "no")), tmp_path) as (api, _):
        assert await api.reach() is None


async def test_a_refused_login_is_an_access_error(tmp_path: Path) -> None:
    async with talking(fixed(status(401, "Unauthorized")), tmp_path) as (api, server):
        with pytest.raises(AccessError, match="does not accept the login of context test") as why:
            await api.reach()
    assert server.url in str(why.value)


async def test_a_server_in_trouble_is_an_access_error_that_names_it(tmp_path: Path) -> None:
    async with talking(fixed(status(503, "apiserver is shutting down")), tmp_path) as (api, server):
        with pytest.raises(AccessError, match=f"{server.url} answers: apiserver is shutting down"):
            await api.reach()
