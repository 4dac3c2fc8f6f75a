"""Who a proxy is, from the node in its bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The node of ``BootstrapConfigDump``: id ``type~ip~pod.namespace~domain`` and metadata."""

    node_id: str
    proxy_type: str
    """``sidecar``, ``router`` or ``waypoint``."""
    ip: str
    pod: str
    namespace: str
    dns_domain: str
    """``<namespace>.svc.<cluster domain>``."""
    istio_version: str
    revision: str
    """Revision of the control plane that injected it; empty when the node does not say."""
    cluster_id: str
    workload_name: str
    service_account: str
    mesh_id: str
    network: str
    interception_mode: str
    """REDIRECT, TPROXY or NONE."""
    labels: Mapping[str, str]
    discovery_address: str
    """``PROXY_CONFIG.discoveryAddress``, e.g. ``istiod.istio-system.svc:15012``."""
    pod_ports: tuple[int, ...]
    """Container ports the pod declares."""
    instance_ips: tuple[str, ...]
    envoy_version: str
    """``1.40.0/Clean/RELEASE/BoringSSL``."""
    proxy_sha: str
    """Commit of the proxy build: ISTIO_PROXY_SHA, or Envoy's own revision."""
    pointer: str
    """Pointer to the ``node`` object."""
