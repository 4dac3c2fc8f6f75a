"""Evidence from what was read of a proxy: parts of its config dump, its hosts, its log lines.

Every constructor points at a value small enough to be quoted, whose text is known from the model,
so that pointer or line always leads to the excerpt in the file itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from meshdoctor.model.evidence import Evidence, excerpt_of, join_pointer
from meshdoctor.model.proxy import CLUSTERS, CONFIG_DUMP, LOG, STATS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.envoy import (
        Cluster,
        Endpoint,
        FilterChain,
        HostStatus,
        Listener,
        Route,
        RouteConfig,
        Stat,
        VirtualHost,
    )
    from meshdoctor.model.proxy import Proxy

_CAMEL_CASE = re.compile(r"/(?:static|dynamic)[A-Z]")
_SNAKE = re.compile(r"_([a-z0-9])")
_BACK_POINTER = ("metadata", "filter_metadata", "istio", "config")


class _Line(Protocol):
    @property
    def line(self) -> int: ...

    @property
    def text(self) -> str: ...


def _spelled(pointer: str, path: Iterable[str | int]) -> str:
    """Append to a pointer, in camelCase where the dump is spelt so (istiod's own, istioctl's)."""
    parts = [str(part) for part in path]
    if _CAMEL_CASE.search(pointer):
        parts = [_SNAKE.sub(lambda found: found[1].upper(), part) for part in parts]
    return join_pointer(pointer, parts)


def config_evidence(proxy: Proxy, pointer: str, value: object, command: str) -> Evidence:
    """Any value of the config dump.

    Args:
        proxy: whose dump.
        pointer: RFC 6901 pointer to the value.
        value: what stands there: a string as it is, any other value as parsed from JSON.
        command: what a person would run to see it.
    """
    return Evidence(
        source=proxy.path(CONFIG_DUMP), pointer=pointer, excerpt=excerpt_of(value), command=command
    )


def cluster_command(proxy: Proxy, cluster_name: str) -> str:
    """The istioctl command that shows one cluster (``-o json`` for all of it)."""
    parts = cluster_name.split("|")
    if len(parts) != 4:
        return f"istioctl proxy-config cluster {proxy.id}"
    direction, port, subset, host = parts
    chosen = f" --direction {direction} --port {port}"
    chosen += f" --subset {subset}" if subset else ""
    chosen += f" --fqdn {host}" if host else ""
    return f"istioctl proxy-config cluster {proxy.id}{chosen}"


def cluster_evidence(proxy: Proxy, cluster: Cluster) -> Evidence:
    """A cluster that the proxy holds: its name."""
    command = cluster_command(proxy, cluster.name)
    return config_evidence(proxy, cluster.at("name"), cluster.name, command)


def cluster_part_evidence(
    proxy: Proxy, cluster: Cluster, value: object, *path: str | int
) -> Evidence:
    """A part of a cluster's configuration, by its path within the cluster."""
    command = f"{cluster_command(proxy, cluster.name)} -o json"
    return config_evidence(proxy, _spelled(cluster.at(), path), value, command)


def cluster_origin_evidence(proxy: Proxy, cluster: Cluster) -> Evidence:
    """The object a cluster came from (its DestinationRule), else the cluster's name."""
    if cluster.config is None:
        return cluster_evidence(proxy, cluster)
    return cluster_part_evidence(proxy, cluster, cluster.config.raw, *_BACK_POINTER)


def endpoint_command(proxy: Proxy, cluster_name: str) -> str:
    """The istioctl command that shows a cluster's hosts with their health."""
    return f"istioctl proxy-config endpoint {proxy.id} --cluster '{cluster_name}'"


def endpoint_evidence(proxy: Proxy, cluster_name: str, endpoint: Endpoint) -> Evidence:
    """An endpoint that the proxy was sent: its health, or where that is not said, its address."""
    if endpoint.health not in ("", "UNKNOWN"):
        path: tuple[str, ...] = ("health_status",)
        value = endpoint.health
    elif endpoint.via:
        path = ("endpoint", "address", "envoy_internal_address", "server_listener_name")
        value = endpoint.via
    else:
        kind, key = ("socket_address", "address") if endpoint.port else ("pipe", "path")
        path = ("endpoint", "address", kind, key)
        value = endpoint.address
    return config_evidence(
        proxy, _spelled(endpoint.pointer, path), value, endpoint_command(proxy, cluster_name)
    )


def no_endpoint_evidence(proxy: Proxy, cluster_name: str) -> Evidence | None:
    """Where a proxy shows that a cluster has no host: what EDS sent, else its host statuses.

    Both name the cluster and list nothing beneath it; None where neither was read.
    """
    assigned = proxy.config.load_assignment(cluster_name) if proxy.config else None
    command = endpoint_command(proxy, cluster_name)
    if assigned is not None:
        pointer = _spelled(assigned.pointer, ("endpoint_config", "cluster_name"))
        return config_evidence(proxy, pointer, assigned.cluster_name, command)
    status = proxy.hosts.cluster(cluster_name) if proxy.hosts else None
    if status is None:
        return None
    return Evidence(
        source=proxy.path(CLUSTERS),
        pointer=join_pointer(status.pointer, ["name"]),
        excerpt=status.name,
        command=command,
    )


