"""How a cluster speaks TLS, from its transport sockets (facts of istiod's cluster_tls.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from meshdoctor.model.envoy.cluster import TlsMode, UpstreamTls
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.fields import string_match, strings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_WRAPPERS = 4
_IDENTITY = "default"
_ROOT = "ROOTCA"


class Socket(NamedTuple):
    """A transport socket's configuration and where it stands."""

    config: Mapping[str, Any]
    pointer: str


class ClusterTls(NamedTuple):
    """All there is to know of a cluster's TLS."""

    mode: TlsMode
    tls: UpstreamTls | None
    hbone: bool


def _unwrap(value: object, pointer: str) -> Socket | None:
    """Look through wrappers such as InternalUpstreamTransport for the socket inside."""
    for _ in range(_MOST_WRAPPERS):
        socket = as_mapping(value)
        config = as_mapping(socket.get("typed_config"))
        inner = config.get("transport_socket")
        if not isinstance(inner, dict):
            return Socket(config, pointer) if config else None
        value, pointer = inner, f"{pointer}/typed_config/transport_socket"
    return None


def sds_names(context: Mapping[str, Any]) -> tuple[str, ...]:
    """SDS names (or files) of the certificates in a CommonTlsContext."""
    named = tuple(
        text(as_mapping(item).get("name"))
        for item in as_list(context.get("tls_certificate_sds_secret_configs"))
    )
    files = tuple(
        text(as_mapping(as_mapping(item).get("certificate_chain")).get("filename")) or "inline"
        for item in as_list(context.get("tls_certificates"))
    )
    return tuple(name for name in named + files if name)


def _validations(context: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    combined = as_mapping(context.get("combined_validation_context"))
    yield as_mapping(combined.get("default_validation_context"))
    yield as_mapping(context.get("validation_context"))


def validation_ca(context: Mapping[str, Any]) -> str:
    """SDS name (or file) of the CA in a CommonTlsContext; empty when peers are not checked."""
    combined = as_mapping(context.get("combined_validation_context"))
    for holder in (combined, context):
        secret = as_mapping(holder.get("validation_context_sds_secret_config"))
        if name := text(secret.get("name")):
            return name
    for validation in _validations(context):
        trusted = as_mapping(validation.get("trusted_ca"))
        if trusted:
            return text(trusted.get("filename")) or "inline"
    return ""


def peer_names(context: Mapping[str, Any]) -> tuple[str, ...]:
    """Names accepted from the peer, of both the untyped and the typed form."""
    names: list[str] = []
    for validation in _validations(context):
        names += map(string_match, as_list(validation.get("match_subject_alt_names")))
        for typed in as_list(validation.get("match_typed_subject_alt_names")):
            names.append(string_match(as_mapping(typed).get("matcher")))
    return tuple(dict.fromkeys(name for name in names if name))


def _read_context(socket: Socket) -> tuple[TlsMode, UpstreamTls] | None:
    if not text(socket.config.get("@type")).endswith("UpstreamTlsContext"):
        return None
    context = as_mapping(socket.config.get("common_tls_context"))
    certificates = sds_names(context)
    tls = UpstreamTls(
        sni=text(socket.config.get("sni")),
        sans=peer_names(context),
        certificate=certificates[0] if certificates else "",
        ca=validation_ca(context),
        alpn=strings(context.get("alpn_protocols")),
        pointer=socket.pointer,
    )
    if (tls.certificate, tls.ca) == (_IDENTITY, _ROOT):
        return TlsMode.ISTIO_MUTUAL, tls
    return (TlsMode.MUTUAL if tls.certificate else TlsMode.SIMPLE), tls


def read_cluster_tls(config: Mapping[str, Any], pointer: str) -> ClusterTls:
    """Read a cluster's transport sockets.

    Args:
        config: the cluster.
        pointer: where it stands.
    """
    hbone = False
    for index, value in enumerate(as_list(config.get("transport_socket_matches"))):
        match = as_mapping(value)
        name, wanted = match.get("name"), as_mapping(match.get("match"))
        if wanted.get("tunnel") == "http":
            hbone = True
            continue
        place = f"{pointer}/transport_socket_matches/{index}/transport_socket"
        socket = _unwrap(match.get("transport_socket"), place)
        found = _read_context(socket) if socket else None
        if found is None:
            continue
        # "user" is what a DestinationRule's tls becomes beside an hbone match.
        mode = TlsMode.AUTO if name == "tlsMode-istio" or "tlsMode" in wanted else found[0]
        return ClusterTls(mode, found[1], hbone or _sends_hbone(config))
    socket = _unwrap(config.get("transport_socket"), f"{pointer}/transport_socket")
    found = _read_context(socket) if socket else None
    if found is None:
        return ClusterTls(TlsMode.NONE, None, hbone)
    return ClusterTls(*found, hbone)


def _sends_hbone(config: Mapping[str, Any]) -> bool:
    return any(
        as_mapping(as_mapping(item).get("match")).get("tunnel") == "http"
        for item in as_list(config.get("transport_socket_matches"))
    )
