from __future__ import annotations

import asyncio
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.retry import TransientError
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.api_server import QUICK, access_to, serving
from tests.unit.collect.certificates import Pair, authority, make


async def ok(_: web.Request) -> web.Response:
    return web.Response()


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def reason_of(
    folder: Path, server: str, user: Any = None, limits: Limits = QUICK, **cluster: Any
) -> str:
    """Why a server cannot be reached, the same for one request and for the whole."""
    async with Transport.open(await access_to(folder, server, user, **cluster), limits) as api:
        with pytest.raises(ReadError) as caught:
            await api.get("/version")
        with pytest.raises(AccessError) as whole:
            await api.reach()
    assert "\n" not in caught.value.reason
    assert caught.value.status in (NotReadStatus.FAILED, NotReadStatus.DENIED)
    assert str(whole.value) == caught.value.reason
    assert server in caught.value.reason
    return caught.value.reason


async def test_a_refused_connection_names_the_server(tmp_path: Path) -> None:
    reason = await reason_of(tmp_path, f"https://127.0.0.1:{unused_port()}")
    assert "connection refused" in reason


async def test_a_refused_connection_is_not_tried_again(tmp_path: Path) -> None:
    access = await access_to(tmp_path, f"https://127.0.0.1:{unused_port()}")
    async with Transport.open(access, Limits()) as api:
        with pytest.raises(ReadError) as caught:
            await api.get("/version")
    assert not isinstance(caught.value, TransientError)


async def test_an_unknown_host_is_named(tmp_path: Path) -> None:
    reason = await reason_of(tmp_path, "https://no-such-host.invalid:6443")
    assert "no-such-host.invalid" in reason
    assert "is not known" in reason


async def test_a_server_that_takes_no_connection_in_time_is_named(tmp_path: Path) -> None:
    # A listener that never accepts: the TLS handshake has nobody to answer it.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        reason = await reason_of(tmp_path, url, limits=Limits(connect=0.2, request=2))
    assert "does not answer" in reason


def test_a_name_server_that_is_silent_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(20) and [])
    limits = Limits(connect=0.2)
    began = time.monotonic()
    try:
        reason = asyncio.run(reason_of(tmp_path, "https://kube.example", limits=limits))
        assert "does not answer" in reason
        assert time.monotonic() - began < 10
    finally:
        released.set()


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (lambda: make("stranger"), "is not trusted"),
        (lambda: make("server", authority(), end=-timedelta(days=1)), "has expired"),
        (lambda: make("server", authority(), start=timedelta(days=1)), "not valid yet"),
        (lambda: make("server", authority(), hosts=("other.example",)), "for another name"),
    ],
    ids=["stranger", "expired", "too-early", "other-name"],
)
async def test_a_bad_certificate_is_named(tmp_path: Path, pair: Any, words: str) -> None:
    found: Pair = pair()
    async with serving(ok, tmp_path, found) as server:
        assert words in await reason_of(tmp_path, server.url)


async def test_tls_to_a_plain_server_is_named(tmp_path: Path) -> None:
    async with serving(ok, tmp_path, tls=False) as server:
        reason = await reason_of(tmp_path, server.url.replace("http:", "https:"))
    assert "does not speak TLS" in reason


async def test_a_plain_request_to_a_tls_server_is_named(tmp_path: Path) -> None:
    async with serving(ok, tmp_path) as server:
        url = server.url.replace("https:", "http:")
        async with Transport.open(await access_to(tmp_path, url), QUICK) as api:
            with pytest.raises(ReadError) as caught:
                await api.get("/version")
    assert url in caught.value.reason


async def test_a_server_that_speaks_no_http_is_named(tmp_path: Path) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert "did not answer in HTTP" in await reason_of(tmp_path, url)


async def test_another_name_can_be_expected_of_the_certificate(tmp_path: Path) -> None:
    pair = make("server", authority(), hosts=("other.example",))
    async with serving(ok, tmp_path, pair) as server:
        access = await access_to(tmp_path, server.url, tls_server_name="other.example")
        async with Transport.open(access, QUICK) as api:
            await api.get("/version")
    assert server.paths == ["/version"]


async def test_a_certificate_need_not_be_trusted_when_told_so(tmp_path: Path) -> None:
    cluster = {"insecure_skip_tls_verify": True, "certificate_authority_data": ""}
    async with serving(ok, tmp_path, make("stranger")) as server:
        access = await access_to(tmp_path, server.url, **cluster)
        async with Transport.open(access, QUICK) as api:
            await api.get("/version")
    assert server.paths == ["/version"]
