"""Endpoints of a load assignment."""

from __future__ import annotations

from functools import partial
from sys import intern
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.endpoint import ClusterLoadAssignment, Endpoint
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.address import read_address
from meshdoctor.parse.envoy.fields import Notes, integer, mappings, text, wrapped_integer
from meshdoctor.parse.envoy.sharing import TIMES_AND_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.parse.envoy.section import Section


def read_locality(value: object) -> str:
    """``region/zone/subzone`` without empty parts at its end."""
    locality = as_mapping(value)
    if not locality:
        return ""
    parts = (text(locality.get(part)) for part in ("region", "zone", "sub_zone"))
    return intern("/".join(parts).rstrip("/"))


def _read_endpoint(
    entry: Mapping[str, Any], locality: str, priority: int, pointer: str
) -> Endpoint:
    endpoint = as_mapping(entry.get("endpoint"))
    address = read_address(endpoint.get("address"))
    metadata = as_mapping(as_mapping(entry.get("metadata")).get("filter_metadata"))
    socket_match = as_mapping(metadata.get("envoy.transport_socket_match"))
    weight = wrapped_integer(entry.get("load_balancing_weight"))
    return Endpoint(
        address=address.address,
        port=address.port,
        via=address.via,
        health=text(entry.get("health_status")) or "UNKNOWN",
        tls_mode=text(socket_match.get("tlsMode")),
        hbone=socket_match.get("tunnel") == "http",
        workload=text(as_mapping(metadata.get("istio")).get("workload")),
        hostname=text(endpoint.get("hostname")),
        weight=1 if weight is None else weight,
        locality=locality,
        priority=priority,
        pointer=pointer,
    )


def read_endpoints(localities: object, pointer: str, notes: Notes) -> tuple[Endpoint, ...]:
    """Read ``endpoints`` of a ClusterLoadAssignment: every locality's, in order."""
    return tuple(_endpoints(localities, pointer, notes))


def _endpoints(localities: object, pointer: str, notes: Notes) -> Iterator[Endpoint]:
    for at, group in mappings(localities, pointer, notes):
        locality = read_locality(group.get("locality"))
        priority = integer(group.get("priority")) or 0
        for place, entry in mappings(group.get("lb_endpoints"), f"{at}/lb_endpoints", notes):
            yield _read_endpoint(entry, locality, priority, place)


def _read_assignment(
    static: bool, entry: Mapping[str, Any], pointer: str, notes: Notes
) -> Iterator[ClusterLoadAssignment]:
    config = as_mapping(entry.get("endpoint_config"))
    name = text(config.get("cluster_name"))
    if not name:
        notes.add(pointer, "no cluster_name")
        return
    place = f"{pointer}/endpoint_config/endpoints"
    endpoints = read_endpoints(config.get("endpoints"), place, notes)
    yield ClusterLoadAssignment(name, endpoints, static, pointer)


def read_load_assignments(section: Section) -> tuple[ClusterLoadAssignment, ...]:
    """Read an ``EndpointsConfigDump`` (present only when asked for with ``include_eds``)."""
    return (
        *section.read_alike(
            "dynamic_endpoint_configs", TIMES_AND_VERSIONS, partial(_read_assignment, False)
        ),
        *section.read_alike(
            "static_endpoint_configs", TIMES_AND_VERSIONS, partial(_read_assignment, True)
        ),
    )
