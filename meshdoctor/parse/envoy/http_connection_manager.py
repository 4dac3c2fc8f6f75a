"""The HTTP part of a filter chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.filter_chain import HttpConnectionManager, HttpFilter
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.fields import Notes, mappings, text
from meshdoctor.parse.envoy.jwt import read_jwt_providers
from meshdoctor.parse.envoy.rbac import read_rbac
from meshdoctor.parse.envoy.route import FAULT_FILTER, read_fault, read_route_config
from meshdoctor.parse.envoy.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.envoy.route import Fault
    from meshdoctor.model.envoy.security import JwtProvider, RbacFilter


def read_http_connection_manager(
    config: Mapping[str, Any], pointer: str, notes: Notes
) -> tuple[HttpConnectionManager, list[RbacFilter]]:
    """Read an HttpConnectionManager and the RBAC filters in it.

    Args:
        config: the ``typed_config``.
        pointer: where it stands.
        notes: takes what could not be read.
    """
    filters: list[HttpFilter] = []
    rbac: list[RbacFilter] = []
    providers: list[JwtProvider] = []
    fault: Fault | None = None
    for at, entry in mappings(config.get("http_filters"), f"{pointer}/http_filters", notes):
        type_url = text(as_mapping(entry.get("typed_config")).get("@type"))
        name = text(entry.get("name"))
        filters.append(HttpFilter(name, type_url))
        if found := read_rbac(entry, at):
            rbac.append(found)
        providers += read_jwt_providers(entry, at)
        if name == FAULT_FILTER:
            fault = read_fault(entry.get("typed_config"), f"{at}/typed_config")
    inline = config.get("route_config")
    return (
        HttpConnectionManager(
            route_config_name=text(as_mapping(config.get("rds")).get("route_config_name")),
            route_config=read_route_config(inline, "inline", f"{pointer}/route_config", notes)
            if isinstance(inline, dict)
            else None,
            filters=shared(tuple(filters)),
            jwt_providers=tuple(providers),
            fault=fault,
            has_access_log=bool(config.get("access_log")),
            pointer=pointer,
        ),
        rbac,
    )
