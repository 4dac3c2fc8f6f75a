"""The routes that istiod would make of a VirtualService's rules, for one request.

Mirrors pilot/pkg/networking/core/route (``translateRoute``, ``TranslateRouteMatch``): the first
match that takes the request decides; a delegate's rules count where the root's match does too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.route_bindings import MESH
from meshdoctor.model.envoy import (
    ConfigPointer,
    HeaderMatch,
    Mirror,
    Route,
    RouteMatch,
    WeightedCluster,
)
from meshdoctor.model.envoy.names import build_cluster_name
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels
from meshdoctor.trace.intent_rule_settings import (
    asked_duration,
    asked_fault,
    asked_percentage,
    asked_retries,
)
from meshdoctor.trace.route_matching import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request

Path = tuple[str | int, ...]
_UNAVAILABLE, _MOVED = 503, 301
_STRING = {"exact": "exact", "prefix": "prefix", "regex": "safe_regex"}
_PSEUDO = {"method": ":method", "authority": ":authority", "scheme": ":scheme"}


@dataclass(frozen=True, slots=True)
class Listening:
    """What the proxy is at which a rule is read."""

    mesh: Snapshot
    pod: Resource
    port: int
    """Of the Service that is called; at a gateway, of the Gateway's server."""
    gateways: frozenset[str] = frozenset({MESH})
    """Names under which rules mean this place: ``mesh``, or ``namespace/name`` of Gateways."""


@dataclass(frozen=True, slots=True)
class AskedRoute:
    """One rule as the route that istiod would make of it."""

    route: Route
    rule: Resource
    path: Path
    """Path of the rule within its VirtualService."""


def _value(name: str, item: object, *, invert: bool = False) -> HeaderMatch:
    text = as_mapping(item)
    for key, kind in _STRING.items():
        if isinstance(text.get(key), str):
            return HeaderMatch(name, kind, str(text[key]), invert)
    return HeaderMatch(name, "present", "", invert)


def _match(item: Mapping[str, Any]) -> RouteMatch:
    uri = as_mapping(item.get("uri"))
    kind, value = "prefix", "/"
    if isinstance(uri.get("exact"), str):
        kind, value = "path", uri["exact"]
    elif isinstance(uri.get("prefix"), str):
        kind, value = "prefix", uri["prefix"]
    elif isinstance(uri.get("regex"), str):
        kind, value = "safe_regex", uri["regex"]
    headers = [_value(key, found) for key, found in as_mapping(item.get("headers")).items()]
    headers += [_value(_PSEUDO[key], item[key]) for key in _PSEUDO if as_mapping(item.get(key))]
    without = as_mapping(item.get("withoutHeaders"))
    headers += [_value(key, found, invert=True) for key, found in without.items()]
    query = [_value(key, found) for key, found in as_mapping(item.get("queryParams")).items()]
    return RouteMatch(
        kind="path" if kind == "path" else "safe_regex" if kind == "safe_regex" else "prefix",
        value=value,
        headers=tuple(headers),
        query=tuple(query),
        case_sensitive=item.get("ignoreUriCase") is not True,
    )


def _is_for(item: Mapping[str, Any], rule: Resource, place: Listening) -> bool:
    """Whether a match counts at a proxy at all: its labels, namespace, gateway and port."""
    only = [name for name in as_list(item.get("gateways")) if isinstance(name, str)]
    if only and place.gateways.isdisjoint(_full(name, rule.namespace) for name in only):
        return False
    if not matches_labels(as_strings(item.get("sourceLabels")), place.pod.labels):
        return False
    space = item.get("sourceNamespace")
    if space and space != place.pod.namespace:
        return False
    port = item.get("port")
    return not isinstance(port, int) or port in (0, place.port)


def _full(name: str, namespace: str) -> str:
    if name == MESH:
        return name
    place, slash, rest = name.partition("/")
    if not slash:
        return f"{namespace}/{name}"
    return f"{namespace if place == '.' else place}/{rest}"


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default


def target_cluster(
    place: Listening, destination: Mapping[str, Any], namespace: str, port: int
) -> str:
    """The cluster that a rule's destination means (core/route, ``GetDestinationCluster``).

    Args:
        place: where the rule is read.
        destination: host, and perhaps port and subset.
        namespace: of the rule.
        port: what the caller asked for, for a Service of several ports.
    """
    registry = place.mesh.registry
    host = registry.resolve(str(destination.get("host") or ""), namespace)
    number = as_mapping(destination.get("port")).get("number")
    if not isinstance(number, int) or not number:
        own = {item.number for service in registry.find(host) for item in service.ports}
        number = own.pop() if len(own) == 1 else port
    return build_cluster_name("outbound", number, str(destination.get("subset") or ""), host)


