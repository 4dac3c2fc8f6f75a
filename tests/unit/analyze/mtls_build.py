"""Two namespaces for mTLS: clients in shop, a server in pay, outsiders in legacy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.parse.envoy import parse_config_dump
from tests.build import NOW, deployment, istio_object, mesh, namespace, pod, proxy, service
from tests.unit.analyze.traffic_build import line, log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.envoy import ConfigDump
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

PAYMENTS = "payments.pay.svc.cluster.local"
TO_PAYMENTS = f"outbound|8080||{PAYMENTS}"
AT_PAYMENTS = f"destination {PAYMENTS}:8080"
CLIENT, SERVER, LEGACY = "client-v1-abc-1", "payments-v1-abc-1", "legacy-v1-abc-1"
CLIENT_IP, SERVER_IP, LEGACY_IP, NODE_IP = "10.244.0.5", "10.244.0.6", "10.244.0.7", "10.244.0.1"

_ISTIO_TLS = {
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {
            "tls_certificate_sds_secret_configs": [{"name": "default"}],
            "combined_validation_context": {
                "validation_context_sds_secret_config": {"name": "ROOTCA"}
            },
        },
    }
}


def rule(
    name: str = "payments",
    space: str = "shop",
    *,
    host: str = PAYMENTS,
    mode: str | None = "DISABLE",
    **spec: Any,
) -> dict[str, Any]:
    """A DestinationRule that sets a tls mode for a host."""
    policy = {"trafficPolicy": {"tls": {"mode": mode}}} if mode else {}
    return istio_object("DestinationRule", name, space, host=host, **{**policy, **spec})


def policy(
    mode: str | None = "STRICT",
    space: str = "pay",
    name: str = "default",
    *,
    app: str | None = None,
    ports: Mapping[int, str] | None = None,
    created: str | None = None,
) -> dict[str, Any]:
    """A PeerAuthentication; for an app or for the whole namespace."""
    spec: dict[str, Any] = {}
    if mode:
        spec["mtls"] = {"mode": mode}
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    if ports:
        spec["portLevelMtls"] = {str(port): {"mode": value} for port, value in ports.items()}
    found = istio_object("PeerAuthentication", name, space, **spec)
    if created:
        found["metadata"]["creationTimestamp"] = created
    return found


def server_pod(**more: Any) -> dict[str, Any]:
    """The pod of Deployment pay/payments-v1."""
    options = {"owner": "payments-v1", "ip": SERVER_IP, "labels": {"app": "payments"}, **more}
    return pod(SERVER, "pay", **options)


def client_pod(**more: Any) -> dict[str, Any]:
    """The pod of Deployment shop/client-v1."""
    options = {"owner": "client-v1", "ip": CLIENT_IP, "labels": {"app": "client"}, **more}
    return pod(CLIENT, "shop", **options)


def legacy_pod(**more: Any) -> dict[str, Any]:
    """The pod of Deployment legacy/legacy-v1, which has no proxy."""
    options = {"owner": "legacy-v1", "ip": LEGACY_IP, "labels": {"app": "legacy"}, "proxy": None}
    return pod(LEGACY, "legacy", **{**options, **more})


def objects(
    *more: Mapping[str, Any],
    server: Mapping[str, Any] | None = None,
    legacy: Mapping[str, Any] | None = None,
) -> list[Mapping[str, Any]]:
    """The three namespaces in order, and what is added."""
    return [
        namespace("shop", istio_injection="enabled"),
        namespace("pay", istio_injection="enabled"),
        namespace("legacy"),
        service("payments", "pay"),
        deployment("payments-v1", "pay", labels={"app": "payments"}),
        deployment("client-v1", "shop", labels={"app": "client"}),
        deployment("legacy-v1", "legacy", labels={"app": "legacy"}),
        server or server_pod(),
        client_pod(),
        legacy or legacy_pod(),
        *more,
    ]


def call(
    code: int = 200,
    flags: str = "-",
    *,
    details: str = "via_upstream",
    ago: float = 10,
    **more: Any,
) -> str:
    """A client's line about payments."""
    found = {"cluster": TO_PAYMENTS, "upstream": f"{SERVER_IP}:8080", "authority": "payments.pay"}
    return line(code=code, flags=flags, details=details, seconds_ago=ago, **{**found, **more})


