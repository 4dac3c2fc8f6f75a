"""One istiod replica as it was read: who is connected, what it pushed, what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.istiod_metrics import IstiodMetrics
    from meshdoctor.model.log_line import IstiodLog

TOOL_VERSION = "65536.65536.65536"
"""The version istioctl announces for its own short-lived connections (pkg/adsc)."""


class SyncStatus(StrEnum):
    """istioctl's words for what a proxy made of one type of configuration."""

    SYNCED = "SYNCED"
    STALE = "STALE"
    NOT_SENT = "NOT SENT"
    IGNORED = "IGNORED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class TypeSync:
    """One xDS type on one connection."""

    type: str
    """Short name: CDS, LDS, EDS, RDS, SDS, ECDS, WDS …, or the raw type URL."""
    sent: str
    """Nonce of the last push; empty when nothing was sent."""
    acked: str
    """Nonce the proxy last accepted."""
    sent_at: datetime | None
    error: str | None
    """The proxy's reason for rejecting the last push (istiod 1.23 and later)."""
    pointer: str
    """Pointer to this type's entry in syncz."""

    @property
    def status(self) -> SyncStatus:
        """The status word, derived as istiod's statusgen does."""
        if self.error:
            return SyncStatus.ERROR
        if not self.sent:
            return SyncStatus.NOT_SENT
        return SyncStatus.SYNCED if self.sent == self.acked else SyncStatus.STALE


@dataclass(frozen=True, slots=True)
class ProxySync:
    """One proxy that an istiod knows."""

    pod: str
    namespace: str
    type: str
    """``sidecar``, ``router``, ``waypoint``, ``ztunnel`` …"""
    cluster: str
    version: str
    """The proxy's ISTIO_VERSION; empty when it did not say."""
    types: tuple[TypeSync, ...]
    pointer: str
    """Pointer to this proxy's entry in syncz."""

    @property
    def is_tool(self) -> bool:
        """Whether this is istioctl's own connection, not a proxy."""
        return self.version == TOOL_VERSION

    def sync(self, short_name: str) -> TypeSync | None:
        """The entry for one type; None when the proxy never asked for it."""
        return next((item for item in self.types if item.type == short_name), None)


@dataclass(frozen=True, slots=True)
class Istiod:
    """One control plane replica."""

    namespace: str
    pod: str
    source: str
    """Folder within the recording: ``istiod/<ns>/<pod>``."""
    revision: str = "default"
    version: str | None = None
    syncs: tuple[ProxySync, ...] | None = None
    """None when syncz could not be read."""
    connected_at: Mapping[str, datetime] | None = None
    """When each ``pod.namespace`` connected, from ``/debug/connections``."""
    mesh: Mapping[str, Any] | None = None
    """MeshConfig as camelCase proto JSON."""
    log: IstiodLog | None = None
    metrics: IstiodMetrics | None = None
    unread: frozenset[str] = frozenset()
    """File names under the folder that could not be read."""

    def path(self, name: str) -> str:
        """Path of one of this replica's files within the recording."""
        return f"{self.source}/{name}"

    @property
    def syncz_path(self) -> str:
        """Path of syncz within the recording."""
        return self.path("debug/syncz.json")
