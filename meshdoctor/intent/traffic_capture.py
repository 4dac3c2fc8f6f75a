"""The annotations that keep a port or an address out of a pod's sidecar, and how to take them back.

Traffic capture is set up once, when the pod starts, from ``traffic.sidecar.istio.io/…``
annotations of its template (tools/istio-iptables/pkg/capture/run.go). Exclusions count before
inclusions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import EXCLUDE_INBOUND_PORTS, INCLUDE_INBOUND_PORTS
from meshdoctor.intent.outbound_capture import (
    EXCLUDE_OUTBOUND_PORTS,
    EXCLUDE_OUTBOUND_RANGES,
    INCLUDE_OUTBOUND_RANGES,
    is_within,
    listed,
    outbound_capture,
)

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource

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


def _names_port(text: str, port: int) -> bool:
    return str(port) in listed(text)


def _without(pod: Resource, annotation: str, kept: list[str]) -> Exclusion:
    return Exclusion(annotation, pod.annotations[annotation], ",".join(kept) or None)


def _with(pod: Resource, annotation: str, added: str) -> Exclusion:
    value = pod.annotations[annotation]
    return Exclusion(annotation, value, ",".join([*listed(value), added]))


def inbound_exclusion(pod: Resource, port: int) -> Exclusion | None:
    """The annotation that keeps connections to a container port out of the pod's sidecar."""
    excluded = pod.annotations.get(EXCLUDE_INBOUND_PORTS, "")
    if _names_port(excluded, port):
        kept = [item for item in listed(excluded) if item != str(port)]
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
    annotation = outbound_capture(pod).passes_by(port, ip)
    named = listed(pod.annotations.get(annotation, ""))
    if annotation == EXCLUDE_OUTBOUND_PORTS:
        return _without(pod, annotation, [item for item in named if item != str(port)])
    if annotation == EXCLUDE_OUTBOUND_RANGES:
        return _without(pod, annotation, [item for item in named if not is_within(ip, (item,))])
    if annotation == INCLUDE_OUTBOUND_RANGES:
        return _with(pod, annotation, f"{ip}/32" if "." in ip else f"{ip}/128")
    return None


def limits_outbound(pod: Resource) -> bool:
    """Whether any annotation keeps some of the pod's own connections out of its sidecar."""
    names = (EXCLUDE_OUTBOUND_PORTS, EXCLUDE_OUTBOUND_RANGES, INCLUDE_OUTBOUND_RANGES)
    return any(pod.annotations.get(name, _ALL).strip() != _ALL for name in names)
