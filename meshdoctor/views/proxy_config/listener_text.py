"""How istioctl describes filter chains: what they match and where they lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.envoy.filter_chain import HTTP_CONNECTION_MANAGER, TCP_PROXY

if TYPE_CHECKING:
    from meshdoctor.model.envoy import (
        FilterChain,
        FilterChainMatch,
        Listener,
        RouteConfig,
        TcpProxy,
        VirtualHost,
    )

_BLACK_HOLE = "BlackHoleCluster"
_PROTOCOLS = {
    ("http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "HTTP TLS",
    ("istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "Istio HTTP Plain",
    ("istio-peer-exchange", "istio"): "TCP TLS",
    ("http/1.0", "http/1.1", "h2c"): "HTTP",
}
"""Sets of application protocols that have a name of their own."""


def describe_match(match: FilterChainMatch) -> str:
    """The MATCH column: ``SNI``, ``Trans``, ``App`` and ``Addr``, or ``ALL``."""
    parts: list[str] = []
    if match.server_names:
        parts.append(f"SNI: {','.join(match.server_names)}")
    if match.transport_protocol:
        parts.append(f"Trans: {match.transport_protocol}")
    if protocols := match.application_protocols:
        parts.append(f"App: {_PROTOCOLS.get(protocols) or ','.join(protocols)}")
    port = "" if match.destination_port is None else f":{match.destination_port}"
    if match.prefix_ranges or port:
        parts.append(f"Addr: {','.join(match.prefix_ranges) or '*'}{port}")
    return "; ".join(parts) or "ALL"


def _cluster_text(name: str) -> str:
    # Clusters such as PassthroughCluster say what they are.
    return name if "Cluster" in name else f"Cluster: {name}"


def _is_black_hole(tcp: TcpProxy | None) -> bool:
    return tcp is not None and any(_BLACK_HOLE in cluster.name for cluster in tcp.clusters)


def _describe_virtual_host(host: VirtualHost) -> str:
    routes = ", ".join(str(route.match) for route in host.routes)
    return routes if host.domains == ("*",) else f"{'/'.join(host.domains)} {routes}"


def _only_cluster(config: RouteConfig) -> str:
    """The cluster of an inline route that sends everything to one."""
    if len(config.virtual_hosts) != 1:
        return ""
    host = config.virtual_hosts[0]
    if host.domains != ("*",) or len(host.routes) != 1:
        return ""
    route = host.routes[0]
    if (route.match.kind, route.match.value) != ("prefix", "/") or len(route.clusters) != 1:
        return ""
    return route.clusters[0].name


def describe_routes(config: RouteConfig) -> str:
    """An inline RouteConfiguration: its only cluster, or its virtual hosts and paths."""
    if cluster := _only_cluster(config):
        return _cluster_text(cluster)
    return f"Inline Route: {'; '.join(map(_describe_virtual_host, config.virtual_hosts))}"


def describe_destination(chain: FilterChain) -> str:
    """The DESTINATION column of a chain.

    istioctl leaves weighted TCP clusters blank; here they are all named.
    """
    for name in chain.filters:
        if name == HTTP_CONNECTION_MANAGER and chain.http:
            if chain.http.route_config:
                return describe_routes(chain.http.route_config)
            if chain.http.route_config_name:
                return f"Route: {chain.http.route_config_name}"
            return "HTTP"
        if name == TCP_PROXY and chain.tcp and not _is_black_hole(chain.tcp):
            return _cluster_text(", ".join(cluster.name for cluster in chain.tcp.clusters))
    return "Non-HTTP/Non-TCP"


def listener_type(listener: Listener) -> str:
    """The TYPE column: HTTP, TCP, HTTP+TCP or UNKNOWN; a black hole counts as neither."""
    http = any(HTTP_CONNECTION_MANAGER in chain.filters for chain in listener.chains)
    tcp = any(
        TCP_PROXY in chain.filters and not _is_black_hole(chain.tcp) for chain in listener.chains
    )
    return "+".join(word for word, is_it in (("HTTP", http), ("TCP", tcp)) if is_it) or "UNKNOWN"
