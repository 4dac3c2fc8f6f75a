"""A mesh of a few objects, and an HTTP client nobody here wrote."""

from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from meshdoctor.serve.faults import Faults

CAPTURED = "2026-11-21T08:00:00Z"
Lists = dict[str, list[dict[str, Any]]]


def named(name: str, namespace: str = "", version: int = 1, **more: Any) -> dict[str, Any]:
    """An object as a List of the API server holds it."""
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}
    metadata |= {"creationTimestamp": "2026-11-21T07:00:00Z"}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= more.pop("metadata", {})
    return {"metadata": metadata, **more}


def crd(name: str, kind: str, **spec: Any) -> dict[str, Any]:
    """A CRD; without a spec as recordings have it that are trimmed."""
    plural = name.partition(".")[0]
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "shortNames": ["x"]}
    status = {"acceptedNames": names, "storedVersions": ["v1"]}
    return named(name, spec=spec | ({"names": names} if spec else {}), status=status)


def shop() -> Lists:
    """Two namespaces, three pods, a Deployment, a Service and a VirtualService."""
    host = {"hosts": ["web"], "gateways": ["a", "b"]}
    virtual = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "spec": host}
    containers = [{"name": "app", "image": "app:1"}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {
        "core/v1/namespaces": [named("pay"), named("shop", labels=None)],
        "core/v1/pods": [
            named("db", "pay", metadata={"labels": {"app": "db"}}, spec={"nodeName": "n1"}),
            named("web-1", "shop", metadata={"labels": {"app": "web", "version": "v1"}}),
            named("web-2", "shop", metadata={"labels": {"app": "web", "version": "v2"}}),
        ],
        "core/v1/services": [named("web", "shop", spec={"ports": [{"port": 80}]})],
        "core/v1/configmaps": [],
        "core/v1/secrets": [],
        "apps/v1/deployments": [
            named("web", "shop", 7, metadata={"generation": 1}, spec=spec, status={"replicas": 1})
        ],
        "apiextensions.k8s.io/v1/customresourcedefinitions": [
            crd("virtualservices.networking.istio.io", "VirtualService"),
            crd("sidecars.networking.istio.io", "Sidecar"),
        ],
        "networking.istio.io/v1/virtualservices": [named("web", "shop", 9, **virtual)],
    }


def mesh_of(lists: Mapping[str, Sequence[dict[str, Any]]], *errors: dict[str, str]) -> Mesh:
    """A recording of these lists, and of what the recorder could not read."""
    manifest = {
        "format": "meshdoctor.recording/v1",
        "captured_at": CAPTURED,
        "kubernetes": "v1.33.1",
        "errors": list(errors),
    }
    files = {"recording.json": json.dumps(manifest).encode()}
    for place, items in lists.items():
        document = {"kind": "", "metadata": {"resourceVersion": "10"}, "items": list(items)}
        files[f"kubernetes/{place}.json"] = json.dumps(document).encode()
    return Mesh.of("shop.tar.gz", files)


def client_of(server: Server, token: str | None = None) -> httpx.AsyncClient:
    """A client that trusts the server's authority and has its token, or another one."""
    trust = ssl.create_default_context(cadata=server.ca_pem.decode())
    bearer = server.token if token is None else token
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx.AsyncClient(base_url=server.url, verify=trust, headers=headers, timeout=5)


@asynccontextmanager
async def api(
    mesh: Mesh | None = None, faults: Faults | None = None
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """A server and a client on it."""
    async with (
        Server(mesh or mesh_of(shop()), faults=faults) as server,
        client_of(server) as client,
    ):
        yield server, client