def plaintext_cut(ago: float = 10) -> str:
    """What a client with a proxy logs when a STRICT server closes its plaintext connection."""
    reason = "upstream_reset_before_response_started{connection_termination}"
    return call(503, "UC", details=reason, ago=ago)


def tls_garbled(ago: float = 10) -> str:
    """What a client logs when the answer to its TLS handshake is no TLS."""
    failure = (
        "TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"
    )
    reason = "upstream_reset_before_response_started{remote_connection_failure|" + failure + "}"
    return call(503, "URX,UF", details=reason, failure=failure, ago=ago)


def refusal(source: str = LEGACY_IP, *, port: int = 8080, ago: float = 10) -> str:
    """What a STRICT server logs of a plaintext connection."""
    time = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f'[{time}] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - '
        f"{SERVER_IP}:{port} {source}:40000 - -"
    )


def cluster_dump(tls: str, name: str = TO_PAYMENTS) -> ConfigDump:
    """A dump with one outbound cluster: ``none``, ``auto`` or ``istio``."""
    cluster: dict[str, Any] = {"name": name, "type": "EDS"}
    if tls == "istio":
        cluster["transport_socket"] = _ISTIO_TLS
    elif tls == "auto":
        cluster["transport_socket_matches"] = [
            {
                "name": "tlsMode-istio",
                "match": {"tlsMode": "istio"},
                "transport_socket": _ISTIO_TLS,
            },
            {"name": "tlsMode-disabled", "match": {}},
        ]
    kind = "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"
    document = {"configs": [{"@type": kind, "dynamic_active_clusters": [{"cluster": cluster}]}]}
    return parse_config_dump(json.dumps(document).encode())


def inbound_dump(*transports: str, port: int = 8080) -> ConfigDump:
    """A dump of a sidecar whose port has a chain for each of these transport protocols."""
    chains: list[dict[str, Any]] = []
    for transport in transports:
        match = {"destination_port": port, "transport_protocol": transport}
        chain: dict[str, Any] = {"name": f"0.0.0.0_{port}", "filter_chain_match": match}
        if transport == "tls":
            chain["transport_socket"] = {"typed_config": {"common_tls_context": {}}}
        chains.append(chain)
    listener = {
        "name": "virtualInbound",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 15006}},
        "filter_chains": chains,
    }
    kind = "type.googleapis.com/envoy.admin.v3.ListenersConfigDump"
    entry = {"name": "virtualInbound", "active_state": {"listener": listener}}
    document = {"configs": [{"@type": kind, "dynamic_listeners": [entry]}]}
    return parse_config_dump(json.dumps(document).encode())


def client(*lines: str, **parts: Any) -> Proxy:
    """The client's proxy with a log of these lines; without any it logs other calls."""
    other = line("outbound|8080||other.shop.svc.cluster.local", authority="other:8080")
    return proxy(CLIENT, "shop", **{"log": log(*(lines or (other,))), **parts})


def server(*lines: str, **parts: Any) -> Proxy:
    """The server's proxy with a log of these lines; without any it logs a call it took."""
    taken = line("inbound|8080||", local=f"{SERVER_IP}:8080")
    return proxy(SERVER, "pay", **{"log": log(*(lines or (taken,))), **parts})


def snapshot(
    *more: Mapping[str, Any],
    proxies: Iterable[Proxy] | None = None,
    server: Mapping[str, Any] | None = None,
    legacy: Mapping[str, Any] | None = None,
    **options: Any,
) -> Snapshot:
    """The mesh with these objects; both proxies were read unless others are given."""
    chosen = _PROXIES if proxies is None else proxies
    return mesh(objects(*more, server=server, legacy=legacy), proxies=chosen, **options)


_PROXIES = (client(call()), server())
