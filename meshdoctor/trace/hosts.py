"""The hosts of a cluster that Envoy would send a request to, with their part of the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import (
    ejected_host_evidence,
    endpoint_evidence,
    host_evidence,
    host_health_evidence,
    no_endpoint_evidence,
)

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster, Endpoint, HostStatus
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy

_USABLE = ("HEALTHY", "UNKNOWN", "DEGRADED", "")
_WHOLE = 100.0


@dataclass(frozen=True, slots=True)
class Host:
    """One host: what EDS (or the cluster itself) says of it, and how the proxy finds it."""

    address: str
    port: int
    endpoint: Endpoint | None
    """None for a host that Envoy itself resolved."""
    status: HostStatus | None
    share: float = 1.0

    @property
    def name(self) -> str:
        """``ip:port``."""
        return f"{self.address}:{self.port}" if self.port else self.address

    @property
    def is_ejected(self) -> bool:
        """Whether outlier detection has taken it out."""
        return self.status is not None and self.status.failed_outlier_check

    @property
    def health(self) -> str:
        """Its health as EDS says."""
        if self.endpoint is not None and self.endpoint.health not in ("", "UNKNOWN"):
            return self.endpoint.health
        return self.status.eds_health if self.status else "UNKNOWN"

    @property
    def is_usable(self) -> bool:
        """Whether Envoy would choose it."""
        if self.is_ejected or (self.status is not None and self.status.failed_active_health):
            return False
        return self.health in _USABLE

    @property
    def weight(self) -> int:
        """Its load balancing weight."""
        return (self.endpoint.weight if self.endpoint else 0) or 1

    @property
    def priority(self) -> int:
        """Its priority; the lowest number first."""
        if self.endpoint is not None:
            return self.endpoint.priority
        return self.status.priority if self.status else 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What load balancing has to choose from."""

    hosts: tuple[Host, ...]
    """Those that get requests, with their shares; none: UH."""
    rest: tuple[Host, ...]
    """Those that get none."""
    known: bool
    """Whether the endpoints could be read at all."""
    panic: bool = False
    """Whether Envoy sends to all of them since too few are healthy."""
    evidence: tuple[Evidence, ...] = ()

    @property
    def ejected(self) -> tuple[Host, ...]:
        """Hosts that outlier detection has taken out."""
        return tuple(host for host in self.rest if host.is_ejected)


def _all_hosts(proxy: Proxy, cluster: Cluster) -> list[Host]:
    statuses = {
        (item.address, item.port): item
        for item in (proxy.hosts.hosts_of(cluster.name) if proxy.hosts else ())
    }
    if cluster.type == "EDS":
        found = proxy.config.load_assignment(cluster.name) if proxy.config else None
        if found is not None:
            return [
                Host(e.address, e.port, e, statuses.get((e.address, e.port)))
                for e in found.endpoints
            ]
    elif cluster.type == "STATIC" or proxy.hosts is None:
        # A DNS cluster's names are no hosts: those appear once a name resolves.
        return [
            Host(e.address, e.port, e, statuses.get((e.address, e.port))) for e in cluster.hosts
        ]
    by_name = {item.address: item for item in cluster.hosts}
    return [
        Host(s.address, s.port, by_name.get(s.hostname) or _only(cluster), s)
        for s in statuses.values()
    ]


def _only(cluster: Cluster) -> Endpoint | None:
    """The endpoint whose metadata every host of a DNS cluster inherits, where there is one."""
    return cluster.hosts[0] if len(cluster.hosts) == 1 else None


def _is_known(proxy: Proxy, cluster: Cluster) -> bool:
    if cluster.type == "EDS":
        held = proxy.config is not None and proxy.config.has("EndpointsConfigDump")
        return held or proxy.hosts is not None
    return cluster.type == "STATIC" or proxy.hosts is not None


def _evidence(proxy: Proxy, cluster: Cluster, hosts: list[Host]) -> tuple[Evidence, ...]:
    shown: list[Evidence] = []
    for host in hosts[:3]:
        if host.status is not None and host.is_ejected:
            shown.append(ejected_host_evidence(proxy, cluster.name, host.status))
        elif host.status is not None:
            make = host_health_evidence if host.health not in _USABLE else host_evidence
            shown.append(make(proxy, cluster.name, host.status))
        elif host.endpoint is not None and cluster.type == "EDS":
            shown.append(endpoint_evidence(proxy, cluster.name, host.endpoint))
    if not hosts and (nothing := no_endpoint_evidence(proxy, cluster.name)) is not None:
        shown.append(nothing)
    return tuple(shown)


def choose_hosts(proxy: Proxy, cluster: Cluster) -> Choice:
    """The hosts that a proxy's load balancing chooses from.

    Of the best priority that has a usable host, by weight. Where fewer than the panic threshold
    are usable Envoy sends to all of them; istiod turns that off (``healthy_panic_threshold: {}``)
    where unready endpoints are sent, which is always from 1.31 on.
    """
    every = _all_hosts(proxy, cluster)
    usable = [host for host in every if host.is_usable]
    part = _WHOLE * len(usable) / len(every) if every else _WHOLE
    panic = part < cluster.panic_threshold
    chosen = every if panic else usable
    first = min((host.priority for host in chosen), default=0)
    chosen = [host for host in chosen if host.priority == first]
    total = sum(host.weight for host in chosen)
    return Choice(
        hosts=tuple(
            Host(h.address, h.port, h.endpoint, h.status, h.weight / total) for h in chosen
        ),
        rest=tuple(host for host in every if host not in chosen),
        known=_is_known(proxy, cluster),
        panic=panic,
        evidence=_evidence(proxy, cluster, every),
    )
