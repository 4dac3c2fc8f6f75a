"""How hosts fare: Envoy's ``/clusters?format=json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.envoy.endpoint import address_text

if TYPE_CHECKING:
    from meshdoctor.model.envoy.cluster import CircuitBreakers


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host of a cluster, with counters since the proxy first saw it."""

    address: str
    """IP; a pipe's path; for an HBONE host the IP behind the tunnel."""
    port: int
    via: str
    """Internal listener that tunnels to it, empty for none."""
    hostname: str
    eds_health: str
    """HEALTHY, UNHEALTHY, DRAINING, TIMEOUT, DEGRADED or UNKNOWN."""
    failed_outlier_check: bool
    """Whether outlier detection has ejected it."""
    failed_active_health: bool
    flags: tuple[str, ...]
    """Every health flag that is set, as Envoy names it."""
    weight: int
    locality: str
    priority: int
    cx_total: int
    cx_active: int
    cx_connect_fail: int
    rq_total: int
    rq_success: int
    rq_error: int
    rq_timeout: int
    rq_active: int
    pointer: str

    def __str__(self) -> str:
        """``ip:port``, a pipe's path, or ``envoy://listener/ip:port``."""
        return address_text(self.address, self.port, self.via)


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """One cluster and its hosts."""

    name: str
    added_via_api: bool
    eds_service_name: str
    circuit_breakers: CircuitBreakers | None
    hosts: tuple[HostStatus, ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class HostStatuses:
    """Every cluster that the proxy knows hosts of."""

    clusters: tuple[ClusterStatus, ...]
    errors: tuple[str, ...]
    """Parts that could not be read: ``<pointer>: <why>``."""
    _shared: object = field(default=None, repr=False, compare=False)
    """Keeps alive what the proxies of a recording have in common, as long as one of them lives."""
    _by_name: dict[str, ClusterStatus] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index by cluster name."""
        object.__setattr__(self, "_by_name", {item.name: item for item in self.clusters})

    def cluster(self, name: str) -> ClusterStatus | None:
        """The cluster of that name."""
        return self._by_name.get(name)

    def hosts_of(self, name: str) -> tuple[HostStatus, ...]:
        """Hosts of a cluster; empty when it has none or is unknown."""
        found = self._by_name.get(name)
        return found.hosts if found else ()
