"""What istiod's validation refuses of Gateways and DestinationRules (pkg/config/validation)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TLS_PROTOCOLS = ("HTTPS", "TLS")
_PLAIN_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
_CREDENTIALS = ("credentialName", "credentialNames", "tlsCertificates")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.IGNORECASE)
_CERTIFICATES = ("clientCertificate", "privateKey", "caCertificates")


def _server_tls(tls: Mapping[str, Any]) -> Iterator[str]:
    mode = str(tls.get("mode") or "PASSTHROUGH")
    if mode not in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL") or any(map(tls.get, _CREDENTIALS)):
        return
    word = mode.removeprefix("OPTIONAL_")
    if not tls.get("serverCertificate"):
        yield f"{word} TLS requires a server certificate"
    if not tls.get("privateKey"):
        yield f"{word} TLS requires a private key"
    if word == "MUTUAL" and not tls.get("caCertificates"):
        yield "MUTUAL TLS requires a client CA bundle"


def _passes_through(tls: Mapping[str, Any]) -> bool:
    certificates = ("caCertificates", "privateKey", "serverCertificate")
    mode = tls.get("mode", "PASSTHROUGH")
    return mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH") and not any(map(tls.get, certificates))


def _server(server: Mapping[str, Any]) -> Iterator[str]:
    port, tls = as_mapping(server.get("port")), server.get("tls")
    protocol = str(port.get("protocol") or "").upper()
    if not server.get("hosts"):
        yield "server config must contain at least one host"
    if not port:
        yield "port is required"
    if tls is not None:
        yield from _server_tls(as_mapping(tls))
    if protocol in _TLS_PROTOCOLS and tls is None:
        yield "server must have TLS settings for HTTPS/TLS protocols"
    elif protocol in _PLAIN_HTTP and tls is not None and not _passes_through(as_mapping(tls)):
        yield "server cannot have TLS settings for plain text HTTP ports"
    elif protocol == "TCP" and tls is not None:
        yield "server cannot have TLS settings for non HTTPS/TLS ports"


def of_gateway(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a Gateway, an error each.

    Args:
        spec: of the object.
    """
    servers = [as_mapping(one) for one in as_list(spec.get("servers"))]
    if not servers:
        yield "gateway must have at least one server"
    for server in servers:
        yield from _server(server)
    names = [name for one in servers if (name := as_mapping(one.get("port")).get("name"))]
    for name in dict.fromkeys(one for one in names if names.count(one) > 1):
        yield f"port names in servers must be unique: duplicate name {name}"


def _client_tls(tls: Mapping[str, Any]) -> Iterator[str]:
    if tls.get("credentialName") and tls.get("mode") in ("SIMPLE", "MUTUAL"):
        if any(map(tls.get, _CERTIFICATES)):
            yield (
                "cannot specify client certificates or CA certificate or CA CRL "
                "If credentialName is set"
            )
    elif tls.get("mode") == "MUTUAL":
        if not tls.get("clientCertificate"):
            yield "client certificate required for mutual tls"
        if not tls.get("privateKey"):
            yield "private key required for mutual tls"


def _traffic(policy: Mapping[str, Any]) -> Iterator[str]:
    traffic = as_mapping(policy.get("trafficPolicy"))
    if policy.get("trafficPolicy") == {}:
        yield "traffic policy must have at least one field"
    for one in (traffic, *map(as_mapping, as_list(traffic.get("portLevelSettings")))):
        if one.get("connectionPool") == {}:
            yield "connection pool must have at least one field"
        yield from _client_tls(as_mapping(one.get("tls")))


def of_destination_rule(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a DestinationRule, an error each.

    Args:
        spec: of the object.
    """
    if not spec.get("host"):
        yield "empty domain name not allowed"
    yield from _traffic(spec)
    subsets = [as_mapping(one) for one in as_list(spec.get("subsets"))]
    names = [str(one.get("name") or "") for one in subsets]
    for name in dict.fromkeys(one for one in names if one and names.count(one) > 1):
        yield f"duplicate subset names: {name}"
    for name, subset in zip(names, subsets, strict=True):
        if not name:
            yield "subset name cannot be empty"
        elif not _LABEL.fullmatch(name):
            yield f"subset name is invalid: {name}"
        yield from _traffic(subset)
