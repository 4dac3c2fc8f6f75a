"""A mesh of objects alone: client, ratings v1 and v2 in shop, payments in pay, a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Request
from meshdoctor.trace.walk import walk
from tests import build

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

V1, V2, PAY, FRONT = "10.244.0.20", "10.244.0.21", "10.244.0.30", "10.244.0.40"
SERVER = "ratings-v1"


def slice_of(
    service: str, namespace: str, *addresses: str, ready: bool = True, port: int = 8080
) -> dict[str, Any]:
    """An EndpointSlice of one port, ``http``."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [address], "conditions": {"ready": ready}} for address in addresses
        ],
    }


def rule(name: str = "ratings", **spec: Any) -> dict[str, Any]:
    """A VirtualService for ratings unless it names other hosts."""
    return build.istio_object("VirtualService", name, hosts=spec.pop("hosts", ["ratings"]), **spec)


def to(host: str = "ratings", subset: str = "", **fields: Any) -> dict[str, Any]:
    """A rule with one destination."""
    return {
        "route": [{"destination": {"host": host, **({"subset": subset} if subset else {})}}]
    } | (fields)


def policy(name: str = "ratings", host: str = "ratings", **spec: Any) -> dict[str, Any]:
    """A DestinationRule."""
    return build.istio_object("DestinationRule", name, host=host, **spec)


def aged(item: dict[str, Any], time: str) -> dict[str, Any]:
    """The same object, made at a time."""
    return {**item, "metadata": {**item["metadata"], "creationTimestamp": time}}


def gateway_pod(**labels: str) -> dict[str, Any]:
    """A gateway's pod in istio-system."""
    chosen = labels or {"istio": "front"}
    made = build.pod("front", "istio-system", proxy=None, ip=FRONT, labels=chosen)
    made["spec"]["containers"] = [{"name": "istio-proxy", "args": ["proxy", "router"]}]
    return made


def gateway(*servers: dict[str, Any], name: str = "doorway") -> dict[str, Any]:
    """A Gateway for the gateway's pod."""
    return build.istio_object(
        "Gateway", name, selector={"istio": "front"}, servers=list(servers or [http_server()])
    )


def http_server(*hosts: str, **fields: Any) -> dict[str, Any]:
    """A server for plaintext at port 80."""
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    return {"port": port, "hosts": list(hosts) or ["shop.example.com"], **fields}


def tls_server(*hosts: str, mode: str = "SIMPLE", **tls: Any) -> dict[str, Any]:
    """A server for TLS at port 443."""
    port = {"number": 443, "name": "https", "protocol": "HTTPS"}
    names = list(hosts) or ["shop.example.com"]
    return {"port": port, "hosts": names, "tls": {"mode": mode, **tls}}


@dataclass
class Asked:
    """The objects; a test adds some or changes one, and walks."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    client: dict[str, Any] = field(
        default_factory=lambda: build.pod("client", owner="client-v1", ip="10.244.0.10")
    )
    v1: dict[str, Any] = field(
        default_factory=lambda: build.pod(SERVER, ip=V1, labels={"app": "ratings", "version": "v1"})
    )
    service: dict[str, Any] = field(default_factory=lambda: build.service("ratings"))
    endpoints: dict[str, Any] = field(default_factory=lambda: slice_of("ratings", "shop", V1, V2))
    unread: Iterable[Kind] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        """The snapshot."""
        front = build.service(
            "front",
            "istio-system",
            selector={"istio": "front"},
            clusterIP="10.96.0.12",
            ports=[
                {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"},
                {"name": "https", "port": 443, "targetPort": 8443, "protocol": "TCP"},
            ],
        )
        labels = {"app": "ratings", "version": "v2"}
        return build.mesh(
            [
                build.namespace("shop"),
                build.namespace("pay"),
                build.namespace("istio-system"),
                self.service,
                build.service("payments", "pay", clusterIP="10.96.0.11"),
                front,
                build.deployment("client-v1"),
                self.client,
                self.v1,
                build.pod("ratings-v2", ip=V2, labels=labels),
                build.pod("payments-1", "pay", ip=PAY, labels={"app": "payments"}),
                gateway_pod(),
                self.endpoints,
                slice_of("payments", "pay", PAY),
                *self.objects,
            ],
            unread=self.unread,
            istiods=[build.istiod(mesh=self.settings)],
        )

    def walk(self, **request: Any) -> Walk:
        """Walk a request from the client, by the objects alone."""
        mesh = self.snapshot()
        client = mesh.catalog.find(POD, "shop", "client")
        assert client is not None
        asked = Request(client=client, host="ratings", port=8080)
        return walk(mesh, replace(asked, **request), intent_only=True)

    def enter(self, **request: Any) -> Walk:
        """Walk a request from outside through the gateway, by the objects alone."""
        mesh = self.snapshot()
        pod = mesh.catalog.find(POD, "istio-system", "front")
        assert pod is not None
        asked = Request(client=pod, host="shop.example.com", port=80, from_gateway=True)
        return walk(mesh, replace(asked, **request), intent_only=True)


def shares(walked: Walk) -> dict[str, float]:
    """The part of requests by status and flags; ``ok`` is delivered."""
    found: dict[str, float] = {}
    for item in walked.outcomes:
        flags = ",".join(item.flags)
        name = ("ok" if item.delivered else str(item.status)) + (f" {flags}" if flags else "")
        found[name] = round(found.get(name, 0.0) + item.share, 3)
    return found
