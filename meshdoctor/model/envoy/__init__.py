"""The runtime model of one Envoy: what its admin interface says it holds and does."""

from __future__ import annotations

from meshdoctor.model.envoy.admin import BoundListener, CertDetails, CertInfo, ServerInfo, Stat
from meshdoctor.model.envoy.bootstrap import Bootstrap
from meshdoctor.model.envoy.cluster import (
    CircuitBreakers,
    Cluster,
    OutlierDetection,
    ServiceRef,
    TlsMode,
    UpstreamTls,
)
from meshdoctor.model.envoy.config_dump import ConfigDump, ExtensionConfig
from meshdoctor.model.envoy.config_pointer import ConfigPointer, parse_config_pointer
from meshdoctor.model.envoy.duration import duration_seconds
from meshdoctor.model.envoy.endpoint import ClusterLoadAssignment, Endpoint
from meshdoctor.model.envoy.error_state import ErrorState
from meshdoctor.model.envoy.filter_chain import (
    DownstreamTls,
    FilterChain,
    FilterChainMatch,
    HttpConnectionManager,
    HttpFilter,
    TcpProxy,
)
from meshdoctor.model.envoy.host_status import ClusterStatus, HostStatus, HostStatuses
from meshdoctor.model.envoy.listener import Listener
from meshdoctor.model.envoy.names import ClusterName, build_cluster_name, parse_cluster_name
from meshdoctor.model.envoy.route import (
    Fault,
    HeaderMatch,
    Mirror,
    RetryPolicy,
    Route,
    RouteConfig,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from meshdoctor.model.envoy.secret import Certificate, Secret
from meshdoctor.model.envoy.security import JwtProvider, RbacFilter, RbacPolicy

__all__ = [
    "Bootstrap",
    "BoundListener",
    "CertDetails",
    "CertInfo",
    "Certificate",
    "CircuitBreakers",
    "Cluster",
    "ClusterLoadAssignment",
    "ClusterName",
    "ClusterStatus",
    "ConfigDump",
    "ConfigPointer",
    "DownstreamTls",
    "Endpoint",
    "ErrorState",
    "ExtensionConfig",
    "Fault",
    "FilterChain",
    "FilterChainMatch",
    "HeaderMatch",
    "HostStatus",
    "HostStatuses",
    "HttpConnectionManager",
    "HttpFilter",
    "JwtProvider",
    "Listener",
    "Mirror",
    "OutlierDetection",
    "RbacFilter",
    "RbacPolicy",
    "RetryPolicy",
    "Route",
    "RouteConfig",
    "RouteMatch",
    "Secret",
    "ServerInfo",
    "ServiceRef",
    "Stat",
    "TcpProxy",
    "TlsMode",
    "UpstreamTls",
    "VirtualHost",
    "WeightedCluster",
    "build_cluster_name",
    "duration_seconds",
    "parse_cluster_name",
    "parse_config_pointer",
]
