from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Request
from meshdoctor.trace.route_matching import choose_route, choose_virtual_host
from tests import build
from tests.unit.parse.envoy import dumps


def request(path: str = "/", **fields: Any) -> Request:
    pod = build.mesh([build.pod("client")]).catalog.of(POD)[0]
    return Request(client=pod, host="ratings", port=8080, path=path, **fields)


def virtual_host(authority: str, *domains: str, **fields: Any) -> str | None:
    hosts = [dumps.host(domain, domains=(domain,)) for domain in domains]
    config = {**dumps.route_config("80", *hosts), **fields}
    found = choose_virtual_host(dumps.read(dumps.routes(config)).routes[0], authority)
    return found.name if found else None


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("a.shop.example", "a.shop.example"),
        ("A.Shop.example", "a.shop.example"),
        ("b.shop.example", "*.shop.example"),
        ("b.example", "*.example"),
        ("shop.other", "shop.*"),
        ("other", "*"),
    ],
)
def test_exact_goes_before_suffix_before_prefix_before_everything(
    authority: str, name: str
) -> None:
    domains = ("*", "shop.*", "*.example", "*.shop.example", "a.shop.example")
    assert virtual_host(authority, *domains) == name


def test_the_port_counts_unless_the_configuration_says_otherwise() -> None:
    assert virtual_host("ratings:8080", "ratings") is None
    assert virtual_host("ratings:8080", "ratings", ignore_port_in_host_matching=True) == "ratings"
    assert virtual_host("ratings:8080", "ratings:8080") == "ratings:8080"


def takes(match: dict[str, Any], asked: Request) -> bool:
    config = dumps.route_config(
        "80", dumps.host("all", {"match": match, "route": {"cluster": "c"}})
    )
    host = dumps.read(dumps.routes(config)).routes[0].virtual_hosts[0]
    return choose_route(host, asked) is not None


@pytest.mark.parametrize(
    ("match", "path", "expected"),
    [
        ({"prefix": "/api"}, "/apis", True),
        ({"prefix": "/api"}, "/", False),
        ({"path": "/api"}, "/api?x=1", True),
        ({"path": "/api"}, "/api/", False),
        ({"path_separated_prefix": "/api"}, "/api/x", True),
        ({"path_separated_prefix": "/api"}, "/apis", False),
        ({"safe_regex": {"regex": "/v[0-9]+/.*"}}, "/v2/x", True),
        ({"safe_regex": {"regex": "/v[0-9]+"}}, "/v2/x", False),
        ({"safe_regex": {"regex": "("}}, "/(", False),
        ({"prefix": "/API", "case_sensitive": False}, "/api", True),
        ({"prefix": "/API"}, "/api", False),
    ],
)
def test_paths_are_matched_as_envoy_does(
    match: dict[str, Any], path: str, *, expected: bool
) -> None:
    assert takes(match, request(path)) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"name": ":method", "string_match": {"exact": "GET"}}, True),
        ({"name": ":method", "string_match": {"exact": "POST"}}, False),
        ({"name": ":authority", "string_match": {"prefix": "ratings"}}, True),
        ({"name": "X-User", "string_match": {"exact": "anna"}}, True),
        ({"name": "x-user", "present_match": True}, True),
        ({"name": "x-none", "present_match": True}, False),
        ({"name": "x-none", "string_match": {"exact": "a"}, "invert_match": True}, True),
        ({"name": "x-user", "string_match": {"contains": "nn"}}, True),
        ({"name": "x-user", "string_match": {"suffix": "x"}}, False),
    ],
)
def test_headers_are_matched_as_envoy_does(header: dict[str, Any], *, expected: bool) -> None:
    asked = request(headers={"x-user": "anna"})
    assert takes({"prefix": "/", "headers": [header]}, asked) is expected


def test_query_parameters_are_matched_by_name() -> None:
    wanted = [{"name": "v", "string_match": {"exact": "2"}}]
    assert takes({"prefix": "/", "query_parameters": wanted}, request("/x?a=1&v=2"))
    assert not takes({"prefix": "/", "query_parameters": wanted}, request("/x?v=3"))


@pytest.mark.parametrize(
    ("fields", "authority"),
    [
        ({}, "ratings:8080"),
        ({"headers": {"host": "shop.example.com"}}, "shop.example.com"),
    ],
)
def test_the_host_header_is_the_one_given(fields: dict[str, Any], authority: str) -> None:
    assert request(**fields).authority == authority
