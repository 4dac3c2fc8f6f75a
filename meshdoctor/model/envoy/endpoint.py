"""Endpoints: where a cluster sends requests, as EDS or the cluster itself says."""

from __future__ import annotations

from dataclasses import dataclass

_WORKLOAD_PARTS = 5


def address_text(address: str, port: int, via: str) -> str:
    """An address as istioctl prints it: ``ip:port``, a pipe's path, ``envoy://listener/ip:port``."""
    text = f"{address}:{port}" if port else address
    return f"envoy://{via}/{text}" if via else text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One ``lb_endpoint``."""

    address: str
    """IP or DNS name; a pipe's path; for an HBONE endpoint the IP behind the tunnel."""
    port: int
    """Port, 0 for pipes."""
    via: str
    """Internal listener that tunnels to it (``connect_originate``), empty for none."""
    health: str
    """Envoy's HealthStatus: HEALTHY, UNHEALTHY, DRAINING, TIMEOUT, DEGRADED or UNKNOWN."""
    tls_mode: str
    """``tlsMode`` to match transport sockets by: ``istio``, ``disabled``, or empty for none."""
    hbone: bool
    """Whether the endpoint is matched to the HBONE tunnel (``tunnel: http``)."""
    workload: str
    """``workload;namespace;canonical name;canonical revision;cluster`` or empty."""
    hostname: str
    weight: int
    locality: str
    """``region/zone/subzone``, shortened from the right; empty for none."""
    priority: int
    pointer: str
    """Pointer to the ``lb_endpoint`` object."""

    def __str__(self) -> str:
        """The address as istioctl prints it."""
        return address_text(self.address, self.port, self.via)

    @property
    def workload_name(self) -> str:
        """Name of the workload behind it; empty when the metadata does not say."""
        parts = self.workload.split(";")
        return parts[0] if len(parts) == _WORKLOAD_PARTS else ""

    @property
    def workload_namespace(self) -> str:
        """Namespace of the workload behind it; empty when the metadata does not say."""
        parts = self.workload.split(";")
        return parts[1] if len(parts) == _WORKLOAD_PARTS else ""


@dataclass(frozen=True, slots=True)
class ClusterLoadAssignment:
    """The endpoints of one cluster in ``EndpointsConfigDump``."""

    cluster_name: str
    endpoints: tuple[Endpoint, ...]
    static: bool
    pointer: str
    """Pointer to the entry, which holds ``endpoint_config``."""
