"""Hosts that outlier detection has taken out, as each calling proxy's ``/clusters`` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.envoy import HostStatus
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Ejection:
    """What one proxy has ejected of one cluster."""

    proxy: Proxy
    cluster: str
    hosts: tuple[HostStatus, ...]
    """The ejected ones."""
    of: int
    """How many hosts the cluster has."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left."""
        return len(self.hosts) == self.of


@lru_cache(maxsize=2)
def ejections(mesh: Snapshot) -> dict[str, tuple[Ejection, ...]]:
    """Every ejection that stands now, by cluster name."""
    found: dict[str, list[Ejection]] = {}
    for proxy in mesh.proxies.values():
        for cluster in proxy.hosts.clusters if proxy.hosts else ():
            out = tuple(host for host in cluster.hosts if host.failed_outlier_check)
            if out:
                item = Ejection(proxy, cluster.name, out, len(cluster.hosts))
                found.setdefault(cluster.name, []).append(item)
    return {name: tuple(items) for name, items in found.items()}