def _host_value(
    proxy: Proxy, cluster_name: str, host: HostStatus, value: object, *path: str
) -> Evidence:
    return Evidence(
        source=proxy.path(CLUSTERS),
        pointer=join_pointer(host.pointer, path),
        excerpt=excerpt_of(value),
        command=endpoint_command(proxy, cluster_name),
    )


def host_health_evidence(proxy: Proxy, cluster_name: str, host: HostStatus) -> Evidence:
    """A host as the proxy sees it now: its EDS health, or where that is not said, its address."""
    if host.eds_health not in ("", "UNKNOWN"):
        path = ("health_status", "eds_health_status")
        return _host_value(proxy, cluster_name, host, host.eds_health, *path)
    return host_evidence(proxy, cluster_name, host)


def host_evidence(proxy: Proxy, cluster_name: str, host: HostStatus) -> Evidence:
    """A host that the proxy counts requests for: its address; the counters stand beside it."""
    if host.via:
        path: tuple[str, ...] = ("envoy_internal_address", "server_listener_name")
        return _host_value(proxy, cluster_name, host, host.via, "address", *path)
    path = ("socket_address", "address") if host.port else ("pipe", "path")
    return _host_value(proxy, cluster_name, host, host.address, "address", *path)


def ejected_host_evidence(proxy: Proxy, cluster_name: str, host: HostStatus) -> Evidence:
    """A host that outlier detection has ejected (``failed_outlier_check`` must be set)."""
    path = ("health_status", "failed_outlier_check")
    return _host_value(proxy, cluster_name, host, True, *path)


def route_command(proxy: Proxy, config: RouteConfig) -> str:
    """The istioctl command that shows a RouteConfiguration."""
    return f"istioctl proxy-config route {proxy.id} --name {config.name} -o json"


def virtual_host_evidence(proxy: Proxy, config: RouteConfig, virtual_host: VirtualHost) -> Evidence:
    """A virtual host of a route configuration: its name."""
    pointer = _spelled(virtual_host.pointer, ("name",))
    return config_evidence(proxy, pointer, virtual_host.name, route_command(proxy, config))


def route_evidence(
    proxy: Proxy, config: RouteConfig, virtual_host: VirtualHost, route: Route
) -> Evidence:
    """A route: the VirtualService it came from, else the path it matches, else its host."""
    command = route_command(proxy, config)
    match = route.match
    if route.config is not None:
        path: tuple[str, ...] = _BACK_POINTER
        value = route.config.raw
    elif match.kind in ("prefix", "path", "path_separated_prefix"):
        path, value = ("match", match.kind), match.value
    elif match.kind == "safe_regex":
        path, value = ("match", "safe_regex", "regex"), match.value
    else:
        return virtual_host_evidence(proxy, config, virtual_host)
    return config_evidence(proxy, _spelled(route.pointer, path), value, command)


def listener_evidence(proxy: Proxy, listener: Listener) -> Evidence:
    """A listener that the proxy holds: its name."""
    command = f"istioctl proxy-config listener {proxy.id}"
    if listener.port:
        command += f" --port {listener.port}"
    return config_evidence(proxy, listener.at("name"), listener.name, command)


def filter_chain_evidence(proxy: Proxy, listener: Listener, chain: FilterChain) -> Evidence:
    """A filter chain: its name; where it has none, the listener's."""
    if not chain.name:
        return listener_evidence(proxy, listener)
    command = f"istioctl proxy-config listener {proxy.id} --port {listener.port} -o json"
    return config_evidence(proxy, _spelled(chain.pointer, ("name",)), chain.name, command)


def filter_chain_match_evidence(proxy: Proxy, listener: Listener, chain: FilterChain) -> Evidence:
    """Whether a chain is for TLS or for plaintext; where it does not say, its name."""
    transport = chain.match.transport_protocol
    if not transport:
        return filter_chain_evidence(proxy, listener, chain)
    command = f"istioctl proxy-config listener {proxy.id} --port {listener.port} -o json"
    pointer = _spelled(chain.pointer, ("filter_chain_match", "transport_protocol"))
    return config_evidence(proxy, pointer, transport, command)


def log_evidence(proxy: Proxy, line: _Line) -> Evidence:
    """A line of the proxy's log (an access log entry or one of the agent's), whole."""
    return Evidence(
        source=proxy.path(LOG),
        line=line.line,
        excerpt=line.text,
        command=f"kubectl logs {proxy.pod} -n {proxy.namespace} -c istio-proxy --since=10m",
    )


def stat_evidence(proxy: Proxy, stat: Stat) -> Evidence:
    """A line of the proxy's statistics."""
    return Evidence(
        source=proxy.path(STATS),
        line=stat.line,
        excerpt=f"{stat.name}: {stat.value}",
        command=f"kubectl exec {proxy.pod} -n {proxy.namespace} -c istio-proxy -- "
        "pilot-agent request GET stats",
    )


def update_failure_evidence(proxy: Proxy, cluster_name: str) -> Evidence | None:
    """How often DNS failed for a cluster, where the proxy's statistics have it and it did."""
    for name in (cluster_name, f"{cluster_name};"):
        stat = (proxy.stats or {}).get(f"cluster.{name}.update_failure")
        if stat is not None and stat.value:
            return stat_evidence(proxy, stat)
    return None
