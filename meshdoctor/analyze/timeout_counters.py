"""Requests that ran into a route's timeout, as proxies whose logs do not tell count them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.http_rules import HttpRule
    from meshdoctor.model.envoy import ClusterStatus
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CountedTimeouts:
    """What one proxy counts for the hosts of a cluster since it first saw them."""

    proxy: Proxy
    cluster: str
    timeouts: int
    """Envoy's ``rq_timeout`` of every host: a route's limit, whole or per try, ended them."""
    total: int
    """Envoy's ``rq_total`` of every host."""
    evidence: tuple[Evidence, ...]
    """The hosts with timeouts."""


def _of_cluster(proxy: Proxy, cluster: ClusterStatus) -> CountedTimeouts | None:
    late = [host for host in cluster.hosts if host.rq_timeout]
    timeouts = sum(host.rq_timeout for host in late)
    total = sum(host.rq_total for host in cluster.hosts)
    # A slow request now and then is no fault, and the counters know no time: most must be late.
    if not total or timeouts * 2 <= total:
        return None
    shown = tuple(host_evidence(proxy, cluster.name, host) for host in late[:2])
    return CountedTimeouts(proxy, cluster.name, timeouts, total, shown)


def counted_timeouts(mesh: Snapshot, rule: HttpRule) -> Iterator[CountedTimeouts]:
    """Where most requests to what a rule leads to were ended by a timeout, by proxy.

    Only proxies that hold the rule and whose access logs are unread or switched off: a log that
    speaks tells it better.

    Args:
        mesh: the snapshot.
        rule: an HTTP rule that sets a limit.
    """
    logs = access_logs(mesh)
    exact = mesh.catalog.known(SERVICE)
    wanted = {(d.host, d.port if exact else None, d.subset) for d in rule.destinations}
    for pod in rule.binding.holders.pods:
        proxy = mesh.proxy_of(pod)
        if proxy is None or proxy.hosts is None or proxy.id not in logs.unread | logs.silent:
            continue
        for cluster in proxy.hosts.clusters:
            name = parse_cluster_name(cluster.name)
            if name is None or name.direction != "outbound":
                continue
            if (name.host, name.port if exact else None, name.subset) in wanted:
                found = _of_cluster(proxy, cluster)
                if found is not None:
                    yield found
