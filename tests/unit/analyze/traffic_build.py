"""A small shop for hand-built snapshots: a client, ratings and reviews, and what proxies log."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.model.finding import Outcome
from meshdoctor.parse.envoy import parse_clusters, parse_config_dump
from meshdoctor.parse.proxy_log import read_proxy_log
from tests.build import NOW, deployment, istio_object, namespace, pod, proxy, service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.access_log import ProxyLog
    from meshdoctor.model.envoy import ConfigDump, HostStatuses
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

RATINGS = "ratings.shop.svc.cluster.local"
REVIEWS = "reviews.shop.svc.cluster.local"
TO_RATINGS = f"outbound|8080||{RATINGS}"
CLIENT, RATINGS_POD = "client-v1-abc-1", "ratings-v1-abc-1"
CLIENT_IP, RATINGS_IP = "10.244.0.5", "10.244.0.6"
RATINGS_VIP = "10.96.0.6"
REFUSED = "upstream_reset_before_response_started{remote_connection_failure|Connection_refused}"


def line(
    cluster: str = "-",
    *,
    code: int = 200,
    flags: str = "-",
    details: str = "via_upstream",
    failure: str = "-",
    authority: str = "ratings:8080",
    upstream: str = "-",
    local: str = f"{RATINGS_VIP}:8080",
    seconds_ago: float = 10,
) -> str:
    """One line in Istio's default format."""
    time = (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f'[{time}] "GET / HTTP/1.1" {code} {flags} {details} - "{failure}" 0 9 1 1 "-" "curl/8" '
        f'"11111111-2222-3333-4444-555555555555" "{authority}" "{upstream}" {cluster} '
        f"{CLIENT_IP}:4000 {local} {CLIENT_IP}:5000 - default"
    )


def no_healthy_upstream(cluster: str = TO_RATINGS, *, count: int = 3, **more: Any) -> list[str]:
    """Calls that found no host."""
    found = {"code": 503, "flags": "UH", "details": "no_healthy_upstream", **more}
    return [line(cluster, seconds_ago=10 + n, **found) for n in range(count, 0, -1)]


def no_cluster(*, authority: str = "ratings:8080", count: int = 3, **more: Any) -> list[str]:
    """Calls for which the proxy had no cluster."""
    found = {"code": 503, "flags": "NC", "details": "cluster_not_found", **more}
    return [line(authority=authority, seconds_ago=10 + n, **found) for n in range(count, 0, -1)]


def refused(port: int, *, count: int = 3) -> list[str]:
    """Calls that the server's own proxy could not hand to the application."""
    return [
        line(
            f"inbound|{port}||",
            code=503,
            flags="URX,UF",
            details=REFUSED,
            failure="delayed_connect_error:_Connection_refused",
            upstream=f"{RATINGS_IP}:{port}",
            local=f"{RATINGS_IP}:{port}",
            seconds_ago=10 + n,
        )
        for n in range(count, 0, -1)
    ]


def answered(port: int = 8080, *, code: int = 200, count: int = 3, since: int = 10) -> list[str]:
    """Calls that the application answered, as its own proxy saw them."""
    return [
        line(f"inbound|{port}||", code=code, local=f"{RATINGS_IP}:{port}", seconds_ago=since + n)
        for n in range(count, 0, -1)
    ]


def log(*lines: str) -> ProxyLog:
    """A proxy's log of these lines."""
    return read_proxy_log("".join(f"{text}\n" for text in lines).encode())


def hosts(clusters: Mapping[str, Iterable[Mapping[str, Any]]]) -> HostStatuses:
    """Host statuses: for each cluster its hosts as ``{"ip": …, "port": …, counter: value}``.

    ``ejected`` and ``health`` set the health status.
    """
    statuses = []
    for name, entries in clusters.items():
        listed = []
        for entry in entries:
            health: dict[str, Any] = {"eds_health_status": entry.get("health", "HEALTHY")}
            if entry.get("ejected"):
                health["failed_outlier_check"] = True
            counters = {k: v for k, v in entry.items() if k.startswith(("cx_", "rq_"))}
            listed.append(
                {
                    "address": {
                        "socket_address": {
                            "address": entry.get("ip", RATINGS_IP),
                            "port_value": entry.get("port", 8080),
                        }
                    },
                    "health_status": health,
                    "stats": [{"name": k, "value": str(v)} for k, v in counters.items()],
                }
            )
        statuses.append({"name": name, "host_statuses": listed})
    return parse_clusters(json.dumps({"cluster_statuses": statuses}).encode())


