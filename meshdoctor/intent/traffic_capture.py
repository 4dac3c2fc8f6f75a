"""The annotations that keep a port or an address out of a pod's sidecar, and how to take them back.

Traffic capture is set up once, when the pod starts, from ``traffic.sidecar.istio.io/…``
annotations of its template (tools/istio-iptables/pkg/capture/run.go). Exclusions count before
inclusions.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import EXCLUDE_INBOUND_PORTS, INCLUDE_INBOUND_PORTS

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource

INCLUDE_OUTBOUND_PORTS = "traffic.sidecar.istio.io/includeOutboundPorts"
EXCLUDE_OUTBOUND_PORTS = "traffic.sidecar.istio.io/excludeOutboundPorts"
INCLUDE_OUTBOUND_RANGES = "traffic.sidecar.istio.io/includeOutboundIPRanges"
EXCLUDE_OUTBOUND_RANGES = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
_ALL = "*"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One annotation that keeps traffic out of a sidecar."""

    annotation: str
    value: str
    captured: str | None
    """The value with which the traffic would be captured; None: without the annotation."""

    @property
    def text(self) -> str:
        """The annotation and its value."""
        return f'{self.annotation}: "{self.value}"'


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _names_port(text: str, port: int) -> bool:
    return str(port) in _items(text)


def _contains(cidr: str, ip: str) -> bool:
    try:
        return ip_address(ip) in ip_network(cidr, strict=False)
    except ValueError:
        return False


def _without(pod: Resource, annotation: str, kept: list[str]) -> Exclusion:
    return Exclusion(annotation, pod.annotations[annotation], ",".join(kept) or None)


def _with(pod: Resource, annotation: str, added: str) -> Exclusion:
    value = pod.annotations[annotation]
    return Exclusion(annotation, value, ",".join([*_items(value), added]))


def inbound_exclusion(pod: Resource, port: int) -> Exclusion | None:
    """The annotation that keeps connections to a container port out of the pod's sidecar."""
    excluded = pod.annotations.get(EXCLUDE_INBOUND_PORTS, "")
    if _names_port(excluded, port):
        kept = [item for item in _items(excluded) if item != str(port)]
        return _without(pod, EXCLUDE_INBOUND_PORTS, kept)
    included = pod.annotations.get(INCLUDE_INBOUND_PORTS, _ALL).strip()
    if included == _ALL or _names_port(included, port):
        return None
    return _with(pod, INCLUDE_INBOUND_PORTS, str(port))


def outbound_exclusion(pod: Resource, ip: str, port: int) -> Exclusion | None:
    """The annotation that keeps the pod's own connections to an address out of its sidecar.

    Args:
        pod: the client, which has a sidecar.
        ip: what it dials: the Service's cluster IP, or a pod's.
        port: the port it dials: the Service's, or with a pod's IP the container's.
    """
    annotations = pod.annotations
    excluded = annotations.get(EXCLUDE_OUTBOUND_PORTS, "")
    if _names_port(excluded, port):
        kept = [item for item in _items(excluded) if item != str(port)]
        return _without(pod, EXCLUDE_OUTBOUND_PORTS, kept)
    ranges = _items(annotations.get(EXCLUDE_OUTBOUND_RANGES, ""))
    if any(_contains(item, ip) for item in ranges):
        return _without(
            pod, EXCLUDE_OUTBOUND_RANGES, [item for item in ranges if not _contains(item, ip)]
        )
    if _names_port(annotations.get(INCLUDE_OUTBOUND_PORTS, ""), port):
        return None
    included = annotations.get(INCLUDE_OUTBOUND_RANGES, _ALL).strip()
    if included == _ALL or any(_contains(item, ip) for item in _items(included)):
        return None
    return _with(pod, INCLUDE_OUTBOUND_RANGES, f"{ip}/32" if "." in ip else f"{ip}/128")


def limits_outbound(pod: Resource) -> bool:
    """Whether any annotation keeps some of the pod's own connections out of its sidecar."""
    names = (EXCLUDE_OUTBOUND_PORTS, EXCLUDE_OUTBOUND_RANGES, INCLUDE_OUTBOUND_RANGES)
    return any(pod.annotations.get(name, _ALL).strip() != _ALL for name in names)