def targets(
    place: Listening, rule: Mapping[str, Any], namespace: str
) -> tuple[WeightedCluster, ...]:
    """The destinations of a rule, with their weights."""
    found = [as_mapping(item) for item in as_list(rule.get("route"))]
    return tuple(
        WeightedCluster(
            target_cluster(place, as_mapping(item.get("destination")), namespace, place.port),
            100 if len(found) == 1 else _whole(item.get("weight"), 0),
        )
        for item in found
    )


def _mirrors(place: Listening, rule: Mapping[str, Any], namespace: str) -> tuple[Mirror, ...]:
    """Who gets a copy: of all requests where no percentage is given (core/route)."""
    written = [as_mapping(item) for item in as_list(rule.get("mirrors"))]
    found = [(as_mapping(item.get("destination")), item.get("percentage")) for item in written]
    if not written and (single := as_mapping(rule.get("mirror"))):
        found = [(single, rule.get("mirrorPercentage", rule.get("mirrorPercent")))]
    shares = [100.0 if given is None else asked_percentage(given) for _, given in found]
    return tuple(
        Mirror(target_cluster(place, destination, namespace, place.port), share)
        for (destination, _), share in zip(found, shares, strict=True)
        if share
    )


def pointer_to(resource: Resource) -> ConfigPointer:
    """A back-pointer as istiod would write it, by kind, namespace and name."""
    return ConfigPointer(resource.kind.name, resource.namespace, resource.name, "")


def _route(place: Listening, item: Resource, rule: Mapping[str, Any], match: RouteMatch) -> Route:
    redirect = as_mapping(rule.get("redirect"))
    direct = as_mapping(rule.get("directResponse")).get("status")
    rewrite = as_mapping(rule.get("rewrite"))
    return Route(
        name=str(rule.get("name") or ""),
        match=match,
        clusters=() if redirect or direct else targets(place, rule, item.namespace),
        direct_response=direct if isinstance(direct, int) else None,
        redirect=bool(redirect),
        redirect_status=_whole(redirect.get("redirectCode"), _MOVED),
        missing_status=_UNAVAILABLE,
        timeout=asked_duration(rule.get("timeout")) or "0s",
        retry_policy=asked_retries(place.mesh, place.pod, rule),
        fault=asked_fault(rule),
        mirrors=_mirrors(place, rule, item.namespace),
        prefix_rewrite=str(rewrite.get("uri") or ""),
        host_rewrite=str(rewrite.get("authority") or ""),
        config=pointer_to(item),
        pointer="",
    )


def _rules(
    place: Listening, item: Resource, request: Request, *, delegated: bool = False
) -> Iterator[AskedRoute]:
    for index, value in enumerate(as_list(item.spec.get("http"))):
        rule = as_mapping(value)
        for way in map(as_mapping, as_list(rule.get("match")) or [{}]):
            if not _is_for(way, item, place):
                continue
            made = _route(place, item, rule, _match(way))
            if not matches(made, request):
                continue
            delegate = as_mapping(rule.get("delegate"))
            if not delegate or delegated:
                yield AskedRoute(made, item, ("spec", "http", index))
                continue
            space = str(delegate.get("namespace") or item.namespace)
            name = str(delegate.get("name") or "")
            found = place.mesh.catalog.find(VIRTUAL_SERVICE, space, name)
            if found is not None:
                yield from _rules(place, found, request, delegated=True)


def choose_asked(
    place: Listening, items: tuple[Resource, ...], request: Request
) -> AskedRoute | None:
    """The route that a request takes among those of some VirtualServices.

    Args:
        place: the proxy.
        items: the VirtualServices for the host, the oldest first; istiod joins the routes of
            several at a gateway, and puts those that take everything last.
        request: what was asked.
    """
    found = [route for item in items for route in _rules(place, item, request)]
    if len(items) > 1:
        found.sort(key=lambda one: one.route.match.is_catch_all)
    return found[0] if found else None


def default_route(cluster: str, place: Listening) -> Route:
    """The route to a Service for which no VirtualService speaks."""
    return Route(
        name="default",
        match=RouteMatch("prefix", "/", (), (), case_sensitive=True),
        clusters=(WeightedCluster(cluster, 100),),
        direct_response=None,
        redirect=False,
        redirect_status=_MOVED,
        missing_status=_UNAVAILABLE,
        timeout="0s",
        retry_policy=asked_retries(place.mesh, place.pod, {}),
        fault=None,
        mirrors=(),
        prefix_rewrite="",
        host_rewrite="",
        config=None,
        pointer="",
    )
