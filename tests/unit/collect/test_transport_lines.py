from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.api_server import Handler, status, talking

PODS = "/api/v1/pods"
WATCH = {"watch": "true", "resourceVersion": "7"}


def sends(*chunks: bytes, then: str = "end") -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.01)
        assert request.transport is not None
        if then == "cut":
            request.transport.close()
        elif then == "hang":
            await asyncio.sleep(30)
        return response

    return answer


async def test_lines_come_whole_however_they_are_cut(tmp_path: Path) -> None:
    chunks = (b'{"a"', b":1}\n{", b'"b":2}\n\n{"c":3}\n', b"{}")
    async with talking(sends(*chunks), tmp_path) as (api, server):
        found = [line async for line in api.lines(PODS, WATCH)]
    assert found == [b'{"a":1}', b'{"b":2}', b'{"c":3}', b"{}"]
    assert server.paths == [f"{PODS}?watch=true&resourceVersion=7"]


async def test_lines_come_as_they_are_sent(tmp_path: Path) -> None:
    async with talking(sends(b"one\n", then="hang"), tmp_path) as (api, _):
        lines = api.lines(PODS, WATCH)
        assert await asyncio.wait_for(anext(lines), 20) == b"one"
        await lines.aclose()


async def test_a_watch_leaves_its_slot_once_it_has_begun(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await sends(b"one\n", then="hang")(request)
        return web.Response()

    async with talking(answer, tmp_path, Limits(in_flight=1)) as (api, _), asyncio.timeout(20):
        watches = [api.lines(PODS, WATCH) for _ in range(3)]
        for watch in watches:
            assert await anext(watch) == b"one"
        await api.get(PODS)
        for watch in watches:
            await watch.aclose()


async def test_a_watch_that_breaks_says_so(tmp_path: Path) -> None:
    async with talking(sends(b"one\ntw", then="cut"), tmp_path) as (api, _):
        lines = api.lines(PODS, WATCH)
        assert await anext(lines) == b"one"
        with pytest.raises(ReadError, match="cut short"):
            await anext(lines)


async def test_a_watch_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    limits = Limits(watch_silence=0.5)
    async with talking(sends(b"one\n", then="hang"), tmp_path, limits) as (api, _):
        lines = api.lines(PODS, WATCH)
        assert await anext(lines) == b"one"
        with pytest.raises(ReadError, match="nothing came for") as caught:
            await anext(lines)
    assert caught.value.status is NotReadStatus.TIMEOUT


async def test_a_line_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    async with talking(sends(b"x" * 3000, b"x" * 3000), tmp_path, Limits(line=4096)) as (api, _):
        with pytest.raises(ReadError, match="a line is longer"):
            await anext(api.lines(PODS, WATCH))


async def test_a_refused_watch_is_a_refusal(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return status(403, "pods is forbidden")

    async with talking(answer, tmp_path) as (api, _):
        with pytest.raises(ReadError, match="pods is forbidden") as caught:
            await anext(api.lines(PODS, WATCH))
    assert caught.value.status is NotReadStatus.DENIED
