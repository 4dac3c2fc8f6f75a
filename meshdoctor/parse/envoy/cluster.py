"""Clusters of a config dump."""

from __future__ import annotations

from functools import partial
from sys import intern
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.cluster import (
    UNLIMITED,
    CircuitBreakers,
    Cluster,
    ClusterState,
    OutlierDetection,
    ServiceRef,
)
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.endpoint import read_endpoints
from meshdoctor.parse.envoy.error_state import read_error_state
from meshdoctor.parse.envoy.fields import (
    Notes,
    istio_metadata,
    text,
    wrapped_integer,
)
from meshdoctor.parse.envoy.metadata import read_config_pointer
from meshdoctor.parse.envoy.sharing import TIMES_AND_VERSIONS, shared
from meshdoctor.parse.envoy.upstream_tls import read_cluster_tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.parse.envoy.section import Section

_DEFAULTS = {
    "max_connections": 1024,
    "max_pending_requests": 1024,
    "max_requests": 1024,
    "max_retries": 3,
}
"""Envoy's own, for a threshold without the field."""
_PANIC = 50.0
"""Envoy's own panic threshold, in percent."""
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_EXTENSION_TYPES = {
    "envoy.cluster.eds": "EDS",
    "envoy.cluster.static": "STATIC",
    "envoy.cluster.strict_dns": "STRICT_DNS",
    "envoy.cluster.logical_dns": "LOGICAL_DNS",
    "envoy.cluster.original_dst": "ORIGINAL_DST",
}
_LISTS: tuple[tuple[str, ClusterState], ...] = (
    ("dynamic_active_clusters", "active"),
    ("static_clusters", "static"),
    ("dynamic_warming_clusters", "warming"),
)


def _type(config: Mapping[str, Any]) -> str:
    if name := text(config.get("type")):
        return name
    extension = as_mapping(config.get("cluster_type"))
    name = text(extension.get("name"))
    if name == "envoy.cluster.dns":
        options = as_mapping(extension.get("typed_config"))
        return "LOGICAL_DNS" if options.get("all_addresses_in_single_endpoint") else "STRICT_DNS"
    # STATIC is the protobuf default, so it is left out of some dumps.
    return _EXTENSION_TYPES.get(name, name) or "STATIC"


def read_circuit_breakers(value: object, pointer: str) -> CircuitBreakers | None:
    """The DEFAULT priority's thresholds; None when none are written."""
    for index, item in enumerate(as_list(as_mapping(value).get("thresholds"))):
        threshold = as_mapping(item)
        if not threshold or threshold.get("priority", "DEFAULT") != "DEFAULT":
            continue
        limits: dict[str, int | None] = {}
        # Only a plain number can be pointed at as it stands.
        unlimited = next((key for key in _DEFAULTS if threshold.get(key) == UNLIMITED), "")
        for field, default in _DEFAULTS.items():
            limit = wrapped_integer(threshold[field]) if field in threshold else default
            limits[field] = None if limit == UNLIMITED else limit
        place = intern(f"{pointer}/thresholds/{index}")
        return shared(CircuitBreakers(**limits, pointer=place, unlimited=unlimited))
    return None


def _outlier_detection(value: object, pointer: str) -> OutlierDetection | None:
    if not isinstance(value, dict):
        return None
    return OutlierDetection(
        consecutive_5xx=wrapped_integer(value.get("consecutive_5xx")),
        consecutive_gateway_failure=wrapped_integer(value.get("consecutive_gateway_failure")),
        interval=text(value.get("interval")),
        base_ejection_time=text(value.get("base_ejection_time")),
        max_ejection_percent=wrapped_integer(value.get("max_ejection_percent")),
        pointer=pointer,
    )


def _panic_threshold(value: object) -> float:
    """``healthy_panic_threshold``: an empty Percent is 0, an absent one Envoy's 50."""
    threshold = as_mapping(value).get("healthy_panic_threshold")
    if not isinstance(threshold, dict):
        return _PANIC
    percent = threshold.get("value")
    return float(percent) if isinstance(percent, int | float) else 0.0


def _max_requests(config: Mapping[str, Any]) -> int | None:
    options = as_mapping(config.get("typed_extension_protocol_options"))
    common = as_mapping(options.get(_HTTP_OPTIONS)).get("common_http_protocol_options")
    found = wrapped_integer(as_mapping(common).get("max_requests_per_connection"))
    return wrapped_integer(config.get("max_requests_per_connection")) if found is None else found


def _services(istio: Mapping[str, Any]) -> tuple[ServiceRef, ...]:
    return shared(
        tuple(
            ServiceRef(
                name=text(as_mapping(item).get("name")),
                namespace=text(as_mapping(item).get("namespace")),
                host=text(as_mapping(item).get("host")),
            )
            for item in as_list(istio.get("services"))
        )
    )


def _read_cluster(
    state: ClusterState, entry: Mapping[str, Any], pointer: str, notes: Notes
) -> Iterator[Cluster]:
    config = as_mapping(entry.get("cluster"))
    name = text(config.get("name"))
    if not name:
        notes.add(pointer, "a cluster without a name")
        return
    at = f"{pointer}/cluster"
    istio = istio_metadata(config)
    tls = read_cluster_tls(config, at)
    assignment = as_mapping(config.get("load_assignment"))
    yield Cluster(
        name=name,
        type=_type(config),
        state=state,
        config=read_config_pointer(config),
        services=_services(istio),
        subset=text(istio.get("subset")),
        external=istio.get("external") is True,
        tls=tls.mode,
        upstream_tls=tls.tls,
        hbone=tls.hbone,
        circuit_breakers=read_circuit_breakers(
            config.get("circuit_breakers"), f"{at}/circuit_breakers"
        ),
        outlier_detection=_outlier_detection(
            config.get("outlier_detection"), f"{at}/outlier_detection"
        ),
        connect_timeout=text(config.get("connect_timeout")),
        lb_policy=text(config.get("lb_policy")) or "ROUND_ROBIN",
        max_requests_per_connection=_max_requests(config),
        eds_service_name=text(as_mapping(config.get("eds_cluster_config")).get("service_name")),
        panic_threshold=_panic_threshold(config.get("common_lb_config")),
        hosts=read_endpoints(assignment.get("endpoints"), f"{at}/load_assignment/endpoints", notes),
        error_state=read_error_state(entry.get("error_state"), f"{pointer}/error_state"),
        pointer=pointer,
    )


def read_clusters(section: Section) -> tuple[Cluster, ...]:
    """Read a ``ClustersConfigDump``: active, then static, then warming."""
    found: list[Cluster] = []
    for key, state in _LISTS:
        found += section.read_alike(key, TIMES_AND_VERSIONS, partial(_read_cluster, state))
    return tuple(found)
