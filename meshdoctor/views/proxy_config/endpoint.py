"""``proxy-config endpoint``: hosts as the proxy finds them now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ClusterStatus, HostStatus, HostStatuses
    from meshdoctor.views.proxy_config.ordering import Columns

COLUMNS: Columns = (
    ("ENDPOINT", "endpoint"),
    ("STATUS", "status"),
    ("OUTLIER CHECK", "outlier_check"),
    ("CLUSTER", "cluster"),
)


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One host of one cluster."""

    endpoint: str
    """``ip:port``, ``unix://path`` or ``envoy://listener/ip:port``."""
    status: str
    """Health as EDS says: HEALTHY, UNHEALTHY, DRAINING …"""
    outlier_check: str
    """OK, or FAILED when outlier detection has ejected it."""
    cluster: str
    locality: str
    weight: int
    requests: int
    errors: int
    connect_failures: int
    pointer: str


@dataclass(frozen=True, slots=True)
class EndpointFilter:
    """istioctl's ``--address --port --cluster --status``; letters' case does not matter."""

    address: str = ""
    port: int = 0
    cluster: str = ""
    status: str = ""

    def accepts(self, cluster: ClusterStatus, host: HostStatus) -> bool:
        """Whether a host passes every filter that is set."""
        wanted = (
            (self.address, (host.address, str(host))),
            (self.cluster, (cluster.name,)),
            (self.status, (host.eds_health,)),
        )
        return (not self.port or self.port == host.port) and all(
            not text or text.casefold() in [value.casefold() for value in values]
            for text, values in wanted
        )


def _row(cluster: ClusterStatus, host: HostStatus) -> EndpointRow:
    text = str(host)
    return EndpointRow(
        endpoint=text if host.port or host.via else f"unix://{text}",
        status=host.eds_health,
        outlier_check="FAILED" if host.failed_outlier_check else "OK",
        cluster=cluster.name,
        locality=host.locality,
        weight=host.weight,
        requests=host.rq_total,
        errors=host.rq_error,
        connect_failures=host.cx_connect_fail,
        pointer=host.pointer,
    )


def rows(hosts: HostStatuses, only: EndpointFilter | None = None) -> tuple[EndpointRow, ...]:
    """One row a host, sorted by address, port and cluster.

    Args:
        hosts: the answer of ``/clusters``.
        only: which hosts to show; None for all.
    """
    only = only or EndpointFilter()
    shown = [
        (host.address, host.port, cluster.name, _row(cluster, host))
        for cluster in hosts.clusters
        for host in cluster.hosts
        if only.accepts(cluster, host)
    ]
    return tuple(row for *_, row in sorted(shown, key=lambda item: item[:3]))


def to_json(row: EndpointRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
