"""Which virtual host and which route take a request (Envoy's route/v3 matching rules)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.envoy import HeaderMatch, Route, RouteConfig, RouteMatch, VirtualHost
    from meshdoctor.model.trace import Request


def without_port(authority: str) -> str:
    """A Host header without its port."""
    name, found, port = authority.rpartition(":")
    return name if found and port.isdecimal() else authority


def choose_virtual_host(config: RouteConfig, authority: str) -> VirtualHost | None:
    """The virtual host for a Host header: exact, then longest suffix, longest prefix, ``*``."""
    host = (without_port(authority) if config.ignore_port else authority).lower()
    best: tuple[int, int] | None = None
    chosen = None
    for virtual_host in config.virtual_hosts:
        for domain in virtual_host.domains:
            rank = rank_domain(domain.lower(), host)
            if rank is not None and (best is None or rank > best):
                best, chosen = rank, virtual_host
    return chosen


def rank_domain(domain: str, host: str) -> tuple[int, int] | None:
    """How well a domain fits a host, more is better; None where it does not."""
    if domain == host:
        return 3, 0
    if domain == "*":
        return 0, 0
    if domain.startswith("*") and host.endswith(domain[1:]) and len(host) >= len(domain):
        return 2, len(domain)
    if domain.endswith("*") and host.startswith(domain[:-1]) and len(host) >= len(domain):
        return 1, len(domain)
    return None


def _full_match(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return False


def _matches_path(match: RouteMatch, path: str) -> bool:
    bare = path.partition("?")[0]
    wanted = match.value
    if not match.case_sensitive:
        bare, wanted = bare.lower(), wanted.lower()
    match match.kind:
        case "prefix":
            return bare.startswith(wanted)
        case "path":
            return bare == wanted
        case "path_separated_prefix":
            return bare == wanted or bare.startswith(wanted + "/")
        case "safe_regex":
            return _full_match(wanted, bare)
        case _:
            return False


def _matches_value(match: HeaderMatch, value: str | None) -> bool:
    if value is None:
        # An inverted match of a value holds for a header that is not there.
        return match.invert
    found = {
        "exact": value == match.value,
        "prefix": value.startswith(match.value),
        "suffix": value.endswith(match.value),
        "contains": match.value in value,
        "safe_regex": match.kind == "safe_regex" and _full_match(match.value, value),
        "present": True,
    }.get(match.kind, False)
    return found is not match.invert


def _headers(request: Request) -> dict[str, str]:
    pseudo = {
        ":method": request.method,
        ":path": request.path,
        ":authority": request.authority,
        ":scheme": "https" if request.tls else "http",
    }
    return {**{key.lower(): value for key, value in request.headers.items()}, **pseudo}


def _query(request: Request) -> dict[str, str]:
    pairs = (item.partition("=") for item in request.path.partition("?")[2].split("&") if item)
    return {key: value for key, _, value in pairs}


def matches(route: Route, request: Request) -> bool:
    """Whether a route takes a request."""
    headers, query = _headers(request), _query(request)
    return (
        _matches_path(route.match, request.path)
        and all(
            _matches_value(item, headers.get(item.name.lower())) for item in route.match.headers
        )
        and all(_matches_value(item, query.get(item.name)) for item in route.match.query)
    )


def choose_route(virtual_host: VirtualHost, request: Request) -> Route | None:
    """The first route that takes a request."""
    return next((route for route in virtual_host.routes if matches(route, request)), None)


def rewritten(route: Route, request: Request) -> Request:
    """The request as a route sends it on: its path and Host header may be others."""
    path = request.path
    if route.prefix_rewrite:
        bare, mark, query = path.partition("?")
        whole = route.match.kind == "path"
        rest = "" if whole else bare[len(route.match.value) :]
        # Envoy joins the two as they are; a doubled slash is merged before policies see it.
        bare = (route.prefix_rewrite + rest).replace("//", "/")
        path = f"{bare}{mark}{query}"
    headers = request.headers
    if route.host_rewrite:
        headers = {**headers, "host": route.host_rewrite}
    return replace(request, path=path, headers=headers)
