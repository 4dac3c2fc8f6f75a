"""A mesh built by hand and a server that plays nothing but its streams."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from meshdoctor.serve.audit import Audit
from meshdoctor.serve.audit_middleware import audit_middleware
from meshdoctor.serve.faults import Faults
from meshdoctor.serve.faults_middleware import fault_middleware
from meshdoctor.serve.streams import add_stream_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-11-21T07:00:00Z"}}
V4 = "v4.channel.k8s.io"


def pod(
    namespace: str = "shop",
    name: str = "web",
    containers: tuple[str, ...] = ("app",),
    init: tuple[str, ...] = ("istio-init", "istio-proxy"),
    node: str = "node-1",
    states: Mapping[str, Mapping[str, Any]] | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A pod as the API holds it; every container runs unless a state says otherwise."""

    def statuses(names: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{"name": one, "state": RUNNING, **(states or {}).get(one, {})} for one in names]

    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "uid": "u-1", "labels": labels or {}},
        "spec": {
            "nodeName": node,
            "containers": [{"name": one} for one in containers],
            "initContainers": [{"name": one} for one in init],
        },
        "status": {
            "containerStatuses": statuses(containers),
            "initContainerStatuses": statuses(init),
        },
    }


ISTIOD = pod("istio-system", "istiod-1", ("discovery",), (), labels={"app": "istiod"})
ZTUNNEL = pod("istio-system", "ztunnel-1", ("istio-proxy",), (), labels={"app": "ztunnel"})


@dataclass
class StandIn:
    """What streams ask of a mesh."""

    pods: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        for one in self.pods:
            metadata = one["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return one
        return None

    def file(self, path: str) -> bytes | None:
        return self.files.get(path)

    def problem(self, path: str) -> str | None:
        return self.problems.get(path)

    def quit_proxy(self, namespace: str, name: str) -> bool:
        return False

    def withheld(self, path: str) -> bool:
        return False

    def now(self) -> datetime:
        return NOW


def shop() -> StandIn:
    """A pod with a sidecar, an istiod and a ztunnel, each with what it said."""
    web_files = {
        "config_dump.json": b'{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.'
        b'BootstrapConfigDump"},{"@type":"type.googleapis.com/envoy.admin.v3.'
        b'EndpointsConfigDump"}]}',
        "clusters.json": b'{"cluster_statuses":[]}',
        "server_info.json": b'{"state":"LIVE"}',
        "stats.txt": b"server.live: 1\nserver.total_connections: 0\n",
        "istio-proxy.log": b"[2026-11-21T07:59:00.000Z] one\n[2026-11-21T07:59:59.000Z] two\n",
    }
    files = {f"proxies/shop/web/{name}": data for name, data in web_files.items()}
    files["logs/shop/web/app.log"] = b"hello\nworld\n"
    files["istiod/istio-system/istiod-1/debug/syncz.json"] = b"[]"
    files["istiod/istio-system/istiod-1/version.txt"] = b"1.32.0\n"
    files["ztunnels/istio-system/ztunnel-1/config_dump.json"] = b'{"workloads":[]}'
    files["ztunnels/istio-system/ztunnel-1/metrics.txt"] = b"up 1\n"
    return StandIn([pod(), ISTIOD, ZTUNNEL], files)


@dataclass
class Running:
    """A server under test."""

    session: aiohttp.ClientSession
    url: str
    faults: Faults
    audit: Audit


def _list_of_pods(names: int) -> web.Response:
    items = [{"metadata": {"name": f"pod-{number}"}} for number in range(names)]
    return web.json_response({"kind": "PodList", "apiVersion": "v1", "items": items})


async def _objects(request: web.Request) -> web.StreamResponse:
    """In place of the objects' API: a list of pods, and a watch that never ends by itself."""
    if request.query.get("watch") != "true":
        return _list_of_pods(10)
    stream = web.StreamResponse()
    await stream.prepare(request)
    await stream.write(b'{"type":"BOOKMARK"}\n')
    await asyncio.sleep(60)
    return stream


@asynccontextmanager
async def running(
    mesh: StandIn,
    *faults: str,
    backends: Mapping[tuple[str, str, int], tuple[str, int]] | None = None,
    audit: Audit | None = None,
) -> AsyncIterator[Running]:
    """A server on a free port, and a client session on it."""
    kept, force = audit or Audit(), Faults(*faults)
    app = web.Application(middlewares=[audit_middleware(kept), fault_middleware(force)])
    add_stream_routes(app, mesh, backends or {})
    app.router.add_route("*", "/api/v1/{rest:.*}", _objects)
    app.router.add_route("*", "/apis/{rest:.*}", _objects)
    async with TestServer(app, shutdown_timeout=0.2) as server:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield Running(session, str(server.make_url("")).rstrip("/"), force, kept)
    # A transport that was closed is gone one turn of the loop later.
    await asyncio.sleep(0)
