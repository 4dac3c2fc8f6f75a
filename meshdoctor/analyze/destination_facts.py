"""What callers see of a destination: their failed requests, the hosts they hold, who they are."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.proxy_evidence import (
    cluster_evidence,
    host_health_evidence,
    no_endpoint_evidence,
)
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.finding import Affected
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

REQUESTS_FAIL = "requests-fail"
"""Fact: callers' access logs show the failure."""
NO_HOST_AT_CALLERS = "callers-hold-no-host"
"""Fact: the callers' proxies have no host that they may send to."""
_MOST_CALLERS = 20
_MOST_EVIDENCE = 3


def failed_calls_to(mesh: Snapshot, use: Use, *flags: str) -> Calls:
    """Recent calls to a destination that failed.

    Args:
        mesh: the snapshot.
        use: the destination. For ``NC`` no cluster stands in the line: the host counts that the
            routes to it are for.
        flags: only calls with one of these response flags; none for any failure.
    """
    calls = [call for call in use.calls if call.failed]
    if "NC" in flags:
        logs = access_logs(mesh)
        hosts = {host for route in use.routes for host in route.binding.hosts}
        hosts.add(use.destination.host)
        for host in sorted(hosts):
            calls += logs.without_cluster.get(host, ())
    chosen = [
        call for call in calls if not flags or any(call.entry.flagged(flag) for flag in flags)
    ]
    return recent(mesh, tuple(sorted(chosen, key=lambda call: call.time)))


def failed_calls_text(mesh: Snapshot, calls: Calls) -> str:
    """What the callers met, in a sentence."""
    last = calls[-1]
    who = ", ".join(dict.fromkeys(mesh.caller(call.proxy) for call in calls))
    times = "once" if len(calls) == 1 else f"{len(calls)} times"
    clock = last.time.strftime("%H:%M:%S")
    return f"{who} got {last.outcome} {times} in the last minutes, last at {clock} UTC"


def requests_fail(mesh: Snapshot, use: Use, *flags: str) -> Fact:
    """The fact that callers meet this failure, as far as their logs tell."""
    calls = failed_calls_to(mesh, use, *flags)
    if calls:
        newest = (call.evidence for call in reversed(calls[-_MOST_EVIDENCE:]))
        return holds(REQUESTS_FAIL, failed_calls_text(mesh, calls), *newest)
    logs = access_logs(mesh)
    if logs.unread:
        return unread(REQUESTS_FAIL, "Not every proxy's access log could be read")
    if logs.silent:
        return silent(REQUESTS_FAIL, "Not every proxy writes an access log; none shows a failure")
    return silent(REQUESTS_FAIL, "The access logs hold no failed request of the last minutes")


@lru_cache(maxsize=2)
def _counted_unlogged(mesh: Snapshot) -> frozenset[tuple[str, int | None]] | None:
    """Host and port of what proxies called whose requests no log shows; None for unknown."""
    logs = access_logs(mesh)
    found: set[tuple[str, int | None]] = set()
    for proxy_id in logs.unread | logs.silent:
        proxy = mesh.proxies.get(proxy_id)
        if proxy is None or proxy.hosts is None:
            return None
        for cluster in proxy.hosts.clusters:
            name = parse_cluster_name(cluster.name)
            if name is not None and any(host.rq_total or host.cx_total for host in cluster.hosts):
                found.add((name.host, name.port))
    return frozenset(found)


def may_be_called_unseen(mesh: Snapshot, use: Use) -> bool:
    """Whether a proxy whose requests no log shows may call a destination, by whichever subset.

    Its host counters say whether it ever did; where they are unread it may.
    """
    counted = _counted_unlogged(mesh)
    return counted is None or (use.destination.host, use.destination.port) in counted


@lru_cache(maxsize=2)
def _routing_proxies(mesh: Snapshot) -> dict[tuple[str, str], tuple[Proxy, ...]]:
    """Proxies by their namespace and the clusters that their routes lead to, some of each."""
    found: dict[tuple[str, str], list[Proxy]] = {}
    for proxy in mesh.proxies.values():
        targets = {
            target.name
            for config in (proxy.config.routes if proxy.config else ())
            for host in config.virtual_hosts
            for route in host.routes
            for target in route.clusters
        }
        for name in targets:
            known = found.setdefault((proxy.namespace, name), [])
            if len(known) < _MOST_CALLERS:
                known.append(proxy)
    return {key: tuple(proxies) for key, proxies in found.items()}


