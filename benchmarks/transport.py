"""Which client carries lists, small reads and sockets best: wall and CPU seconds, peak memory.

It serves a TLS loopback server with 20 ms of latency from a process of its own, and runs each
client in a fresh process for each load: 1,000 small GETs with 32 in flight, 20 lists of 1 MB, and
100 sockets of 1 MB each. A client whose library is not installed is said to be skipped: websockets
is no dependency of meshdoctor and only measured here (httpx has no WebSockets of its own).

Usage: python benchmarks/transport.py [--runs N]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

LATENCY = 0.02
IN_FLIGHT = 32
SMALL, LIST, SOCKET = "1,000 GETs of 2 kB", "20 lists of 1 MB", "100 sockets of 1 MB"
COUNTS = {SMALL: 1000, LIST: 20, SOCKET: 100}
PATHS = {
    SMALL: "/api/v1/namespaces/n/pods/p",
    LIST: "/api/v1/pods",
    SOCKET: "/api/v1/namespaces/n/pods/p/exec",
}
COMMAND = ("pilot-agent", "request", "GET", "config_dump")
QUERY = [("container", "istio-proxy"), ("stdout", "true"), *(("command", w) for w in COMMAND)]
PROTOCOLS = ["v4.channel.k8s.io"]
MESSAGE = b"\1" + b"x" * 32 * 1024
MEGABYTE = 1024 * 1024
SUCCESS = b'\3{"status":"Success"}'


async def serve(folder: Path) -> None:
    """Serve until killed; the kubeconfig in the folder appears once it listens."""
    from aiohttp import web

    from meshdoctor.serve.kubeconfig import kubeconfig
    from meshdoctor.serve.tls import make_tls

    items = b",".join([b'{"metadata":{"name":"a"},"spec":"' + b"x" * 2000 + b'"}'] * 512)
    whole = b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[' + items + b"]}"

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(LATENCY)
        if not request.path.endswith("/exec"):
            body = whole if request.path == PATHS[LIST] else items[:2000]
            return web.Response(body=body, content_type="application/json")
        socket = web.WebSocketResponse(protocols=PROTOCOLS, compress=False)
        await socket.prepare(request)
        for _ in range(MEGABYTE // (len(MESSAGE) - 1)):
            await socket.send_bytes(MESSAGE)
        await socket.send_bytes(SUCCESS)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    tls = make_tls("127.0.0.1")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context, backlog=256).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    (folder / "ca.crt").write_bytes(tls.ca_pem)
    (folder / "url").write_text(url)
    (folder / "config").write_text(kubeconfig("bench", url, tls.ca_pem, "token"))
    await asyncio.Event().wait()


async def at_once(one: Callable[[], Awaitable[int]], count: int) -> int:
    """Do something often, 32 at a time; how many bytes came."""
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def held() -> int:
        async with slots:
            return await one()

    return sum(await asyncio.gather(*(held() for _ in range(count))))


def context_of(folder: Path) -> Any:
    """The TLS context of clients that want one."""
    import ssl

    return ssl.create_default_context(cafile=str(folder / "ca.crt"))


async def by_meshdoctor(folder: Path, load: str) -> int:
    """Our transport, with its allow-list, retries and time-outs."""
    from meshdoctor.collect.access import open_access
    from meshdoctor.collect.transport import Transport
    from meshdoctor.live.options import ClusterOptions

    access = await open_access(ClusterOptions(kubeconfig=str(folder / "config")))
    async with Transport.open(access) as api:

        async def get() -> int:
            return len((await api.get(PATHS[load])).body)

        async def stream() -> int:
            size = 0
            async with api.socket(PATHS[load], QUERY, PROTOCOLS) as socket:
                while (message := await socket.receive()) is not None and message[0] == 1:
                    size += len(message) - 1
            return size

        return await at_once(stream if load == SOCKET else get, COUNTS[load])


async def by_aiohttp(folder: Path, load: str) -> int:
    """Bare aiohttp: what our transport is built on."""
    import aiohttp

    url, tls = (folder / "url").read_text() + PATHS[load], context_of(folder)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get() -> int:
            async with session.get(url, ssl=tls) as response:
                return len(await response.read())

        async def stream() -> int:
            size = 0
            async with session.ws_connect(url, ssl=tls, protocols=PROTOCOLS, params=QUERY) as ws:
                async for message in ws:
                    size += len(message.data) - 1 if message.data[0] == 1 else 0
            return size

        return await at_once(stream if load == SOCKET else get, COUNTS[load])


async def by_httpx(folder: Path, load: str) -> int:
    """httpx; it has no WebSockets."""
    import httpx

    url = (folder / "url").read_text() + PATHS[load]
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(verify=context_of(folder), limits=limits, timeout=60) as client:

        async def get() -> int:
            return len((await client.get(url)).content)

        return await at_once(get, COUNTS[load])


async def by_websockets(folder: Path, load: str) -> int:
    """The websockets package, which would stand beside httpx."""
    from urllib.parse import urlencode

    connect: Any = importlib.import_module("websockets.asyncio.client").connect

    url = (folder / "url").read_text().replace("https:", "wss:") + PATHS[load]
    url, tls = f"{url}?{urlencode(QUERY)}", context_of(folder)

    async def stream() -> int:
        size = 0
        async with connect(url, ssl=tls, subprotocols=PROTOCOLS, compression=None) as socket:
            async for message in socket:
                size += len(message) - 1 if message[0] == 1 else 0
        return size

    return await at_once(stream, COUNTS[load])


async def by_kubernetes_aio(folder: Path, load: str) -> int:
    """The asyncio half of the official client."""
    from kubernetes.aio import client, config
    from kubernetes.aio.stream import WsApiClient

    settings = client.Configuration()
    await config.load_kube_config(str(folder / "config"), client_configuration=settings)
    settings.connection_pool_maxsize = IN_FLIGHT
    kind = WsApiClient if load == SOCKET else client.ApiClient
    async with kind(settings) as api:
        core = client.CoreV1Api(api)

        async def get() -> int:
            found = await api.rest_client.request("GET", settings.host + PATHS[load])
            return len(await found.read())

        async def stream() -> int:
            return len(
                await core.connect_get_namespaced_pod_exec(
                    "p", "n", container="istio-proxy", command=list(COMMAND), stdout=True
                )
            )

        return await at_once(stream if load == SOCKET else get, COUNTS[load])


def by_kubernetes(folder: Path, load: str) -> int:
    """The official client, in 32 threads."""
    from kubernetes import client, config
    from kubernetes.stream import stream as in_stream

    config.load_kube_config(str(folder / "config"))
    settings = client.Configuration.get_default_copy()
    settings.connection_pool_maxsize = IN_FLIGHT

    def get(_: int) -> int:
        return len(pool_api.rest_client.request("GET", settings.host + PATHS[load]).read())

    def stream(_: int) -> int:
        core = client.CoreV1Api(client.ApiClient(settings))
        arguments = {"container": "istio-proxy", "command": list(COMMAND), "stdin": False}
        return len(in_stream(core.connect_get_namespaced_pod_exec, "p", "n", **arguments))

    pool_api = client.ApiClient(settings)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return sum(pool.map(stream if load == SOCKET else get, range(COUNTS[load])))


CLIENTS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "meshdoctor (aiohttp)": ("meshdoctor", by_meshdoctor, (SMALL, LIST, SOCKET)),
    "aiohttp": ("aiohttp", by_aiohttp, (SMALL, LIST, SOCKET)),
    "httpx": ("httpx", by_httpx, (SMALL, LIST)),
    "websockets": ("websockets", by_websockets, (SOCKET,)),
    "kubernetes.aio": ("kubernetes", by_kubernetes_aio, (SMALL, LIST, SOCKET)),
    "kubernetes, 32 threads": ("kubernetes", by_kubernetes, (SMALL, LIST, SOCKET)),
}


def run(name: str, load: str, folder: Path) -> dict[str, float]:
    """One client under one load, in this process."""
    import resource

    _, client, _ = CLIENTS[name]
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    found = client(folder, load)
    size = found if isinstance(found, int) else asyncio.run(found)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "peak": used.ru_maxrss / 1024, "bytes": size}


def measured(name: str, load: str, folder: Path, runs: int) -> dict[str, float]:
    """Medians of runs in processes of their own."""
    command = [sys.executable, __file__, "--client", name, load, str(folder)]
    found = []
    for _ in range(runs):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name}, {load}: {done.stderr.strip().splitlines()[-1]}")
        found.append(json.loads(done.stdout))
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """Serve from another process until the block ends."""
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(folder)])
    try:
        while not (folder / "config").is_file():
            if server.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait(timeout=10)


def main(runs: int) -> None:
    """Measure every client under every load."""
    print(f"TLS on loopback, {LATENCY * 1000:.0f} ms latency, {IN_FLIGHT} in flight,", end=" ")
    print(f"medians of {runs} runs; imports and the connecting are part of it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served(folder):
            for load in COUNTS:
                print(f"\n{load:<26} {'wall s':>8} {'cpu s':>8} {'peak MB':>8} {'MB read':>8}")
                for client, (package, _, loads) in CLIENTS.items():
                    if load not in loads:
                        continue
                    if importlib.util.find_spec(package) is None:
                        print(f"{client:<26} skipped: {package} is not installed")
                        continue
                    found = SimpleNamespace(**measured(client, load, folder, runs))
                    print(
                        f"{client:<26} {found.wall:>8.2f} {found.cpu:>8.2f} {found.peak:>8.0f} "
                        f"{found.bytes / 1e6:>8.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--serve", metavar="FOLDER")
    parser.add_argument("--client", nargs=3, metavar=("CLIENT", "LOAD", "FOLDER"))
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(Path(given.serve)))
    elif given.client:
        print(json.dumps(run(given.client[0], given.client[1], Path(given.client[2]))))
    else:
        main(given.runs)
