"""What istiod's validation refuses of a VirtualService (pkg/config/validation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STATUSES = range(200, 601)
_RETRIED = frozenset(
    {
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    }
)


def _destination(one: object) -> Iterator[str]:
    host = as_mapping(one).get("host")
    if host == "*":
        yield "invalid destination host *"
    elif not host:
        yield "empty domain name not allowed"


def _destinations(route: Mapping[str, Any]) -> Iterator[str]:
    found = [as_mapping(one) for one in as_list(route.get("route"))]
    weights = [int(one.get("weight") or 0) for one in found]
    for one, weight in zip(found, weights, strict=True):
        if one.get("destination") is None:
            yield "destination is required"
        else:
            yield from _destination(one["destination"])
        if weight < 0:
            yield f"weight {weight} < 0"
    if len(weights) > 1 and sum(weights) == 0:
        yield "total destination weight = 0"


def _ends(route: Mapping[str, Any], *, delegated: bool) -> Iterator[str]:
    """A route says what becomes of the request, and says it once."""
    routed = bool(as_list(route.get("route")))
    if route.get("delegate") is not None and not delegated:
        for field in ("redirect", "route"):
            if route.get(field) is not None:
                yield f"root HTTP route {route.get('name', '')} must not specify {field}"
    elif route.get("redirect") is not None:
        yield from _redirected(route)
    elif route.get("directResponse") is not None:
        if routed:
            yield "HTTP route cannot contain both route and direct_response"
    elif not routed:
        yield "HTTP route, redirect or direct_response is required"


def _redirected(route: Mapping[str, Any]) -> Iterator[str]:
    if as_list(route.get("route")):
        yield "HTTP route cannot contain both route and redirect"
    if route.get("fault") is not None:
        yield "HTTP route cannot contain both fault and redirect"
    if route.get("rewrite") is not None:
        yield "HTTP route rule cannot contain both rewrite and redirect"


def _retries(retries: Mapping[str, Any]) -> Iterator[str]:
    attempts = int(retries.get("attempts") or 0)
    if attempts < 0:
        yield "attempts cannot be negative"
    if not attempts and (retries.get("perTryTimeout") or retries.get("retryOn")):
        yield "http retry policy configured when attempts are set to 0 (disabled)"
    for policy in filter(None, str(retries.get("retryOn") or "").split(",")):
        if policy not in _RETRIED and not policy.isdecimal():
            yield f'"{policy}" is not a valid retryOn policy'


def _fault(fault: Mapping[str, Any]) -> Iterator[str]:
    abort, delay = fault.get("abort"), fault.get("delay")
    if abort is None and delay is None:
        yield "HTTP fault injection must have an abort and/or a delay"
    status = as_mapping(abort).get("httpStatus")
    if isinstance(status, int) and status not in _STATUSES:
        yield f"HTTP status {status} is not in range 200-599"
    for one in (abort, delay):
        value = as_mapping(as_mapping(one).get("percentage")).get("value", 0)
        if isinstance(value, int | float) and not 0 <= value <= 100:
            yield f"percentage {value:g} is neither 0.0, nor in range [0.0001, 100.0]"


def _http(route: Mapping[str, Any], *, delegated: bool) -> Iterator[str]:
    yield from _ends(route, delegated=delegated)
    yield from _destinations(route)
    if route.get("fault") is not None:
        yield from _fault(as_mapping(route["fault"]))
    if route.get("mirror") is not None:
        yield from _destination(route["mirror"])
    yield from _retries(as_mapping(route.get("retries")))


def _hosts(spec: Mapping[str, Any]) -> Iterator[str]:
    hosts, gateways = as_list(spec.get("hosts")), as_list(spec.get("gateways"))
    if not hosts:
        # One without hosts is there for others to delegate to.
        if gateways:
            yield "delegate virtual service must have no gateways specified"
        for key in ("tls", "tcp"):
            if spec.get(key):
                yield f"delegate virtual service must have no {key} route specified"
    if "*" in hosts and (not gateways or "mesh" in gateways):
        yield "wildcard host * is not allowed for virtual services bound to the mesh gateway"
    for host in dict.fromkeys(one for one in hosts if hosts.count(one) > 1):
        yield f"duplicate hosts in virtual service: {host} & {host}"


def of_virtual_service(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a VirtualService, an error each.

    Args:
        spec: of the object.
    """
    yield from _hosts(spec)
    if not any(as_list(spec.get(key)) for key in ("http", "tls", "tcp")):
        yield "http, tcp or tls must be provided in virtual service"
    for route in as_list(spec.get("http")):
        yield from _http(as_mapping(route), delegated=not spec.get("hosts"))
    for key, word in (("tls", "TLS"), ("tcp", "TCP")):
        for route in map(as_mapping, as_list(spec.get(key))):
            if not as_list(route.get("route")):
                yield f"{word} route is required"
            yield from _destinations(route)
    for route in map(as_mapping, as_list(spec.get("tls"))):
        matches = [as_mapping(one) for one in as_list(route.get("match"))]
        if not matches:
            yield "TLS route must have at least one match condition"
        if any(not one.get("sniHosts") for one in matches):
            yield "TLS match must have at least one SNI host"