def _holders(mesh: Snapshot, use: Use) -> Iterator[Proxy]:
    """Proxies that hold a route to a destination, in its own namespace and its rules'."""
    near = {item.namespace for item in use.virtual_services}
    near |= {
        gateway.namespace for route in use.routes for gateway in route.binding.holders.gateways
    }
    near |= {use.service.namespace} if use.service else set()
    for namespace in sorted(near):
        for proxy in _routing_proxies(mesh).get((namespace, use.destination.cluster), ()):
            pod = mesh.pod_of(proxy)
            if use.routes or pod is None or not is_gateway(pod):
                yield proxy


def _is_itself(mesh: Snapshot, use: Use, proxy: Proxy) -> bool:
    pod = mesh.pod_of(proxy)
    return bool(
        pod is not None
        and use.service is not None
        and use.service.selector
        and pod.namespace == use.service.namespace
        and all(pod.labels.get(key) == value for key, value in use.service.selector.items())
    )


def affected_by(mesh: Snapshot, use: Use, failed: Calls = (), to: str = "") -> tuple[Affected, ...]:
    """Who suffers: callers whose calls failed, else who calls, else whose routes lead there.

    Args:
        mesh: the snapshot.
        use: the destination.
        failed: the calls that failed.
        to: what they call, where that is not the destination itself.
    """
    to = to or use.destination.to
    for calls in (failed, recent(mesh, use.calls), use.calls):
        if calls:
            names = {mesh.caller(call.proxy) for call in calls}
            return tuple(Affected(name, to) for name in sorted(names)[:_MOST_CALLERS])
    holders = {mesh.caller(item.proxy) for item in use.ejections} or {
        mesh.caller(proxy) for proxy in _holders(mesh, use) if not _is_itself(mesh, use, proxy)
    }
    if not holders:
        return (Affected("", to),)
    return tuple(Affected(name, to) for name in sorted(holders)[:_MOST_CALLERS])


def calling_proxies(mesh: Snapshot, use: Use) -> tuple[Proxy, ...]:
    """The proxies whose view of a destination counts: those that call it, else that could."""
    callers = {item.proxy.id: item.proxy for item in use.ejections}
    callers |= {call.proxy.id: call.proxy for call in use.calls}
    if callers:
        return tuple(callers[key] for key in sorted(callers))
    return tuple(_holders(mesh, use))[:_MOST_CALLERS]


def _usable(proxy: Proxy, cluster: str) -> int | None:
    """How many hosts are healthy; None when it cannot be told."""
    if proxy.hosts is not None and proxy.hosts.cluster(cluster) is not None:
        hosts = proxy.hosts.hosts_of(cluster)
        return sum(1 for host in hosts if host.eds_health not in ("UNHEALTHY", "TIMEOUT"))
    if proxy.config is not None:
        assigned = proxy.config.load_assignment(cluster)
        if assigned is not None:
            return sum(1 for item in assigned.endpoints if item.health != "UNHEALTHY")
    return None


def _empty_evidence(proxy: Proxy, cluster: str) -> Iterator[Evidence]:
    """Where a proxy shows that it has no host, or only unhealthy ones."""
    hosts = proxy.hosts.hosts_of(cluster) if proxy.hosts else ()
    if hosts:
        yield host_health_evidence(proxy, cluster, hosts[0])
    elif (empty := no_endpoint_evidence(proxy, cluster)) is not None:
        yield empty
    elif proxy.config is not None and (held := proxy.config.cluster(cluster)) is not None:
        yield cluster_evidence(proxy, held)


def callers_hold_no_host(mesh: Snapshot, use: Use) -> Fact:
    """The fact that callers' proxies have nowhere to send, as far as they could be read."""
    cluster = use.destination.cluster
    counts = [(proxy, _usable(proxy, cluster)) for proxy in calling_proxies(mesh, use)]
    empty = [proxy for proxy, count in counts if count == 0]
    if not empty:
        if any(count for _, count in counts):
            return silent(NO_HOST_AT_CALLERS, "The callers' proxies still hold hosts for it")
        return unread(NO_HOST_AT_CALLERS, "No calling proxy's endpoints could be read")
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy in empty[:_MOST_EVIDENCE]))
    text = f"The proxy of {who} has no usable host for {use.destination}"
    shown = [item for proxy in empty[:_MOST_EVIDENCE] for item in _empty_evidence(proxy, cluster)]
    return holds(NO_HOST_AT_CALLERS, text, *shown)


def still_served(mesh: Snapshot, use: Use) -> bool:
    """Whether every proxy that could be asked still has usable hosts (its configuration is old)."""
    counts = [_usable(proxy, use.destination.cluster) for proxy in calling_proxies(mesh, use)]
    known = [count for count in counts if count is not None]
    return bool(known) and all(known)
