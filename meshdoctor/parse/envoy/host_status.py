"""Envoy's ``/clusters?format=json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.host_status import ClusterStatus, HostStatus, HostStatuses
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.address import read_address
from meshdoctor.parse.envoy.cluster import read_circuit_breakers
from meshdoctor.parse.envoy.endpoint import read_locality
from meshdoctor.parse.envoy.fields import Notes, integer, mappings, text
from meshdoctor.parse.envoy.section import Section
from meshdoctor.parse.envoy.sharing import open_pool
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COUNTERS = (
    "cx_total",
    "cx_active",
    "cx_connect_fail",
    "rq_total",
    "rq_success",
    "rq_error",
    "rq_timeout",
    "rq_active",
)


def _counters(value: object) -> dict[str, int]:
    """Zero values are left out of the answer, 64-bit ones are strings."""
    found = dict.fromkeys(_COUNTERS, 0)
    for item in as_list(value):
        stat = as_mapping(item)
        name = stat.get("name")
        if isinstance(name, str) and name in found and "value" in stat:
            found[name] = integer(stat["value"]) or 0
    return found


def _read_host(entry: Mapping[str, Any], pointer: str) -> HostStatus:
    address = read_address(entry.get("address"))
    health = as_mapping(entry.get("health_status"))
    weight = integer(entry.get("weight"))
    return HostStatus(
        address=address.address,
        port=address.port,
        via=address.via,
        hostname=text(entry.get("hostname")),
        eds_health=text(health.get("eds_health_status")) or "UNKNOWN",
        failed_outlier_check=health.get("failed_outlier_check") is True,
        failed_active_health=health.get("failed_active_health_check") is True,
        flags=tuple(sorted(text(name) for name, is_set in health.items() if is_set is True)),
        weight=1 if weight is None else weight,
        locality=read_locality(entry.get("locality")),
        priority=integer(entry.get("priority")) or 0,
        pointer=pointer,
        **_counters(entry.get("stats")),
    )


def _read_cluster(entry: Mapping[str, Any], pointer: str, notes: Notes) -> Iterator[ClusterStatus]:
    name = text(entry.get("name"))
    if not name:
        notes.add(pointer, "a cluster without a name")
        return
    place = f"{pointer}/host_statuses"
    yield ClusterStatus(
        name=name,
        added_via_api=entry.get("added_via_api") is True,
        eds_service_name=text(entry.get("eds_service_name")),
        circuit_breakers=read_circuit_breakers(
            entry.get("circuit_breakers"), f"{pointer}/circuit_breakers"
        ),
        hosts=tuple(
            _read_host(host, at) for at, host in mappings(entry.get("host_statuses"), place, notes)
        ),
        pointer=pointer,
    )


def parse_clusters(data: bytes) -> HostStatuses:
    """Read the health and the counters of every host a proxy knows.

    Args:
        data: the answer of ``/clusters?format=json``.

    Raises:
        ParseError: it is not a JSON object.
    """
    try:
        # Fields that are not read are not decoded either, but garbled ones tell of a garbled file.
        data.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"not valid JSON: {error}") from None
    notes, pool = Notes(), open_pool()
    answer = Section(data, "", notes, pool)
    clusters = tuple(answer.read_alike("cluster_statuses", frozenset(), _read_cluster))
    return HostStatuses(clusters, notes.all(), _shared=pool)
