"""Which of a pod's own calls lead through its sidecar: what traffic capture was told at injection.

Calls that are not captured leave the pod as the application sends them, so no DestinationRule and
no mutual TLS apply to them (tools/istio-iptables; annotations ``traffic.sidecar.istio.io/…``).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import INTERCEPTION_MODE

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource

_PREFIX = "traffic.sidecar.istio.io/"
INCLUDE_OUTBOUND_PORTS = f"{_PREFIX}includeOutboundPorts"
EXCLUDE_OUTBOUND_PORTS = f"{_PREFIX}excludeOutboundPorts"
INCLUDE_OUTBOUND_RANGES = f"{_PREFIX}includeOutboundIPRanges"
EXCLUDE_OUTBOUND_RANGES = f"{_PREFIX}excludeOutboundIPRanges"
_EVERYTHING = "*"


def listed(text: str) -> tuple[str, ...]:
    """The parts of an annotation that lists ports or ranges."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_within(address: str, ranges: tuple[str, ...]) -> bool:
    """Whether an address is in one of these ranges; what is no range holds none."""
    for item in ranges:
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(item, strict=False):
                return True
        except ValueError:
            continue
    return False


@dataclass(frozen=True, slots=True)
class OutboundCapture:
    """What a pod's annotations say of its own calls; the default takes everything."""

    included_ports: tuple[str, ...] = ()
    """Taken whatever the address."""
    excluded_ports: tuple[str, ...] = ()
    included_ranges: tuple[str, ...] = (_EVERYTHING,)
    excluded_ranges: tuple[str, ...] = ()
    is_off: bool = False
    """Whether interception is switched off as a whole."""

    def passes_by(self, port: int, address: str) -> str:
        """The annotation by which a call avoids the sidecar; empty for a call that is captured.

        Args:
            port: the one that the application dials, which is the Service's.
            address: the one that it dials, empty when that is not known.
        """
        if self.is_off:
            return INTERCEPTION_MODE
        if str(port) in self.excluded_ports:
            return EXCLUDE_OUTBOUND_PORTS
        if address and is_within(address, self.excluded_ranges):
            return EXCLUDE_OUTBOUND_RANGES
        if _EVERYTHING in (*self.included_ports, *self.included_ranges):
            return ""
        if str(port) in self.included_ports:
            return ""
        # An address that is not known may be in any range that is named.
        if self.included_ranges and (not address or is_within(address, self.included_ranges)):
            return ""
        return INCLUDE_OUTBOUND_RANGES


def outbound_capture(pod: Resource) -> OutboundCapture:
    """What a pod with a sidecar was told at injection."""
    notes = pod.annotations
    return OutboundCapture(
        included_ports=listed(notes.get(INCLUDE_OUTBOUND_PORTS, "")),
        excluded_ports=listed(notes.get(EXCLUDE_OUTBOUND_PORTS, "")),
        included_ranges=listed(notes.get(INCLUDE_OUTBOUND_RANGES, _EVERYTHING)),
        excluded_ranges=listed(notes.get(EXCLUDE_OUTBOUND_RANGES, "")),
        is_off=notes.get(INTERCEPTION_MODE) == "NONE",
    )


def passed_by(pod: Resource, address: str, port: int) -> str | None:
    """The annotation by which a connection of a pod with a sidecar leaves it aside.

    Args:
        pod: the calling pod.
        address: the destination's; empty when it is not known.
        port: the port that the application connects to, which is the Service's.

    Returns:
        The annotation's key; None when the sidecar takes the connection.
    """
    return outbound_capture(pod).passes_by(port, address) or None
