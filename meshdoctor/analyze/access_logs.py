"""What the access logs say of late: calls by the cluster that took them, and by whom.

Logs begin minutes before a fault and hold lines of others that are mended, so a line counts as a
sign of what is wrong now only while it is RECENT; that somebody uses a destination at all may be
older news.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import log_evidence
from meshdoctor.model.access_log import INBOUND_PASSTHROUGH, OUTBOUND_SPECIAL, host_port
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, is_finished
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

RECENT = timedelta(minutes=3)
"""How old a line may be and still speak of what is wrong now."""
IN_USE = timedelta(hours=1)
"""How old a line may be and still show that a destination is used."""
_COUNTED = ("outbound|", "inbound|", *OUTBOUND_SPECIAL, INBOUND_PASSTHROUGH)
"""Clusters that carry what is logged; the others serve the proxy itself."""
_AHEAD = timedelta(minutes=1)
"""Logs are read a little after the moment a recording is dated to."""


@dataclass(frozen=True, slots=True)
class Call:
    """One line of one proxy's access log."""

    proxy: Proxy
    entry: AccessLogEntry
    time: datetime

    @property
    def evidence(self) -> Evidence:
        """The line."""
        return log_evidence(self.proxy, self.entry)

    @property
    def failed(self) -> bool:
        """Whether the caller got a server error, or nothing."""
        return self.entry.code >= 500 or (self.entry.code == 0 and bool(self.entry.flags))

    @property
    def outcome(self) -> str:
        """Status, flags and details, as a person reads them from the line."""
        flags = ",".join(self.entry.flags) or "-"
        details = (self.entry.details or "-").partition("{")[0]
        return f"{self.entry.code} {flags} {details}"


Calls = tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """Every proxy's access log within IN_USE, oldest call first."""

    outbound: Mapping[str, Calls]
    """Calls that a proxy sent on, by the name of the cluster it chose."""
    without_cluster: Mapping[str, Calls]
    """Calls for which no cluster was found (NC), by the host that was addressed."""
    inbound: Mapping[tuple[str, int], Calls]
    """Calls that a proxy received for its workload, by proxy id and target port."""
    unread: frozenset[str]
    """Ids of running proxies whose log could not be read."""
    silent: frozenset[str]
    """Ids of proxies whose log was read and has no request, though some may have passed."""
    complete: bool
    """Whether no call between proxies of the mesh can have gone unseen."""


def recent(mesh: Snapshot, calls: Calls, window: timedelta = RECENT) -> Calls:
    """Those of these calls that are not older than a window."""
    return tuple(call for call in calls if call.time >= mesh.now - window)


@lru_cache(maxsize=2)
def service_ips(mesh: Snapshot) -> dict[str, ServiceHost]:
    """Kubernetes Services by cluster IP."""
    found: dict[str, ServiceHost] = {}
    for service in mesh.registry.hosts:
        if service.is_kubernetes:
            spec = service.resource.spec
            for ip in (spec.get("clusterIP"), *as_list(spec.get("clusterIPs"))):
                if isinstance(ip, str) and ip not in ("", "None"):
                    found[ip] = service
    return found


def addressed_host(mesh: Snapshot, call: Call) -> str:
    """The host that a caller meant: by the cluster IP it dialled, else by the name it gave.

    A name is completed as the caller's own DNS search path would, where a service of that name
    exists; else it is returned as it stands.
    """
    ip, _ = host_port(call.entry.downstream_local)
    by_ip = service_ips(mesh).get(ip or "")
    if by_ip is not None:
        return by_ip.host
    name = host_port(call.entry.authority)[0] or ""
    domain = mesh.registry.domain
    for suffix in ("", f".{call.proxy.namespace}.svc.{domain}", f".svc.{domain}", f".{domain}"):
        if mesh.registry.find(name + suffix):
            return name + suffix
    return name


def _may_log(proxy: Proxy) -> bool | None:
    """Whether a proxy is told to log requests; None when its configuration is unread."""
    if proxy.config is None:
        return None
    return any(
        chain.http is not None and chain.http.has_access_log
        for listener in proxy.config.listeners
        for chain in listener.chains
    )


def _counts_traffic(proxy: Proxy) -> bool | None:
    """Whether a proxy's host counters show any request; None when they are unread."""
    if proxy.hosts is None:
        return None
    return any(
        host.rq_total or host.cx_total
        for cluster in proxy.hosts.clusters
        if cluster.name.startswith(_COUNTED)
        for host in cluster.hosts
    )


def _is_idle(proxy: Proxy) -> bool:
    """Whether an empty log means that nothing passed: it would be logged, and nothing is counted.

    A log may also be empty because it was rotated, or cut where the reader began.
    """
    return bool(_may_log(proxy)) and _counts_traffic(proxy) is False


def _running_proxies(mesh: Snapshot) -> frozenset[str]:
    return frozenset(
        f"{pod.name}.{pod.namespace}"
        for pod in mesh.proxy_pods
        if not is_finished(pod) and container_runs(pod, PROXY_CONTAINER)
    )


class _Sorter:
    """Sorts lines into the index while they are read."""

    def __init__(self, mesh: Snapshot) -> None:
        self.mesh = mesh
        self.outbound: dict[str, list[Call]] = defaultdict(list)
        self.without_cluster: dict[str, list[Call]] = defaultdict(list)
        self.inbound: dict[tuple[str, int], list[Call]] = defaultdict(list)

    def add(self, call: Call) -> None:
        """Put one call where it belongs."""
        entry = call.entry
        if entry.is_outbound and entry.cluster:
            self.outbound[entry.cluster].append(call)
        elif entry.is_inbound and entry.cluster:
            name = parse_cluster_name(entry.cluster)
            port = name.port if name else entry.local_port
            if port is not None:
                self.inbound[call.proxy.id, port].append(call)
        elif entry.flagged("NC"):
            self.without_cluster[addressed_host(self.mesh, call)].append(call)


def _in_order(calls: list[Call]) -> Calls:
    return tuple(sorted(calls, key=lambda c: (c.time, c.proxy.id, c.entry.line)))


@lru_cache(maxsize=2)
def access_logs(mesh: Snapshot) -> AccessLogs:
    """Index every access log of the mesh, once for each snapshot."""
    sorter = _Sorter(mesh)
    begin, end = mesh.now - IN_USE, mesh.now + _AHEAD
    writing: set[str] = set()
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            writing.add(proxy.id)
            if entry.time is not None and begin <= entry.time <= end:
                sorter.add(Call(proxy, entry, entry.time))
    read = {proxy.id for proxy in mesh.proxies.values() if proxy.log is not None}
    # Where nobody's file has a single line, the lines may go somewhere else (an OTel collector).
    quiet = frozenset(
        proxy.id
        for proxy in mesh.proxies.values()
        if proxy.id in read - writing and not (writing and _is_idle(proxy))
    )
    unread = frozenset((_running_proxies(mesh) | set(mesh.proxies)) - read)
    return AccessLogs(
        outbound={key: _in_order(calls) for key, calls in sorter.outbound.items()},
        without_cluster={key: _in_order(calls) for key, calls in sorter.without_cluster.items()},
        inbound={key: _in_order(calls) for key, calls in sorter.inbound.items()},
        unread=unread,
        silent=quiet,
        complete=mesh.catalog.known(POD) and not unread and not quiet,
    )
