"""Filter chains of a listener."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.filter_chain import (
    HTTP_CONNECTION_MANAGER,
    TCP_PROXY,
    DownstreamTls,
    FilterChain,
    FilterChainMatch,
    HttpConnectionManager,
    TcpProxy,
)
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.fields import Notes, mappings, strings, text, wrapped_integer
from meshdoctor.parse.envoy.http_connection_manager import read_http_connection_manager
from meshdoctor.parse.envoy.metadata import read_config_pointer
from meshdoctor.parse.envoy.rbac import read_rbac
from meshdoctor.parse.envoy.route import read_weighted_clusters
from meshdoctor.parse.envoy.sharing import shared
from meshdoctor.parse.envoy.upstream_tls import peer_names, sds_names, validation_ca

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.envoy.security import RbacFilter


def _match(value: object) -> FilterChainMatch:
    match = as_mapping(value)
    ranges = tuple(
        intern(
            f"{text(as_mapping(item).get('address_prefix'))}"
            f"/{wrapped_integer(as_mapping(item).get('prefix_len')) or 0}"
        )
        for item in as_list(match.get("prefix_ranges"))
    )
    return shared(
        FilterChainMatch(
            wrapped_integer(match.get("destination_port")),
            ranges,
            strings(match.get("server_names")),
            text(match.get("transport_protocol")),
            strings(match.get("application_protocols")),
        )
    )


def _is_true(value: object) -> bool:
    """A BoolValue, bare or wrapped as older dumps print it."""
    return (value.get("value") if isinstance(value, dict) else value) is True


def _downstream_tls(value: object, pointer: str) -> DownstreamTls | None:
    config = as_mapping(as_mapping(value).get("typed_config"))
    # QUIC wraps the same context once more.
    config = as_mapping(config.get("downstream_tls_context")) or config
    context = config.get("common_tls_context")
    if not isinstance(context, dict):
        return None
    return DownstreamTls(
        require_client_certificate=_is_true(config.get("require_client_certificate")),
        certificates=sds_names(context),
        ca=validation_ca(context),
        sans=peer_names(context),
        alpn=strings(context.get("alpn_protocols")),
        pointer=pointer,
    )


def read_filter_chain(entry: Mapping[str, Any], pointer: str, notes: Notes) -> FilterChain:
    """Read one filter chain."""
    names: list[str] = []
    rbac: list[RbacFilter] = []
    http: HttpConnectionManager | None = None
    http_rbac: list[RbacFilter] = []
    tcp: TcpProxy | None = None
    for at, item in mappings(entry.get("filters"), f"{pointer}/filters", notes):
        name = text(item.get("name"))
        names.append(name)
        config = item.get("typed_config")
        if not isinstance(config, dict):
            continue
        place = intern(f"{at}/typed_config")
        if name == HTTP_CONNECTION_MANAGER:
            http, http_rbac = read_http_connection_manager(config, place, notes)
        elif name == TCP_PROXY:
            tunneling = isinstance(config.get("tunneling_config"), dict)
            tcp = TcpProxy(read_weighted_clusters(config), tunneling, place)
        elif found := read_rbac(item, at):
            rbac.append(found)
    return FilterChain(
        name=text(entry.get("name")),
        match=_match(entry.get("filter_chain_match")),
        tls=_downstream_tls(entry.get("transport_socket"), f"{pointer}/transport_socket"),
        filters=shared(tuple(names)),
        http=http,
        tcp=tcp,
        rbac=(*rbac, *http_rbac),
        config=read_config_pointer(entry),
        pointer=pointer,
    )
