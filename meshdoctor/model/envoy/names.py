"""Envoy cluster names as Istio builds them (pilot/pkg/model/service.go, BuildSubsetKey)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

PIPES = 3
"""A cluster name of Istio's has exactly this many ``|``."""


@dataclass(frozen=True, slots=True)
class ClusterName:
    """The four parts of ``<direction>|<port>|<subset>|<host>``."""

    direction: str
    """``outbound``, ``inbound`` or ``inbound-vip`` (waypoints)."""
    port: int | None
    """The Service's port for outbound, the *target* port for inbound; None when unreadable."""
    subset: str
    """Subset name, empty for none; a waypoint puts ``http``, ``tcp`` or ``http/<subset>`` here."""
    host: str
    """Fully qualified host; empty for inbound clusters of Istio 1.10 and later."""


def build_cluster_name(direction: str, port: int, subset: str, host: str) -> str:
    """The cluster name istiod would give to these parts."""
    return f"{direction}|{port}|{subset}|{host}"


@lru_cache(maxsize=65536)
def parse_cluster_name(name: str) -> ClusterName | None:
    """Split a cluster name, or the SNI form ``outbound_.8080_.v1_.host``.

    Args:
        name: a cluster's name or the server name a sidecar sends for it.

    Returns:
        The parts; None for names that are not of Istio's form, such as ``PassthroughCluster``.
    """
    parts = name.split("|")
    if len(parts) != PIPES + 1:
        if "|" in name or "_." not in name:
            return None
        parts = name.split("_.", PIPES)
        if len(parts) != PIPES + 1:
            return None
    direction, port, subset, host = parts
    readable = port.isascii() and port.isdecimal() and len(port) <= len("65535")
    return ClusterName(direction, int(port) if readable else None, subset, host)
