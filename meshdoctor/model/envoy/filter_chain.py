"""Filter chains: what a listener does with a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.evidence import join_pointer

if TYPE_CHECKING:
    from meshdoctor.model.envoy.config_pointer import ConfigPointer
    from meshdoctor.model.envoy.route import Fault, RouteConfig, WeightedCluster
    from meshdoctor.model.envoy.security import JwtProvider, RbacFilter

HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
TCP_PROXY = "envoy.filters.network.tcp_proxy"


@dataclass(frozen=True, slots=True)
class FilterChainMatch:
    """Which connections a chain is for; empty or None fields match all."""

    destination_port: int | None
    prefix_ranges: tuple[str, ...]
    """Destination CIDRs."""
    server_names: tuple[str, ...]
    transport_protocol: str
    """``tls``, ``raw_buffer``, or empty."""
    application_protocols: tuple[str, ...]


MATCH_ALL = FilterChainMatch(None, (), (), "", ())


@dataclass(frozen=True, slots=True)
class DownstreamTls:
    """TLS that a chain terminates."""

    require_client_certificate: bool
    certificates: tuple[str, ...]
    """SDS secret names (or files) of the server's certificates."""
    ca: str
    """SDS secret (or file) that client certificates are checked against; empty for none."""
    sans: tuple[str, ...]
    """Names accepted from clients; a prefix ends in ``*``."""
    alpn: tuple[str, ...]
    pointer: str
    """Pointer to the transport socket."""

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Every secret the chain needs before it can serve."""
        return (*self.certificates, self.ca) if self.ca else self.certificates


@dataclass(frozen=True, slots=True)
class HttpFilter:
    """One HTTP filter: its name and its configuration's type."""

    name: str
    type_url: str
    """Type of ``typed_config``; empty when it comes by ECDS or has none."""


@dataclass(frozen=True, slots=True)
class HttpConnectionManager:
    """The HTTP part of a chain."""

    route_config_name: str
    """Name asked for by RDS; empty when the routes are inline."""
    route_config: RouteConfig | None
    """Inline routes."""
    filters: tuple[HttpFilter, ...]
    jwt_providers: tuple[JwtProvider, ...]
    fault: Fault | None
    """A fault set on the filter itself (an EnvoyFilter's doing), not on a route."""
    has_access_log: bool
    pointer: str
    """Pointer to the filter's ``typed_config``."""

    def filter_pointer(self, name: str) -> str:
        """Pointer to the HTTP filter of that name.

        Raises:
            LookupError: there is none.
        """
        for index, item in enumerate(self.filters):
            if item.name == name:
                return join_pointer(self.pointer, ("http_filters", index))
        raise LookupError(name)


@dataclass(frozen=True, slots=True)
class TcpProxy:
    """The TCP part of a chain."""

    clusters: tuple[WeightedCluster, ...]
    tunneling: bool
    """Whether it opens an HTTP CONNECT tunnel (HBONE)."""
    pointer: str
    """Pointer to the filter's ``typed_config``."""


@dataclass(frozen=True, slots=True)
class FilterChain:
    """One filter chain of a listener."""

    name: str
    match: FilterChainMatch
    tls: DownstreamTls | None
    filters: tuple[str, ...]
    """Names of the network filters, in order."""
    http: HttpConnectionManager | None
    tcp: TcpProxy | None
    rbac: tuple[RbacFilter, ...]
    """RBAC filters, network ones first."""
    config: ConfigPointer | None
    """The VirtualService (TLS and TCP routes) or Sidecar behind it."""
    pointer: str
