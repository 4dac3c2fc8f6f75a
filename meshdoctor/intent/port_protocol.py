"""The protocol that Istio takes a port for: appProtocol, else the name's prefix, else it guesses.

Mirrors pkg/config/kube ``ConvertProtocol`` and pkg/config/protocol ``Parse``. A ServiceEntry says
it in the port's ``protocol``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost, ServicePort


class PortProtocol(StrEnum):
    """What proxies do with the bytes of a port."""

    HTTP = "HTTP"
    """They read HTTP/1.1 towards the application, whatever version the caller speaks."""
    HTTP2 = "HTTP2"
    """They read HTTP and speak HTTP/2 to the application (also gRPC)."""
    TLS = "TLS"
    """They see TLS of the application's own and hand it on."""
    TCP = "TCP"
    """They hand bytes on."""
    UDP = "UDP"
    """They leave it alone."""
    AUTO = "AUTO"
    """They wait for the first bytes and guess whether those are HTTP."""

    @property
    def is_http(self) -> bool:
        """Whether rules for requests apply at once, without a guess."""
        return self in (PortProtocol.HTTP, PortProtocol.HTTP2)


_WORDS = {
    "http": PortProtocol.HTTP,
    "http_proxy": PortProtocol.HTTP,
    "http2": PortProtocol.HTTP2,
    "grpc": PortProtocol.HTTP2,
    "https": PortProtocol.TLS,
    "tls": PortProtocol.TLS,
    "tcp": PortProtocol.TCP,
    "mongo": PortProtocol.TCP,
    "redis": PortProtocol.TCP,
    "mysql": PortProtocol.TCP,
    "hbone": PortProtocol.TCP,
    "udp": PortProtocol.UDP,
}
_KUBERNETES = {
    "kubernetes.io/h2c": PortProtocol.HTTP2,
    "kubernetes.io/ws": PortProtocol.HTTP,
    "kubernetes.io/wss": PortProtocol.TLS,
}
_GRPC_WEB = "grpc-web"
WELL_KNOWN_TCP = frozenset({25, 53, 3306, 27017})
"""Ports that Istio never guesses at: SMTP, DNS, MySQL and MongoDB speak first or are taken to."""


def protocol_of(host: ServiceHost, port: ServicePort) -> PortProtocol:
    """The protocol that proxies take a port of a host for."""
    if port.protocol.upper() == "UDP":
        return PortProtocol.UDP
    if not host.is_kubernetes:
        word = port.protocol.lower()
        return PortProtocol.HTTP if word == _GRPC_WEB else _WORDS.get(word, PortProtocol.AUTO)
    text = (port.app_protocol or port.name).lower()
    if text in _KUBERNETES:
        return _KUBERNETES[text]
    if text.startswith(_GRPC_WEB):
        return PortProtocol.HTTP
    known = _WORDS.get(text.partition("-")[0])
    if known is None:
        return PortProtocol.TCP if port.number in WELL_KNOWN_TCP else PortProtocol.AUTO
    return known


def declared_as(host: ServiceHost, port: ServicePort) -> str:
    """How the port says what it is, for a sentence."""
    if not host.is_kubernetes:
        return f"protocol {port.protocol}"
    if port.app_protocol:
        return f"appProtocol {port.app_protocol}"
    return f"named {port.name}" if port.name else "without a name"


def declared_at(host: ServiceHost, port: ServicePort) -> tuple[str | int, ...]:
    """Path of what says it, within the host's object; of the port where nothing does."""
    base: tuple[str | int, ...] = ("spec", "ports", port.index)
    if not host.is_kubernetes:
        return (*base, "protocol")
    if port.app_protocol:
        return (*base, "appProtocol")
    return (*base, "name") if port.name else base
