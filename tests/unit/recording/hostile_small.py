"""A small valid recording made in code: one namespace, one pod with a proxy, one istiod."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CAPTURED_AT = "2026-11-21T07:26:33Z"
BORN_AT = "2026-11-21T07:11:00Z"
REVIEWS = "reviews-v1-6b7d6595dc-kqt9l"
ISTIOD = "istiod-5569d66fcc-clhk9"
PODS = "kubernetes/core/v1/pods.json"
PROXY = f"proxies/shop/{REVIEWS}"
CONTROL_PLANE = f"istiod/istio-system/{ISTIOD}"
CLUSTER = "outbound|8080||reviews.shop.svc.cluster.local"
_EMPTY_LISTS = (
    "apps/v1/daemonsets",
    "apps/v1/replicasets",
    "apps/v1/statefulsets",
    "core/v1/configmaps",
    "core/v1/events",
    "networking.k8s.io/v1/networkpolicies",
    "apiextensions.k8s.io/v1/customresourcedefinitions",
)


def manifest(**changes: object) -> bytes:
    """recording.json with some fields changed; a field set to None is left out."""
    fields: dict[str, object] = {
        "format": "meshdoctor.recording/v1",
        "captured_at": CAPTURED_AT,
        "kubernetes": "v1.33.13",
        "istio": "1.32.0-dev",
        "errors": [],
    }
    fields.update(changes)
    return _json({key: value for key, value in fields.items() if value is not None})


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _list(kind: str, version: str, *items: dict[str, Any]) -> bytes:
    return _json({"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items})


def _meta(name: str, namespace: str | None = None, **labels: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "creationTimestamp": BORN_AT, "labels": labels}
    return meta if namespace is None else {**meta, "namespace": namespace}


def _pod(name: str, namespace: str, address: str, *names: str, **labels: str) -> dict[str, Any]:
    statuses = [
        {"name": item, "ready": True, "restartCount": 0, "state": {"running": {}}} for item in names
    ]
    return {
        "metadata": _meta(name, namespace, **labels),
        "spec": {"containers": [{"name": item} for item in names]},
        "status": {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": statuses,
        },
    }


def pods() -> dict[str, Any]:
    """The pod list, for tests that damage a part of it."""
    app = _pod(REVIEWS, "shop", "10.244.0.29", "app", "istio-proxy", app="reviews")
    app["metadata"]["annotations"] = {"sidecar.istio.io/status": "{}"}
    istiod = _pod(ISTIOD, "istio-system", "10.244.0.5", "discovery", app="istiod")
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [app, istiod]}


def _kubernetes() -> dict[str, bytes]:
    service = {
        "metadata": _meta("reviews", "shop"),
        "spec": {
            "selector": {"app": "reviews"},
            "clusterIP": "10.96.0.10",
            "ports": [{"name": "http", "port": 8080, "targetPort": 8080}],
        },
    }
    endpoints = {
        "metadata": _meta("reviews-x", "shop", **{"kubernetes.io/service-name": "reviews"}),
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": ["10.244.0.29"], "conditions": {"ready": True}}],
    }
    injector = {
        "metadata": _meta("istio-sidecar-injector"),
        "webhooks": [
            {
                "name": "namespace.sidecar-injector.istio.io",
                "clientConfig": {"service": {"name": "istiod", "namespace": "istio-system"}},
                "namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}},
            }
        ],
    }
    spaces = [_meta("shop", **{"istio-injection": "enabled"}), _meta("istio-system")]
    deployment = {
        "metadata": _meta("reviews-v1", "shop"),
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "reviews"}}},
        "status": {"replicas": 1, "readyReplicas": 1},
    }
    files = {path: _list("", "v1") for path in _EMPTY_LISTS}
    files |= {
        "core/v1/namespaces": _list("Namespace", "v1", *({"metadata": item} for item in spaces)),
        "core/v1/pods": _json(pods()),
        "core/v1/services": _list("Service", "v1", service),
        "discovery.k8s.io/v1/endpointslices": _list(
            "EndpointSlice", "discovery.k8s.io/v1", endpoints
        ),
        "apps/v1/deployments": _list("Deployment", "apps/v1", deployment),
        "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": _list(
            "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", injector
        ),
    }
    return {f"kubernetes/{path}.json": data for path, data in files.items()}


def _host() -> dict[str, Any]:
    return {"socket_address": {"address": "10.244.0.29", "port_value": 8080}}


def _config_dump() -> bytes:
    route = {
        "name": "8080",
        "virtual_hosts": [
            {
                "name": "reviews.shop.svc.cluster.local:8080",
                "domains": ["reviews.shop.svc.cluster.local", "reviews"],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": CLUSTER}}],
            }
        ],
    }
    lookup = {"endpoints": [{"lb_endpoints": [{"endpoint": {"address": _host()}}]}]}
    admin = "type.googleapis.com/envoy.admin.v3"
    return _json(
        {
            "configs": [
                {"@type": f"{admin}.BootstrapConfigDump", "bootstrap": {"node": {"id": REVIEWS}}},
                {
                    "@type": f"{admin}.ClustersConfigDump",
                    "dynamic_active_clusters": [{"cluster": {"name": CLUSTER, "type": "EDS"}}],
                },
                {
                    "@type": f"{admin}.EndpointsConfigDump",
                    "dynamic_endpoint_configs": [
                        {"endpoint_config": {"cluster_name": CLUSTER, **lookup}}
                    ],
                },
                {"@type": f"{admin}.ListenersConfigDump", "dynamic_listeners": []},
                {
                    "@type": f"{admin}.RoutesConfigDump",
                    "dynamic_route_configs": [{"route_config": route}],
                },
            ]
        }
    )


def _proxy() -> dict[str, bytes]:
    host = {"address": _host(), "health_status": {"eds_health_status": "HEALTHY"}}
    line = (
        '[2026-11-21T07:26:29.463Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 471 1 1 "-" '
        '"curl" "3b798d13-95ef-4335-a982-5c276184c786" "reviews:8080" "10.244.0.29:8080" '
        f"{CLUSTER} 10.244.0.33:55704 10.96.0.10:8080 10.244.0.33:37486 - default\n"
    )
    return {
        f"{PROXY}/config_dump.json": _config_dump(),
        f"{PROXY}/clusters.json": _json(
            {"cluster_statuses": [{"name": CLUSTER, "host_statuses": [host]}]}
        ),
        f"{PROXY}/listeners.json": _json({"listener_statuses": []}),
        f"{PROXY}/certs.json": _json({"certificates": []}),
        f"{PROXY}/server_info.json": _json({"version": "1.40.0", "state": "LIVE"}),
        f"{PROXY}/stats.txt": b"cluster.xds-grpc;.assignment_stale: 0\n",
        f"{PROXY}/ready.txt": b"200\n",
        f"{PROXY}/istio-proxy.log": line.encode(),
    }


def _istiod() -> dict[str, bytes]:
    nonce = "2026-11-21T07:11:42Z/17"
    kinds = ("cluster", "listener", "route", "endpoint")
    sync = {f"{kind}_{word}": nonce for kind in kinds for word in ("sent", "acked")}
    proxy = {"cluster_id": "Kubernetes", "proxy": f"{REVIEWS}.shop", "proxy_type": "sidecar"}
    client = {"connectionId": f"{REVIEWS}.shop-1", "connectedAt": BORN_AT, "address": "10.0.0.1:1"}
    return {
        f"{CONTROL_PLANE}/debug/syncz.json": _json([{**proxy, **sync}]),
        f"{CONTROL_PLANE}/debug/connections.json": _json({"totalClients": 1, "clients": [client]}),
        f"{CONTROL_PLANE}/debug/mesh.json": _json({"rootNamespace": "istio-system"}),
        f"{CONTROL_PLANE}/version.txt": b"1.32.0-dev\n",
        f"{CONTROL_PLANE}/ready.txt": b"200\n",
        f"{CONTROL_PLANE}/discovery.log": b"2026-11-21T07:13:26Z\tinfo\tads\tADS: new connection\n",
    }


def small_files() -> dict[str, bytes]:
    """The recording's files by path, recording.json first as our writer has it."""
    version = _json({"major": "1", "minor": "33", "gitVersion": "v1.33.13"})
    first = {"recording.json": manifest(), "kubernetes/version.json": version}
    return {**first, **_kubernetes(), **_istiod(), **_proxy()}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Lay files out in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def small_recording(folder: Path) -> Path:
    """Write the small valid recording into a folder."""
    return write_folder(folder, small_files())
