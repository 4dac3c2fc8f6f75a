"""The rows of ``proxy-status``: one proxy, one cell for each type of configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.istiod import SyncStatus

if TYPE_CHECKING:
    from datetime import datetime

COMMON_TYPES = ("CDS", "LDS", "EDS", "RDS", "ECDS")
"""Types that every Envoy may ask for: IGNORED when it does not."""
FURTHER_TYPES = ("SDS", "NDS", "PCDS", "WDS", "WADS")
"""Types that get a column only where some proxy has them."""

_WORST_FIRST = (
    SyncStatus.ERROR,
    SyncStatus.STALE,
    # NOT SENT is no fault: a gateway without hosts gets no listeners, a sidecar no secrets.
    SyncStatus.SYNCED,
    SyncStatus.NOT_SENT,
    SyncStatus.IGNORED,
)
_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1))


@dataclass(frozen=True, slots=True)
class TypeCell:
    """One type of configuration on one connection."""

    type: str
    """CDS, LDS …, or the raw type URL."""
    status: SyncStatus
    age: float | None
    """Seconds since the last push; None when nothing was sent."""
    error: str
    """The proxy's reason for rejecting that push; empty for none."""
    pointer: str
    """Pointer to the entry in syncz; empty for IGNORED."""

    def __str__(self) -> str:
        """``SYNCED (3m20s)``."""
        return f"{self.status} ({age_text(self.age)})" if self.age is not None else self.status


@dataclass(frozen=True, slots=True)
class ProxyStatusRow:
    """One proxy."""

    name: str
    """``pod.namespace``."""
    type: str
    cluster: str
    istiod: str
    """The replica it is connected to, or NOT CONNECTED, or UNKNOWN."""
    version: str
    revision: str
    types: tuple[TypeCell, ...]
    """Empty for a proxy that no istiod is known to serve."""
    connected_at: datetime | None
    source: str
    """The syncz it stands in; empty for none."""
    pointer: str

    def _cell(self, name: str) -> str:
        return next((str(cell) for cell in self.types if cell.type == name), "")

    @property
    def cds(self) -> str:
        """Clusters."""
        return self._cell("CDS")

    @property
    def lds(self) -> str:
        """Listeners."""
        return self._cell("LDS")

    @property
    def eds(self) -> str:
        """Endpoints."""
        return self._cell("EDS")

    @property
    def rds(self) -> str:
        """Routes."""
        return self._cell("RDS")

    @property
    def ecds(self) -> str:
        """Extension configurations."""
        return self._cell("ECDS")

    @property
    def sds(self) -> str:
        """Secrets that istiod serves (a gateway's)."""
        return self._cell("SDS")

    @property
    def nds(self) -> str:
        """The name table of DNS capture."""
        return self._cell("NDS")

    @property
    def pcds(self) -> str:
        """Proxy configuration."""
        return self._cell("PCDS")

    @property
    def wds(self) -> str:
        """Workloads and services (ztunnel, waypoints)."""
        return self._cell("WDS")

    @property
    def wads(self) -> str:
        """Authorization policies (ztunnel)."""
        return self._cell("WADS")

    @property
    def other(self) -> str:
        """Types without a short name."""
        known = {*COMMON_TYPES, *FURTHER_TYPES}
        return ", ".join(f"{cell.type}: {cell}" for cell in self.types if cell.type not in known)

    @property
    def status(self) -> str:
        """The worst word of the row: a screen colours by it."""
        words = {cell.status for cell in self.types}
        return next((word for word in _WORST_FIRST if word in words), self.istiod)

    @property
    def reason(self) -> str:
        """Why the proxy rejected what it was sent, on one line."""
        said = [f"{cell.type}: {' '.join(cell.error.split())}" for cell in self.types if cell.error]
        return "; ".join(said)


def age_text(seconds: float) -> str:
    """An age as people read it: ``18s``, ``3m20s``, ``2h5m``, ``4d3h``."""
    whole = max(0, int(seconds))
    for unit, size, smaller_unit, smaller in _UNITS:
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller}{smaller_unit}"
    return f"{whole}s"
