"""Routes of a config dump."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.route import (
    Fault,
    Mirror,
    RetryPolicy,
    Route,
    RouteConfig,
    RouteConfigState,
    VirtualHost,
    WeightedCluster,
)
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.fields import (
    Notes,
    integer,
    mappings,
    percent,
    strings,
    text,
    wrapped_integer,
)
from meshdoctor.parse.envoy.metadata import read_config_pointer
from meshdoctor.parse.envoy.route_match import read_route_match
from meshdoctor.parse.envoy.sharing import TIMES_AND_VERSIONS, shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.parse.envoy.section import Section

FAULT_FILTER = "envoy.filters.http.fault"
_WHOLE = 100
_REDIRECTS = {
    "FOUND": 302,
    "SEE_OTHER": 303,
    "TEMPORARY_REDIRECT": 307,
    "PERMANENT_REDIRECT": 308,
}
_MISSING = {"NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500}
"""``cluster_not_found_response_code``; 503 where it is absent."""
_LISTS: tuple[tuple[str, RouteConfigState], ...] = (
    ("dynamic_route_configs", "dynamic"),
    ("static_route_configs", "static"),
)


def read_weighted_clusters(action: Mapping[str, Any]) -> tuple[WeightedCluster, ...]:
    """Destinations of a route or a TCP proxy: one ``cluster`` or several weighted ones."""
    single = action.get("cluster")
    if isinstance(single, str) and single:
        return shared((WeightedCluster(text(single), _WHOLE),))
    weighted = as_mapping(action.get("weighted_clusters"))
    return shared(
        tuple(
            WeightedCluster(
                text(as_mapping(item).get("name")),
                wrapped_integer(as_mapping(item).get("weight")) or 0,
            )
            for item in as_list(weighted.get("clusters"))
        )
    )


def read_fault(value: object, pointer: str) -> Fault | None:
    """Read an HTTPFault; None when it injects nothing."""
    config = as_mapping(value)
    abort, delay = as_mapping(config.get("abort")), as_mapping(config.get("delay"))
    if not abort and not delay:
        return None
    status = integer(abort.get("http_status"))
    return Fault(
        abort_status=integer(abort.get("grpc_status")) if status is None else status,
        abort_percent=percent(abort.get("percentage")) if abort else None,
        delay=text(delay.get("fixed_delay")),
        delay_percent=percent(delay.get("percentage")) if delay else None,
        pointer=pointer,
    )


def _retry_policy(value: object) -> RetryPolicy | None:
    if not isinstance(value, dict):
        return None
    return shared(
        RetryPolicy(
            retry_on=text(value.get("retry_on")),
            num_retries=wrapped_integer(value.get("num_retries")),
            per_try_timeout=text(value.get("per_try_timeout")),
        )
    )


def _direct_response(value: object) -> int | None:
    return (integer(value.get("status")) or 0) if isinstance(value, dict) else None


def _mirrors(value: object) -> tuple[Mirror, ...]:
    found = []
    for item in map(as_mapping, as_list(value)):
        share = percent(as_mapping(item.get("runtime_fraction")).get("default_value"))
        # Without a fraction every request is copied (route/v3 RequestMirrorPolicy).
        found.append(Mirror(text(item.get("cluster")), 100.0 if share is None else share))
    return tuple(found)


def _read_route(entry: Mapping[str, Any], pointer: str) -> Route:
    action = as_mapping(entry.get("route"))
    per_filter = as_mapping(entry.get("typed_per_filter_config"))
    return Route(
        name=text(entry.get("name")),
        match=read_route_match(entry.get("match")),
        clusters=read_weighted_clusters(action),
        direct_response=_direct_response(entry.get("direct_response")),
        redirect=isinstance(entry.get("redirect"), dict),
        redirect_status=_REDIRECTS.get(
            text(as_mapping(entry.get("redirect")).get("response_code")), 301
        ),
        missing_status=_MISSING.get(text(action.get("cluster_not_found_response_code")), 503),
        timeout=text(action.get("timeout")),
        retry_policy=_retry_policy(action.get("retry_policy")),
        fault=read_fault(
            per_filter.get(FAULT_FILTER), f"{pointer}/typed_per_filter_config/{FAULT_FILTER}"
        ),
        mirrors=_mirrors(action.get("request_mirror_policies")),
        prefix_rewrite=text(action.get("prefix_rewrite")),
        host_rewrite=text(action.get("host_rewrite_literal")),
        config=read_config_pointer(entry),
        pointer=pointer,
    )


def _read_virtual_host(entry: Mapping[str, Any], pointer: str, notes: Notes) -> VirtualHost:
    return VirtualHost(
        name=text(entry.get("name")),
        domains=strings(entry.get("domains")),
        routes=tuple(
            _read_route(route, at)
            for at, route in mappings(entry.get("routes"), f"{pointer}/routes", notes)
        ),
        require_tls=entry.get("require_tls") in ("ALL", "EXTERNAL_ONLY"),
        pointer=pointer,
    )


def read_route_config(
    config: Mapping[str, Any], state: RouteConfigState, pointer: str, notes: Notes
) -> RouteConfig:
    """Read one RouteConfiguration.

    Args:
        config: the RouteConfiguration itself.
        state: where it comes from.
        pointer: to the entry that holds it; to itself when it is inline.
        notes: takes what could not be read.
    """
    at = pointer if state == "inline" else f"{pointer}/route_config"
    return RouteConfig(
        name=text(config.get("name")),
        state=state,
        virtual_hosts=tuple(
            _read_virtual_host(host, place, notes)
            for place, host in mappings(config.get("virtual_hosts"), f"{at}/virtual_hosts", notes)
        ),
        ignore_port=config.get("ignore_port_in_host_matching") is True,
        pointer=pointer,
    )


def _read_entry(
    state: RouteConfigState, entry: Mapping[str, Any], pointer: str, notes: Notes
) -> Iterator[RouteConfig]:
    config = entry.get("route_config")
    if not isinstance(config, dict):
        notes.add(pointer, "no route_config")
        return
    yield read_route_config(config, state, pointer, notes)


def read_routes(section: Section) -> tuple[RouteConfig, ...]:
    """Read a ``RoutesConfigDump``: dynamic, then static."""
    found: list[RouteConfig] = []
    for key, state in _LISTS:
        found += section.read_alike(key, TIMES_AND_VERSIONS, partial(_read_entry, state))
    return tuple(found)
