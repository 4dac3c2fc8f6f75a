"""``proxy-config eds``: endpoints as istiod sent them, from the config dump."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.views.proxy_config.ordering import Columns, cluster_key

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigDump, Endpoint

COLUMNS: Columns = (
    ("NAME", "name"),
    ("STATUS", "status"),
    ("LOCALITY", "locality"),
    ("CLUSTER", "cluster"),
)


@dataclass(frozen=True, slots=True)
class EdsRow:
    """One endpoint of one cluster."""

    name: str
    """``ip:port``, a pipe's path or ``envoy://listener/ip:port``."""
    status: str
    locality: str
    cluster: str
    workload: str
    """Name of the workload behind it; empty when istiod did not say."""
    tls_mode: str
    pointer: str


@dataclass(frozen=True, slots=True)
class EdsFilter:
    """istioctl's ``--address --port --cluster --status``; letters' case does not matter."""

    address: str = ""
    port: int = 0
    cluster: str = ""
    status: str = ""

    def accepts(self, cluster: str, endpoint: Endpoint) -> bool:
        """Whether an endpoint passes every filter that is set."""
        address = self.address.casefold()
        if address and address not in (endpoint.address.casefold(), str(endpoint).casefold()):
            return False
        if self.port and self.port != endpoint.port:
            return False
        if self.cluster and self.cluster.casefold() != cluster.casefold():
            return False
        return not self.status or self.status.casefold() == endpoint.health.casefold()


def rows(dump: ConfigDump, only: EdsFilter | None = None) -> tuple[EdsRow, ...]:
    """One row an endpoint, clusters sorted by host.

    Args:
        dump: the proxy's configuration; without an EndpointsConfigDump there are no rows.
        only: which endpoints to show; None for all.
    """
    only = only or EdsFilter()
    return tuple(
        EdsRow(
            name=str(endpoint),
            status=endpoint.health,
            locality=endpoint.locality,
            cluster=item.cluster_name,
            workload=endpoint.workload_name,
            tls_mode=endpoint.tls_mode,
            pointer=endpoint.pointer,
        )
        for item in sorted(dump.endpoints, key=lambda item: cluster_key(item.cluster_name))
        for endpoint in item.endpoints
        if only.accepts(item.cluster_name, endpoint)
    )


def to_json(row: EdsRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
