from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext

import pytest
from aiohttp import web

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.access_proxy import proxy_of
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport import Transport
from tests.unit.collect.api_server import QUICK, access_to, serving
from tests.unit.collect.certificates import server_context

VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_kubeconfig_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://env:3128")
    assert proxy_of("https://a", "http://own:1") == "http://own:1"
    assert proxy_of("https://a", "") == "http://env:3128"


def test_each_scheme_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "secure:3128")
    monkeypatch.setenv("HTTP_PROXY", "https://plain:3128")
    assert proxy_of("https://a", "") == "http://secure:3128"
    assert proxy_of("http://a", "") == "https://plain:3128"


@pytest.mark.parametrize(
    ("entry", "server", "is_direct"),
    [
        ("", "https://kube.example", False),
        ("*", "https://kube.example", True),
        ("example", "https://kube.example", True),
        (".example", "https://kube.example", True),
        ("*.example", "https://kube.example", True),
        ("kube.example", "https://KUBE.example:6443", True),
        ("ube.example", "https://kube.example", False),
        (".kube.example", "https://kube.example", False),
        ("kube.example:6443", "https://kube.example:6443", True),
        ("kube.example:443", "https://kube.example", True),
        ("kube.example:1", "https://kube.example", False),
        ("a, 10.0.0.0/8 ,b", "https://10.1.2.3:6443", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("fd00::/8", "https://[fd12::1]:6443", True),
        ("[fd12::1]", "https://[fd12::1]:6443", True),
        ("10.0.0.0/99", "https://10.1.2.3", False),
        ("", "https://localhost:6443", True),
        ("", "https://127.0.0.1:6443", True),
        ("", "https://[::1]:6443", True),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(
    monkeypatch: pytest.MonkeyPatch, entry: str, server: str, is_direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", entry)
    assert (proxy_of(server, "") is None) is is_direct


@pytest.mark.parametrize("url", ["socks5://p:1080", "socks5h://p", "socks4://p"])
def test_a_socks_proxy_is_refused_with_another_way(url: str) -> None:
    with pytest.raises(AccessError, match="does not speak; name an HTTP proxy, or forward a port"):
        proxy_of("https://a", url)


@pytest.mark.parametrize("url", ["ftp://p", "http://", "http://p:x", "://", "http://[::1"])
def test_what_is_no_proxy_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(AccessError, match="is no URL of an http or https proxy"):
        proxy_of("https://a", url)


@asynccontextmanager
async def proxy(
    status: bytes = b"200 OK", tls: SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that connects, or does not; and what it was asked."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        if not status.startswith(b"200"):
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        for ends in ((reader, far_writer), (far_reader, writer)):
            tasks.add(asyncio.create_task(pump(*ends)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 3)
        await server.wait_closed()
        await asyncio.sleep(0)


async def ok(request: web.Request) -> web.StreamResponse:
    if request.path.endswith("/portforward"):
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        await socket.send_bytes(b"\0hello")
        await socket.close()
        return socket
    return web.Response(text=request.headers.get("Proxy-Authorization", "none"))


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_requests_and_sockets_go_through_the_proxy(tmp_path: Path, scheme: str) -> None:
    path = "/api/v1/namespaces/a/pods/b/portforward"
    tls = server_context(tmp_path) if scheme == "https" else None
    async with serving(ok, tmp_path) as server, proxy(tls=tls) as (name, heads):
        access = await access_to(tmp_path, server.url, proxy_url=f"{scheme}://me:secret@{name}")
        assert "secret" not in repr(access)
        async with Transport.open(access, QUICK) as api:
            assert (await api.get("/version")).body == b"none"
            async with api.socket(path, [("ports", "1")], ["v4.channel.k8s.io"]) as socket:
                assert await socket.receive() == b"\0hello"
    target = server.url.removeprefix("https://").encode()
    assert {head.splitlines()[0] for head in heads} == {b"CONNECT " + target + b" HTTP/1.1"}
    assert all(b"Proxy-Authorization: Basic bWU6c2VjcmV0" in head for head in heads)
    assert not any(b"Bearer" in head for head in heads)
    assert server.seen[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (b"407 Proxy Authentication Required", "put it into proxy-url"),
        (b"503 Service Unavailable", "HTTP 503"),
    ],
)
async def test_a_proxy_that_refuses_is_named(tmp_path: Path, status: bytes, words: str) -> None:
    async with serving(ok, tmp_path) as server, proxy(status) as (name, _):
        access = await access_to(tmp_path, server.url, proxy_url=f"http://me:secret@{name}")
        async with Transport.open(access, QUICK) as api:
            with pytest.raises(ReadError, match=words) as caught:
                await api.get("/version")
    assert name in caught.value.reason
    assert "secret" not in caught.value.reason


async def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    access = await access_to(tmp_path, "https://10.255.255.1", proxy_url="http://127.0.0.1:9")
    async with Transport.open(access, QUICK) as api:
        with pytest.raises(ReadError, match=r"cannot connect to the proxy 127.0.0.1:9: connection"):
            await api.get("/version")
