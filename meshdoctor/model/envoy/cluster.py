"""Upstream clusters of a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from meshdoctor.model.envoy.names import ClusterName, parse_cluster_name
from meshdoctor.model.evidence import join_pointer

if TYPE_CHECKING:
    from meshdoctor.model.envoy.config_pointer import ConfigPointer
    from meshdoctor.model.envoy.endpoint import Endpoint
    from meshdoctor.model.envoy.error_state import ErrorState

ClusterState = Literal["static", "active", "warming"]


class TlsMode(StrEnum):
    """How a cluster speaks TLS (pilot/pkg/networking/core/cluster_tls.go)."""

    NONE = "none"
    """Plaintext to every endpoint."""
    AUTO = "auto"
    """Automatic mTLS: per endpoint, by its ``tlsMode``."""
    ISTIO_MUTUAL = "istio_mutual"
    """Istio mTLS to every endpoint, whether it has a proxy or not."""
    MUTUAL = "mutual"
    """TLS with a client certificate of the user's."""
    SIMPLE = "simple"
    """TLS without a client certificate."""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """The UpstreamTlsContext a cluster uses (for AUTO: the one for ``tlsMode: istio``)."""

    sni: str
    sans: tuple[str, ...]
    """Names accepted from the server; a prefix ends in ``*``, a suffix begins with it."""
    certificate: str
    """SDS secret or file of the client certificate; empty for none."""
    ca: str
    """SDS secret or file of the CA that must have signed the server; empty: any is accepted."""
    alpn: tuple[str, ...]
    pointer: str
    """Pointer to the transport socket."""


UNLIMITED = 4294967295
"""What istiod writes for a limit that nobody set."""


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """Thresholds of the DEFAULT priority; None where there is no limit (4294967295)."""

    max_connections: int | None
    max_pending_requests: int | None
    max_requests: int | None
    max_retries: int | None
    pointer: str
    """Pointer to the ``thresholds`` entry."""
    unlimited: str = ""
    """A threshold that is written there as no limit; empty when none is."""

    @property
    def is_limited(self) -> bool:
        """Whether any threshold limits anything."""
        return any(
            limit is not None
            for limit in (
                self.max_connections,
                self.max_pending_requests,
                self.max_requests,
                self.max_retries,
            )
        )


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """When a host is ejected; durations as Envoy prints them, None or empty where unset."""

    consecutive_5xx: int | None
    consecutive_gateway_failure: int | None
    interval: str
    base_ejection_time: str
    max_ejection_percent: int | None
    pointer: str


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A service the cluster stands for, from ``filter_metadata.istio.services``."""

    name: str
    namespace: str
    host: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster of ``ClustersConfigDump``."""

    name: str
    type: str
    """EDS, STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST, or an extension's name."""
    state: ClusterState
    config: ConfigPointer | None
    """The DestinationRule behind it (a Sidecar for some inbound clusters)."""
    services: tuple[ServiceRef, ...]
    subset: str
    """Subset in Istio's metadata."""
    external: bool
    """Whether the service is MeshExternal."""
    tls: TlsMode
    upstream_tls: UpstreamTls | None
    hbone: bool
    """Whether some endpoints may be reached through an HBONE tunnel."""
    circuit_breakers: CircuitBreakers | None
    """None when none are written: Envoy's defaults (1024, retries 3) hold."""
    outlier_detection: OutlierDetection | None
    connect_timeout: str
    lb_policy: str
    max_requests_per_connection: int | None
    eds_service_name: str
    """Name under which endpoints are asked for; the cluster's own when empty."""
    panic_threshold: float
    """Below this percentage of healthy hosts Envoy sends to all of them; 0: never."""
    hosts: tuple[Endpoint, ...]
    """Hosts of ``load_assignment``, for STATIC and DNS clusters."""
    error_state: ErrorState | None
    pointer: str
    """Pointer to the entry, which holds ``cluster``, ``last_updated`` and ``error_state``."""

    @property
    def parsed(self) -> ClusterName | None:
        """The parts of the name; None for clusters that are not a service's."""
        return parse_cluster_name(self.name)

    @property
    def sni(self) -> str:
        """Server name sent; empty for none."""
        return self.upstream_tls.sni if self.upstream_tls else ""

    @property
    def sans(self) -> tuple[str, ...]:
        """Names accepted from the server; empty: any."""
        return self.upstream_tls.sans if self.upstream_tls else ()

    def at(self, *path: str | int) -> str:
        """Pointer to a part of the cluster's own configuration."""
        return join_pointer(self.pointer, ("cluster", *path))
