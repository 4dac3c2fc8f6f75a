"""A shop behind an ingress gateway for hand-built snapshots, all of it under names of its own."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from meshdoctor.parse.envoy import parse_config_dump
from tests.build import NOW, deployment, istio_object, pod, service
from tests.build import proxy as read_proxy
from tests.unit.analyze.traffic_build import line, log

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.proxy import Proxy

EDGE = "edge"
"""Namespace of the gateway's pods."""
LABELS = {"app": "front-door", "istio": "front"}
SELECTOR = {"istio": "front"}
HOST = "books.example.org"
SUBJECT = "gateway store/door"
DOOR = "Gateway store/door"
ROUTES = "VirtualService store/books"


def server(
    port: int = 80, *hosts: str, protocol: str = "HTTP", tls: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = {"port": {"number": port, "name": "web", "protocol": protocol}}
    return {**found, "hosts": list(hosts or (HOST,)), **({"tls": tls} if tls else {})}


def gateway(
    *servers: dict[str, Any],
    name: str = "door",
    namespace: str = "store",
    selector: dict[str, str] | None = None,
) -> dict[str, Any]:
    chosen = SELECTOR if selector is None else selector
    listed = list(servers or (server(),))
    return istio_object(
        "Gateway", name, namespace, group="networking.istio.io", selector=chosen, servers=listed
    )


def routes(
    name: str = "books",
    namespace: str = "store",
    *,
    hosts: tuple[str, ...] = (HOST,),
    gateways: tuple[str, ...] | None = ("door",),
    created: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A VirtualService that sends everything to a Service named after it."""
    if not spec:
        spec = {"http": [{"route": [{"destination": {"host": name, "port": {"number": 8080}}}]}]}
    if gateways is not None:
        spec["gateways"] = list(gateways)
    found = istio_object("VirtualService", name, namespace, hosts=list(hosts), **spec)
    if created:
        found["metadata"]["creationTimestamp"] = created
    return found


def front(*, replicas: int = 1, pods: int = 1, **spec: Any) -> list[dict[str, Any]]:
    """The gateway's Deployment, its pods and its Service."""
    made = deployment("front-door", EDGE, labels=LABELS, replicas=replicas)
    made["spec"]["template"]["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto"}]
    found = [made, _service(**spec)]
    for number in range(pods):
        item = pod(
            f"front-door-abc-{number}",
            EDGE,
            owner="front-door",
            labels=dict(LABELS),
            proxy=None,
            ip=f"10.244.1.{number + 1}",
        )
        args = ["proxy", "router", "--domain", "edge.svc.cluster.local"]
        item["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2", "args": args}]
        found.append(item)
    return found


def _service(**spec: Any) -> dict[str, Any]:
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"},
        {"name": "https", "port": 443, "targetPort": 8443, "protocol": "TCP"},
    ]
    return service("front-door", EDGE, selector=LABELS, **{"ports": ports, **spec})


def shop(*more: dict[str, Any], **front_parts: Any) -> list[dict[str, Any]]:
    """The gateway and what these objects say of it."""
    return [*front(**front_parts), *more]


def not_found(host: str = HOST, *, count: int = 3, seconds_ago: float = 10) -> list[str]:
    """Requests that found no route at the gateway."""
    found: dict[str, Any] = {
        "code": 404,
        "flags": "NR",
        "details": "route_not_found",
        "authority": host,
    }
    return [line(seconds_ago=seconds_ago + n, **found) for n in range(count, 0, -1)]


def edge_proxy(
    *lines: str,
    domains: dict[str, tuple[str, ...]] | None = None,
    warming: tuple[str, ...] = (),
    active: dict[str, bytes] | None = None,
) -> Proxy:
    """What was read of the gateway's first pod.

    Args:
        lines: its access log.
        domains: for each host of its routes, the VirtualServices (``namespace/name``) in order.
        warming: the secrets that it waits for.
        active: the certificates that it shows, by the secret's name.
    """
    return read_proxy(
        "front-door-abc-0",
        EDGE,
        log=log(*lines),
        config=parse_config_dump(json.dumps(_dump(domains or {}, warming, active or {})).encode()),
    )


def _dump(
    domains: dict[str, tuple[str, ...]], warming: tuple[str, ...], active: dict[str, bytes]
) -> dict[str, Any]:
    type_of = "type.googleapis.com/envoy.admin.v3.{}ConfigDump".format
    hosts = [
        {
            "name": f"{host}:80",
            "domains": [host],
            "routes": [
                {
                    "match": {"prefix": "/"},
                    "route": {"cluster": "outbound|8080||books.store.svc.cluster.local"},
                    "metadata": {
                        "filter_metadata": {
                            "istio": {
                                "config": "/apis/networking.istio.io/v1/namespaces/"
                                + text.replace("/", "/virtual-service/")
                            }
                        }
                    },
                }
                for text in rules
            ],
        }
        for host, rules in domains.items()
    ]
    empty = [{"name": "blackhole:80", "domains": ["*"]}]
    config = {"name": "http.8080", "virtual_hosts": hosts or empty}
    waiting = [{"name": name, "version_info": "uninitialized"} for name in warming]
    shown = [
        {
            "name": name,
            "secret": {
                "name": name,
                "tls_certificate": {
                    "certificate_chain": {"inline_bytes": base64.b64encode(pem).decode()}
                },
            },
        }
        for name, pem in active.items()
    ]
    return {
        "configs": [
            {"@type": type_of("Routes"), "dynamic_route_configs": [{"route_config": config}]},
            {
                "@type": type_of("Secrets"),
                "dynamic_active_secrets": shown,
                "dynamic_warming_secrets": waiting,
            },
        ]
    }


@cache
def certificate(start: datetime = NOW - timedelta(days=1), days: int = 30) -> bytes:
    """A certificate in PEM, made by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def secret(
    name: str = "books-cert",
    namespace: str = EDGE,
    *,
    data: dict[str, bytes] | None = None,
    **derived: Any,
) -> dict[str, Any]:
    """A Secret whose key bytes were taken out, as every recording has it."""
    held = {"tls.crt": certificate(), "tls.key": b"REDACTED"} if data is None else data
    said = {"parses": True, "matchesCertificate": True, **derived}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in held.items()},
        "derived": {"tls.key": said, "key": said},
    }
