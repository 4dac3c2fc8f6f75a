"""A mesh of one caller and one server, both with a sidecar, to be broken one way at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy import CertDetails, CertInfo
from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Request
from meshdoctor.parse.envoy import parse_clusters
from meshdoctor.trace.walk import walk
from tests import build
from tests.unit.parse.envoy import dumps

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

HOST = "ratings.shop.svc.cluster.local"
OUT = f"outbound|8080||{HOST}"
IN = "inbound|8080||"
SERVER_IP = "10.244.0.20"
RETRIES = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
PANIC_OFF: dict[str, Any] = {"healthy_panic_threshold": {}}
ISTIO_ALPN = ["istio", "istio-peer-exchange", "istio-http/1.1"]
INSPECTORS = [{"name": "envoy.filters.listener.tls_inspector"}]
SERVER_NAME = "spiffe://cluster.local/ns/shop/sa/default"


def server_tls() -> dict[str, Any]:
    """What a sidecar's inbound chain terminates."""
    context = {"tls_certificate_sds_secret_configs": [{"name": "default"}]}
    kind = "transport_sockets.tls.v3.DownstreamTlsContext"
    config = dumps.typed(kind, common_tls_context=context, require_client_certificate=True)
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def inbound_chain(*, tls: bool, filters: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The chain of port 8080 for mutual TLS, or for plaintext."""
    routes = {"virtual_hosts": [dumps.host("inbound|http|8080", dumps.to(IN))]}
    match: dict[str, Any] = {"destination_port": 8080, "transport_protocol": "raw_buffer"}
    more: dict[str, Any] = {}
    if tls:
        match |= {"transport_protocol": "tls", "application_protocols": ISTIO_ALPN}
        more = {"transport_socket": server_tls()}
    http = dumps.http(filters=filters, route_config=routes)
    return dumps.chain(http, name="0.0.0.0_8080", filter_chain_match=match, **more)


def rbac_rule(policy: str, namespace: str = "shop") -> dict[str, Any]:
    """An ALLOW filter with the first rule of one AuthorizationPolicy."""
    name = f"ns[{namespace}]-policy[{policy}]-rule[0]"
    held = {"permissions": [{"any": True}], "principals": [{"any": True}]}
    return dumps.rbac(rules={"policies": {name: held}})


def host_status(address: str = SERVER_IP, **stats: Any) -> dict[str, Any]:
    """One host of ``/clusters``; ``health`` and ``ejected`` are no counters."""
    health: dict[str, Any] = {"eds_health_status": stats.pop("health", "HEALTHY")}
    if stats.pop("ejected", False):
        health["failed_outlier_check"] = True
    return {
        "address": dumps.socket(address, 8080),
        "health_status": health,
        "stats": [{"name": name, "value": str(value)} for name, value in stats.items()],
    }


def certificate(until: datetime, name: str = SERVER_NAME) -> CertInfo:
    """A leaf as ``/certs`` shows it, valid for a day until then."""
    born = until - timedelta(days=1)
    return CertInfo((), (CertDetails("0a", "", (name,), 0, born, until, ""),), "")


def endpoint(address: str = SERVER_IP, tls: str = "istio", **fields: Any) -> dict[str, Any]:
    """One endpoint of a workload with a sidecar."""
    metadata: dict[str, Any] = {"istio": {"workload": "ratings-v1;shop;ratings;v1;Kubernetes"}}
    if tls:
        metadata["envoy.transport_socket_match"] = {"tlsMode": tls}
    return dumps.lb_endpoint(
        dumps.socket(address, 8080), metadata={"filter_metadata": metadata}, **fields
    )


@dataclass
class Mesh:
    """What both ends hold; a test changes one thing and walks."""

    routes: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"match": {"prefix": "/"}, "route": {"cluster": OUT, "retry_policy": RETRIES}}
        ]
    )
    cluster: dict[str, Any] | None = field(
        default_factory=lambda: {
            "common_lb_config": PANIC_OFF,
            "transport_socket_matches": dumps.automatic_tls(),
        }
    )
    endpoints: list[dict[str, Any]] = field(default_factory=lambda: [endpoint()])
    hosts: list[dict[str, Any]] = field(default_factory=list)
    inbound: list[dict[str, Any]] = field(
        default_factory=lambda: [inbound_chain(tls=True), inbound_chain(tls=False)]
    )
    inbound_hosts: list[dict[str, Any]] = field(default_factory=list)
    inbound_updated: str = "2026-11-21T07:11:10Z"
    objects: list[dict[str, Any]] = field(default_factory=list)
    client: dict[str, Any] = field(
        default_factory=lambda: build.pod("client", owner="client-v1", ip="10.244.0.10")
    )
    server: dict[str, Any] = field(
        default_factory=lambda: build.pod("ratings", ip=SERVER_IP, labels={"app": "ratings"})
    )
    server_certs: tuple[CertInfo, ...] = ()
    client_read: bool = True
    server_read: bool = True
    catch_all: dict[str, Any] = field(
        default_factory=lambda: dumps.host("allow_any", dumps.to("PassthroughCluster"))
    )

    def _client_dump(self) -> Any:
        chain = dumps.chain(
            dumps.http("8080"),
            filter_chain_match={
                "transport_protocol": "raw_buffer",
                "application_protocols": ["http/1.1", "h2c"],
            },
        )
        outbound = dumps.listener("0.0.0.0_8080", 8080, chain, bind_to_port=False)
        virtual = dumps.listener(
            "virtualOutbound", 15001, dumps.chain(dumps.tcp("PassthroughCluster"))
        )
        domains = (HOST, "ratings", "ratings.shop", "ratings.shop.svc")
        own = dumps.host(f"{HOST}:8080", *self.routes, domains=domains)
        config = {**dumps.route_config("8080", own, self.catch_all)}
        config["ignore_port_in_host_matching"] = True
        held = [dumps.cluster("PassthroughCluster", type="ORIGINAL_DST")]
        if self.cluster is not None:
            held.append({**dumps.cluster(OUT), **self.cluster})
        return dumps.read(
            dumps.clusters(*held),
            dumps.listeners(outbound, virtual),
            dumps.routes(config),
            dumps.endpoints(dumps.assignment(OUT, *self.endpoints)),
        )

    def _server_dump(self) -> Any:
        virtual = dumps.listener(
            "virtualInbound", 15006, *self.inbound, listener_filters=INSPECTORS
        )
        entry = dumps.active(virtual)
        entry["active_state"]["last_updated"] = self.inbound_updated
        return dumps.read(
            dumps.clusters(dumps.cluster(IN, type="ORIGINAL_DST")),
            dumps.section("Listeners", dynamic_listeners=[entry]),
        )

    def snapshot(self) -> Snapshot:
        """The snapshot."""
        proxies = []
        if self.client_read:
            seen = _hosts(OUT, self.hosts)
            proxies.append(build.proxy("client", config=self._client_dump(), hosts=seen))
        if self.server_read:
            seen = _hosts(IN, self.inbound_hosts)
            parts = {"config": self._server_dump(), "hosts": seen, "certs": self.server_certs}
            proxies.append(build.proxy("ratings", **parts))
        slices = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "ratings-1",
                "namespace": "shop",
                "labels": {"kubernetes.io/service-name": "ratings"},
            },
            "endpoints": [{"addresses": [SERVER_IP], "conditions": {"ready": True}}],
        }
        return build.mesh(
            [
                build.namespace("shop"),
                build.service("ratings"),
                build.deployment("client-v1"),
                self.client,
                self.server,
                slices,
                *self.objects,
            ],
            proxies=proxies,
        )

    def walk(self, **request: Any) -> Walk:
        """Walk a request for ratings:8080 from the client."""
        mesh = self.snapshot()
        client = mesh.catalog.find(POD, "shop", "client")
        assert client is not None
        asked = Request(client=client, host="ratings", port=8080)
        return walk(mesh, replace(asked, **request))


def _hosts(name: str, hosts: list[dict[str, Any]]) -> Any:
    return parse_clusters(
        json.dumps({"cluster_statuses": [{"name": name, "host_statuses": hosts}]}).encode()
    )


def ends(walked: Walk) -> list[tuple[int | None, str]]:
    """Status and flags of every outcome, the likeliest first; delivered is None without flags."""
    return [(outcome.status, ",".join(outcome.flags)) for outcome in walked.outcomes]


DELIVERED = (None, "")
