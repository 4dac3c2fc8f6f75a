"""The command that declares another protocol for a port, and its undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.json_patches import replace_value

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost, ServicePort


def declare(host: ServiceHost, port: ServicePort, protocol: str) -> dict[str, str]:
    """Words for a cause's fix: ``do``, ``command`` and ``undo``.

    ``appProtocol`` goes before the port's name, which others may refer to, so it is set instead.

    Args:
        host: the Service or ServiceEntry.
        port: one of its ports.
        protocol: ``http``, ``http2``, ``grpc`` or ``tcp``.
    """
    field = "appProtocol" if host.is_kubernetes else "protocol"
    value = protocol if host.is_kubernetes else protocol.upper()
    forth, back = replace_value(host.resource, ("spec", "ports", port.index, field), value)
    return {
        "do": f"Declare {protocol} for port {port.number} of {host.resource}",
        "command": forth,
        "undo": back,
    }
