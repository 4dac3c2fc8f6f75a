"""Which of a pod's ports lead through its sidecar: what traffic capture was told at injection.

Ports that are not captured reach the application directly, so no PeerAuthentication is enforced
there (tools/istio-iptables; annotations ``traffic.sidecar.istio.io/…``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.pod import has_proxy

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource

INCLUDE_INBOUND_PORTS = "traffic.sidecar.istio.io/includeInboundPorts"
EXCLUDE_INBOUND_PORTS = "traffic.sidecar.istio.io/excludeInboundPorts"
INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
REDIRECTION = "ambient.istio.io/redirection"
"""Set by the CNI node agent on pods whose traffic ztunnel takes."""
TUNNEL = "networking.istio.io/tunnel"
"""``http`` on a pod whose sidecar takes HBONE as well (ISTIO_META_ENABLE_HBONE)."""

_PROXY_PORTS = frozenset({15020, 15021, 15090})
"""Health, readiness and telemetry: never captured (pkg/kube/inject)."""


def _ports(text: str) -> frozenset[int]:
    parts = (part.strip() for part in text.split(","))
    return frozenset(int(part) for part in parts if part.isascii() and part.isdecimal())


def captures_inbound(pod: Resource, port: int) -> bool:
    """Whether connections to a port of a pod with a sidecar go through the sidecar."""
    annotations = pod.annotations
    if port in _PROXY_PORTS or annotations.get(INTERCEPTION_MODE) == "NONE":
        return False
    if port in _ports(annotations.get(EXCLUDE_INBOUND_PORTS, "")):
        return False
    included = annotations.get(INCLUDE_INBOUND_PORTS, "*").strip()
    return included == "*" or port in _ports(included)


def is_in_ambient(pod: Resource) -> bool:
    """Whether ztunnel takes the pod's traffic, which gives it mutual TLS without a sidecar."""
    return pod.annotations.get(REDIRECTION) == "enabled"


def takes_hbone(pod: Resource) -> bool:
    """Whether a pod can be reached through an HBONE tunnel: by ztunnel, or its own sidecar."""
    return is_in_ambient(pod) or (has_proxy(pod) and pod.labels.get(TUNNEL) == "http")
