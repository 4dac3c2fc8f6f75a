"""The clusters that istiod should give a proxy: a destination with its traffic policy.

Mirrors pilot/pkg/networking/core/cluster.go, cluster_traffic_policy.go and cluster_tls.go: the
DestinationRule of the first of three places decides, automatic mTLS where none sets ``tls``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.mtls_accepting import accepting
from meshdoctor.analyze.mtls_sending import Sends, Target, client_of, sending
from meshdoctor.intent.client_tls import ClientMode, client_tls
from meshdoctor.intent.destination_rules import setting, subset_named
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.intent.visibility import Sight, sees
from meshdoctor.model.envoy import (
    CircuitBreakers,
    Cluster,
    Endpoint,
    OutlierDetection,
    ServiceRef,
    TlsMode,
    UpstreamTls,
    parse_cluster_name,
)
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.trace.handshake import OWN, ROOT
from meshdoctor.trace.hosts import Host
from meshdoctor.trace.intent_endpoints import asked_endpoints
from meshdoctor.trace.intent_routes import pointer_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.intent.client_tls import ClientTls
    from meshdoctor.intent.destination_rules import Subset
    from meshdoctor.intent.visibility import View
    from meshdoctor.model.envoy import ClusterName
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.intent_endpoints import AskedEndpoint

_DEFAULT_CONNECT = "10s"
_MESH_ALPN = ("istio", "istio-peer-exchange")
_SYSTEM_CA = "file-root:system"
_MODES = {
    ClientMode.AUTO: TlsMode.AUTO,
    ClientMode.DISABLE: TlsMode.NONE,
    ClientMode.SIMPLE: TlsMode.SIMPLE,
    ClientMode.MUTUAL: TlsMode.MUTUAL,
    ClientMode.ISTIO_MUTUAL: TlsMode.ISTIO_MUTUAL,
}


@dataclass(frozen=True, slots=True)
class AskedCluster:
    """A cluster as the objects ask for it, or why a proxy has none of this name."""

    cluster: Cluster | None
    view: View
    """Whether the proxy sees the destination, and what hides it."""
    subset: Subset | None = None
    endpoints: tuple[AskedEndpoint, ...] = ()
    """Of the subset, ready or not."""
    hosts: tuple[Host, ...] = ()
    """The same as a proxy would hold them; those that are not ready are UNHEALTHY."""


def _tls(name: ClusterName, text: str, tls: ClientTls, mode: TlsMode) -> UpstreamTls | None:
    """The UpstreamTlsContext; for AUTO the one for endpoints that take mutual TLS."""
    if mode is TlsMode.NONE:
        return None
    policy: Mapping[str, object] = as_mapping(tls.setting.value) if tls.setting else {}
    names = tuple(str(item) for item in as_list(policy.get("subjectAltNames")))
    of_mesh = mode in (TlsMode.AUTO, TlsMode.ISTIO_MUTUAL)
    sni = str(policy.get("sni") or "")
    if of_mesh:
        own = f"outbound_.{name.port}_.{name.subset or '_'}_.{name.host}"
        return UpstreamTls(sni or own, names, OWN, ROOT, _MESH_ALPN, text)
    authority = policy.get("caCertificates") or policy.get("credentialName")
    if not authority:
        authority = "" if policy.get("insecureSkipVerify") is True else _SYSTEM_CA
    shown = str(policy.get("clientCertificate") or policy.get("credentialName") or "")
    return UpstreamTls(sni, names, shown, str(authority), (), text)


def _number(settings: Mapping[str, object], key: str) -> int | None:
    value = settings.get(key)
    return value if isinstance(value, int) and value > 0 else None


def _limits(pool: Mapping[str, object]) -> CircuitBreakers | None:
    tcp, http = as_mapping(pool.get("tcp")), as_mapping(pool.get("http"))
    if not tcp and not http:
        return None
    return CircuitBreakers(
        max_connections=_number(tcp, "maxConnections"),
        max_pending_requests=_number(http, "http1MaxPendingRequests"),
        max_requests=_number(http, "http2MaxRequests"),
        max_retries=_number(http, "maxRetries"),
        pointer="",
    )


def _outliers(policy: Mapping[str, object]) -> OutlierDetection | None:
    if not policy:
        return None
    return OutlierDetection(
        consecutive_5xx=_number(policy, "consecutive5xxErrors"),
        consecutive_gateway_failure=_number(policy, "consecutiveGatewayErrors"),
        interval=str(policy.get("interval") or ""),
        base_ejection_time=str(policy.get("baseEjectionTime") or ""),
        max_ejection_percent=_number(policy, "maxEjectionPercent"),
        pointer="",
    )


def _type(service: ServiceHost, balancer: Mapping[str, object], *, sidecar: bool) -> str:
    if sidecar and (service.is_headless or balancer.get("simple") == "PASSTHROUGH"):
        return "ORIGINAL_DST"
    if service.is_kubernetes:
        return "STRICT_DNS" if service.is_external_name else "EDS"
    resolution = str(service.resource.spec.get("resolution") or "NONE")
    if resolution == "NONE":
        return "ORIGINAL_DST"
    return "STRICT_DNS" if resolution.startswith("DNS") else "EDS"


def _endpoint(item: AskedEndpoint, *, tls: bool, hbone: bool) -> Endpoint:
    space = item.pod.namespace if item.pod else ""
    return Endpoint(
        address=item.address,
        port=item.port,
        via="",
        health="HEALTHY" if item.ready else "UNHEALTHY",
        tls_mode="istio" if tls else "",
        hbone=hbone,
        workload=f"{item.workload};{space};;;" if item.workload else "",
        hostname="",
        weight=item.weight,
        locality="",
        priority=0,
        pointer="",
    )


def _hosts(
    mesh: Snapshot,
    pod: Resource,
    service: ServiceHost,
    port: ServicePort,
    tls: ClientTls,
    endpoints: tuple[AskedEndpoint, ...],
) -> tuple[Host, ...]:
    """The endpoints as the proxy would hold them, each with how it would be spoken to."""
    accepts = tuple(accepting(mesh, e.pod, e.port) for e in endpoints if e.pod is not None)
    target = Target(service, port.number, tls, accepts)
    client = client_of(pod)
    usable = sum(e.weight for e in endpoints if e.ready) or 1
    found = []
    for item in endpoints:
        what = Sends.PLAINTEXT
        if item.pod is not None:
            accepted = accepting(mesh, item.pod, item.port)
            what = sending(mesh, client, target, accepted).what
            if what is Sends.UNKNOWN and accepted.is_marked:
                what = Sends.MTLS
        made = _endpoint(item, tls=what is Sends.MTLS, hbone=what is Sends.HBONE)
        share = item.weight / usable if item.ready else 0.0
        found.append(Host(item.address, item.port, made, None, share))
    return tuple(found)


def _build(
    mesh: Snapshot,
    pod: Resource,
    service: ServiceHost,
    name: str,
    parsed: ClusterName,
    tls: ClientTls,
) -> Cluster:
    port = parsed.port or 0
    mode = _MODES[tls.mode]
    policy = as_mapping(tls.setting.value) if tls.setting else {}
    if (
        mode in (TlsMode.SIMPLE, TlsMode.MUTUAL)
        and policy.get("credentialName")
        and client_of(pod).capture is not None
        and tls.setting is not None
        and "workloadSelector" not in tls.setting.rule.spec
    ):
        # istiod drops such TLS at sidecars without a word (cluster_tls.go).
        mode = TlsMode.NONE
    told = {
        key: setting(tls.rules, key, port, parsed.subset)
        for key in ("connectionPool", "outlierDetection", "loadBalancer")
    }
    values = {key: as_mapping(item.value) if item else {} for key, item in told.items()}
    connect = as_mapping(values["connectionPool"].get("tcp")).get("connectTimeout")
    by_mesh = mesh_config(mesh, pod).settings.get("connectTimeout")
    rule = tls.rules[0] if tls.rules else None
    return Cluster(
        name=name,
        type=_type(service, values["loadBalancer"], sidecar=client_of(pod).capture is not None),
        state="active",
        config=pointer_to(rule) if rule else None,
        services=(ServiceRef(service.resource.name, service.namespace, service.host),),
        subset=parsed.subset,
        external=not service.is_kubernetes,
        tls=mode,
        upstream_tls=_tls(parsed, name, tls, mode),
        hbone=False,
        circuit_breakers=_limits(values["connectionPool"]),
        outlier_detection=_outliers(values["outlierDetection"]),
        connect_timeout=str(connect or by_mesh or _DEFAULT_CONNECT),
        lb_policy="",
        max_requests_per_connection=None,
        eds_service_name="",
        panic_threshold=0.0,
        hosts=(),
        error_state=None,
        pointer="",
    )


def asked_cluster(mesh: Snapshot, pod: Resource, name: str) -> AskedCluster:
    """The cluster of this name that a pod's proxy should hold.

    Args:
        mesh: the snapshot; Services, ServiceEntries, DestinationRules and EndpointSlices known.
        pod: whose proxy it is.
        name: as istiod builds it, ``outbound|port|subset|host``.
    """
    parsed = parse_cluster_name(name)
    if parsed is None or parsed.port is None:
        return AskedCluster(None, sees(mesh, pod, name))
    view = sees(mesh, pod, parsed.host, parsed.port)
    service = view.service
    port = service.port(parsed.port) if service else None
    if view.sight is not Sight.SEEN or service is None or port is None:
        return AskedCluster(None, view)
    tls = client_tls(mesh, service.host, port.number, parsed.subset, pod.namespace, pod.labels)
    subset = subset_named(tls.rules, parsed.subset) if parsed.subset else None
    if parsed.subset and subset is None:
        return AskedCluster(None, view)
    every = asked_endpoints(mesh, mesh.registry.find(parsed.host), port.number)
    wanted = dict(subset.labels) if subset else {}
    endpoints = tuple(
        item
        for item in every
        if all(item.labels.get(key) == value for key, value in wanted.items())
    )
    cluster = _build(mesh, pod, service, name, parsed, tls)
    hosts = _hosts(mesh, pod, service, port, tls, endpoints)
    if cluster.type == "ORIGINAL_DST" and cluster.tls is TlsMode.AUTO:
        # Of an address that the application chose nothing says what it takes: all must take it.
        ready = [host.endpoint for host in hosts if host.is_usable and host.endpoint]
        mutual = bool(ready) and all(item.tls_mode == "istio" for item in ready)
        cluster = replace(cluster, tls=TlsMode.ISTIO_MUTUAL if mutual else TlsMode.NONE)
    return AskedCluster(cluster, view, subset, endpoints, hosts)