def dump(
    clusters: Mapping[str, Mapping[str, Any]],
    routes: Iterable[str] = (),
    endpoints: Mapping[str, Iterable[str]] | None = None,
) -> ConfigDump:
    """A configuration dump with these clusters, a route to each of these, and EDS."""
    type_of = "type.googleapis.com/envoy.admin.v3.{}ConfigDump".format
    virtual_hosts = [
        {
            "name": f"host-{n}",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name}}],
        }
        for n, name in enumerate(routes)
    ]
    document = {
        "configs": [
            {
                "@type": type_of("Clusters"),
                "dynamic_active_clusters": [
                    {"cluster": {"name": name, "type": "EDS", **more}}
                    for name, more in clusters.items()
                ],
            },
            {
                "@type": type_of("Routes"),
                "dynamic_route_configs": [
                    {"route_config": {"name": "8080", "virtual_hosts": virtual_hosts}}
                ],
            },
            {
                "@type": type_of("Endpoints"),
                "dynamic_endpoint_configs": [
                    {
                        "endpoint_config": {
                            "cluster_name": name,
                            "endpoints": [{"lb_endpoints": [_endpoint(ip) for ip in ips]}],
                        }
                    }
                    for name, ips in (endpoints or {}).items()
                ],
            },
        ]
    }
    return parse_config_dump(json.dumps(document).encode())


def _endpoint(ip: str) -> dict[str, Any]:
    address = {"socket_address": {"address": ip, "port_value": 8080}}
    return {"endpoint": {"address": address}, "health_status": "HEALTHY"}


def client(*lines: str, **parts: Any) -> Proxy:
    """The caller's proxy; without lines it still writes an access log, of other calls."""
    other = line("outbound|8080||other.shop.svc.cluster.local", authority="other:8080")
    return proxy(CLIENT, log=log(*(lines or (other,))), **parts)


def server(*lines: str, **parts: Any) -> Proxy:
    """The proxy beside ratings."""
    return proxy(RATINGS_POD, log=log(*(lines or answered(count=1))), **parts)


def ratings_pod(**more: Any) -> dict[str, Any]:
    """The pod of Deployment ratings-v1."""
    labels = more.pop("labels", {"app": "ratings", "version": "v1"})
    return pod(RATINGS_POD, owner="ratings-v1", labels=labels, ip=RATINGS_IP, **more)


def client_pod() -> dict[str, Any]:
    """The pod of Deployment client-v1."""
    labels = {"app": "client", "version": "v1"}
    return pod(CLIENT, owner="client-v1", labels=labels, ip=CLIENT_IP)


def ratings_service(**more: Any) -> dict[str, Any]:
    """Service ratings at RATINGS_VIP."""
    return service("ratings", clusterIP=RATINGS_VIP, **more)


def app_deployment(name: str, app: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    """A Deployment whose pods carry app and version."""
    return deployment(name, labels={"app": app, "version": version}, **more)


def shop(*, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Namespace shop with a client and ratings, everything in order.

    Args:
        without: text forms of objects to leave out, e.g. ``Pod ratings-v1-abc-1``.
    """
    objects = [
        namespace("shop", istio_injection="enabled"),
        ratings_service(),
        app_deployment("ratings-v1", "ratings"),
        app_deployment("client-v1", "client"),
        ratings_pod(),
        client_pod(),
    ]
    return [item for item in objects if f"{item['kind']} {item['metadata']['name']}" not in without]


def route_to(
    host: str,
    *,
    name: str = "route",
    hosts: Iterable[str] = ("ratings",),
    subset: str | None = None,
    port: int | None = None,
    weight: int | None = None,
    beside: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A VirtualService of shop that sends everything for some hosts to one destination."""
    destination: dict[str, Any] = {"host": host}
    if subset is not None:
        destination["subset"] = subset
    if port is not None:
        destination["port"] = {"number": port}
    share: dict[str, Any] = {"destination": destination}
    if weight is not None:
        share["weight"] = weight
    routes = [share, *([beside] if beside else [])]
    return istio_object("VirtualService", name, hosts=list(hosts), http=[{"route": routes}], **spec)


def problems(analyzer: Analyzer, mesh: Snapshot) -> list[Finding]:
    """Its failures and warnings."""
    wrong = (Outcome.FAIL, Outcome.WARN)
    return [found for found in analyzer.analyze(mesh) if found.outcome in wrong]


def named(analyzer: Analyzer, mesh: Snapshot) -> list[tuple[str, str, str]]:
    """Code, subject and object at fault of each of its failures, notes left out."""
    return sorted((f.code, f.subject, f.objects[0]) for f in problems(analyzer, mesh) if f.root)


def unknowns(analyzer: Analyzer, mesh: Snapshot) -> dict[str, tuple[str, ...]]:
    """What each of its UNKNOWN findings needs, by code."""
    return {f.code: f.needs for f in analyzer.analyze(mesh) if f.outcome is Outcome.UNKNOWN}


def passed(analyzer: Analyzer, mesh: Snapshot) -> set[tuple[str, str]]:
    """Code and subject of what it rules out."""
    return {(f.code, f.subject) for f in analyzer.analyze(mesh) if f.outcome is Outcome.PASS}
