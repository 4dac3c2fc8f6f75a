"""A traffic policy's setting for a destination, from its DestinationRule or from a proxy itself.

Where DestinationRules could not be read, the calling proxy's cluster still shows the setting and
names the rule that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.destination_facts import calling_proxies
from meshdoctor.analyze.proxy_evidence import cluster_origin_evidence
from meshdoctor.intent.backends import pods_behind
from meshdoctor.intent.destination_rules import Setting, rules_for, setting, subsets_of
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, is_finished, is_gateway
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.envoy import Cluster
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MOST_CLUSTERS = 2


@dataclass(frozen=True, slots=True)
class TrafficSetting:
    """An outlier detection or connection pool that is in force for a destination."""

    object: str
    """``DestinationRule namespace/name``."""
    words: str
    """What it sets, ``key value`` pairs."""
    evidence: Evidence
    setting: Setting | None
    """Where it stands in the rule; None when only a proxy shows it."""


def _words(value: object, prefix: str = "") -> Iterator[str]:
    for key, item in sorted(as_mapping(value).items()):
        if isinstance(item, dict):
            yield from _words(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} {item}"


def _of_rules(mesh: Snapshot, use: Use, key: str, proxy: Proxy | None) -> TrafficSetting | None:
    destination = use.destination
    spaces = (proxy.namespace,) if proxy else use.client_namespaces
    pod = mesh.pod_of(proxy) if proxy else None
    for space in spaces or (use.service.namespace if use.service else "",):
        rules = rules_for(mesh, destination.host, space, pod.labels if pod else None)
        found = setting(rules, key, destination.port or 0, destination.subset)
        if found is not None and as_mapping(found.value):
            evidence = found.rule.evidence(*found.path)
            return TrafficSetting(str(found.rule), ", ".join(_words(found.value)), evidence, found)
    return None


def _shows(cluster: Cluster, key: str) -> str:
    """What a cluster shows of a setting; empty for nothing."""
    if key == "outlierDetection" and (found := cluster.outlier_detection) is not None:
        return (
            f"consecutive5xxErrors {found.consecutive_5xx}, baseEjectionTime "
            f"{found.base_ejection_time}, maxEjectionPercent {found.max_ejection_percent}"
        )
    limits = cluster.circuit_breakers
    if key == "connectionPool" and limits is not None and limits.is_limited:
        return (
            f"maxConnections {limits.max_connections}, http1MaxPendingRequests "
            f"{limits.max_pending_requests}, http2MaxRequests {limits.max_requests}"
        )
    return ""


def _of_proxies(mesh: Snapshot, use: Use, key: str, proxy: Proxy | None) -> TrafficSetting | None:
    callers = [proxy] if proxy else [call.proxy for call in reversed(use.calls)]
    for caller in callers or list(mesh.proxies.values()):
        cluster = caller.config.cluster(use.destination.cluster) if caller.config else None
        if cluster is None or cluster.config is None or not (words := _shows(cluster, key)):
            continue
        evidence = cluster_origin_evidence(caller, cluster)
        return TrafficSetting(str(cluster.config), words, evidence, None)
    return None


def traffic_setting(
    mesh: Snapshot, use: Use, key: str, proxy: Proxy | None = None
) -> TrafficSetting | None:
    """The setting in force for a destination.

    Args:
        mesh: the snapshot.
        use: the destination.
        key: ``outlierDetection`` or ``connectionPool``.
        proxy: the caller; None for any of its clients.

    Returns:
        The setting; None when none is set, or when neither rules nor proxies could be read.
    """
    if mesh.catalog.known(DESTINATION_RULE):
        return _of_rules(mesh, use, key, proxy)
    return _of_proxies(mesh, use, key, proxy)


def is_set_for_a_part(mesh: Snapshot, use: Use, key: str) -> bool:
    """Whether a setting is in force for a destination, or for some subset of its host.

    Callers reach the same pods by way of subsets, of which only the VirtualServices tell.
    """
    host, port = use.destination.host, use.destination.port or 0
    if traffic_setting(mesh, use, key) is not None:
        return True
    for space in use.client_namespaces or (use.service.namespace if use.service else "",):
        rules = rules_for(mesh, host, space)
        if any(setting(rules, key, port, subset.name) for subset in subsets_of(rules)):
            return True
    return False


@lru_cache(maxsize=2)
def _without_host_statuses(mesh: Snapshot) -> tuple[tuple[str, Resource], ...]:
    """Id and pod of every running sidecar whose host statuses are unread."""
    return tuple(
        (key, pod)
        for pod in mesh.proxy_pods
        if (found := mesh.proxies.get(key := f"{pod.name}.{pod.namespace}")) is None
        or found.hosts is None
        if not is_finished(pod) and not is_gateway(pod) and container_runs(pod, PROXY_CONTAINER)
    )


def unread_callers(mesh: Snapshot, use: Use) -> tuple[str, ...]:
    """Ids of sidecars whose host statuses are unread and that call a destination, or may do so."""
    blind = _without_host_statuses(mesh)
    if not blind:
        return ()
    logs = access_logs(mesh)
    may_call = {call.proxy.id for call in use.calls} | logs.unread | logs.silent
    servers = pods_behind(mesh, use.service) if use.service else ()
    return tuple(sorted(key for key, pod in blind if key in may_call and pod not in servers))


def unset_in_clusters(mesh: Snapshot, use: Use) -> list[Evidence]:
    """Callers' clusters for a destination, which show what no rule sets."""
    name = use.destination.cluster
    return [
        cluster_origin_evidence(proxy, cluster)
        for proxy in calling_proxies(mesh, use)
        if proxy.config and (cluster := proxy.config.cluster(name))
    ][:_MOST_CLUSTERS]


def policies_of_callers(mesh: Snapshot, use: Use) -> list[Evidence]:
    """The traffic policies that any of a destination's clients follow, whatever they set."""
    if not mesh.catalog.known(DESTINATION_RULE):
        return []
    spaces = use.client_namespaces or (use.service.namespace if use.service else "",)
    found = (rule for space in spaces for rule in rules_for(mesh, use.destination.host, space))
    return [
        rule.evidence("spec", "trafficPolicy")
        if rule.spec.get("trafficPolicy")
        else rule.evidence("spec")
        for rule in dict.fromkeys(found)
    ]
