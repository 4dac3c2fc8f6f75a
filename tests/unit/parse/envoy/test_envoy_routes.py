from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.model.envoy import Mirror
from tests.unit.parse.envoy.dumps import (
    back_pointer,
    host,
    read,
    route_config,
    routes,
    section,
    to,
    typed,
)

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Route, RouteMatch


def only(entry: dict[str, Any]) -> Route:
    dump = read(routes(route_config("80", host("h", entry))))
    assert dump.errors == ()
    return dump.routes[0].virtual_hosts[0].routes[0]


def match(**fields: Any) -> RouteMatch:
    return only({"match": fields}).match


def test_dynamic_routes_come_before_static_ones() -> None:
    dump = read(
        section(
            "Routes",
            static_route_configs=[{"route_config": route_config("80")}, {}],
            dynamic_route_configs=[{"route_config": route_config("80", host("h"))}],
        )
    )
    assert [item.state for item in dump.routes] == ["dynamic", "static"]
    found = dump.route_config("80")
    assert found
    assert found.at("name") == "/configs/0/dynamic_route_configs/0/route_config/name"
    assert dump.errors == ("/configs/0/static_route_configs/1: no route_config",)


def test_one_destination_has_all_the_weight() -> None:
    found = only(to("c", metadata=back_pointer("virtual-service", "v"), name="r"))
    assert [(item.name, item.weight) for item in found.clusters] == [("c", 100)]
    assert (found.name, str(found.config)) == ("r", "VirtualService shop/v")
    assert found.pointer.endswith("/route_config/virtual_hosts/0/routes/0")


def test_weights_timeouts_retries_and_rewrites_are_kept() -> None:
    action = {
        "weighted_clusters": {"clusters": [{"name": "a", "weight": {"value": 7}}, {"name": "b"}]},
        "timeout": "2s",
        "retry_policy": {"retry_on": "5xx", "num_retries": 2, "per_try_timeout": "1s"},
        "request_mirror_policies": [
            {"cluster": "m"},
            {
                "cluster": "n",
                "runtime_fraction": {
                    "default_value": {"numerator": 125000, "denominator": "MILLION"}
                },
            },
        ],
        "prefix_rewrite": "/new",
        "host_rewrite_literal": "b.example",
    }
    found = only({"match": {"prefix": "/"}, "route": action})
    assert [(item.name, item.weight) for item in found.clusters] == [("a", 7), ("b", 0)]
    assert found.retry_policy
    assert (found.retry_policy.retry_on, found.retry_policy.num_retries) == ("5xx", 2)
    assert (found.timeout, found.mirrors) == ("2s", (Mirror("m", 100.0), Mirror("n", 12.5)))
    assert (found.prefix_rewrite, found.host_rewrite) == ("/new", "b.example")


def test_answers_without_a_destination_are_told_apart() -> None:
    blocked = only({"match": {"prefix": "/"}, "direct_response": {"status": 502}})
    assert (blocked.direct_response, blocked.redirect, blocked.clusters) == (502, False, ())
    moved = only({"match": {"prefix": "/"}, "redirect": {"https_redirect": True}})
    assert (moved.direct_response, moved.redirect) == (None, True)


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent"),
    [
        (50, "HUNDRED", 50.0),
        (500_000, "MILLION", 50.0),
        (25, None, 25.0),
        (1, "TEN_THOUSAND", 0.01),
    ],
)
def test_faults_are_told_in_percent(
    numerator: int, denominator: str | None, percent: float
) -> None:
    share = {"numerator": numerator, "denominator": denominator}
    config = typed(
        "filters.http.fault.v3.HTTPFault",
        abort={"http_status": 503, "percentage": share},
        delay={"fixed_delay": "3s", "percentage": share},
    )
    found = only(to("c", typed_per_filter_config={"envoy.filters.http.fault": config})).fault
    assert found
    assert (found.abort_status, found.abort_percent) == (503, percent)
    assert (found.delay, found.delay_percent) == ("3s", percent)
    assert found.pointer.endswith("/typed_per_filter_config/envoy.filters.http.fault")
    assert only(to("c")).fault is None


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"prefix": "/a"}, "/a*"),
        ({"path": "/a"}, "/a"),
        ({"path_separated_prefix": "/a"}, "PathPrefix:/a"),
        ({"safe_regex": {"regex": "/a.*"}}, "regex /a.*"),
        ({"connect_matcher": {}}, ""),
    ],
)
def test_paths_are_described_as_istioctl_does(fields: dict[str, Any], text: str) -> None:
    assert str(match(**fields)) == text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"string_match": {"exact": "v"}}, ("exact", "v", False)),
        ({"string_match": {"safe_regex": {"regex": "r"}}}, ("safe_regex", "r", False)),
        ({"string_match": {"prefix": "p"}, "invert_match": True}, ("prefix", "p", True)),
        ({"exact_match": "old"}, ("exact", "old", False)),
        ({"safe_regex_match": {"regex": "r"}}, ("safe_regex", "r", False)),
        ({"present_match": True}, ("present", "", False)),
        ({"present_match": False}, ("present", "", True)),
        ({"range_match": {}}, ("other", "", False)),
    ],
)
def test_header_matches_of_every_age_are_read(
    header: dict[str, Any], expected: tuple[str, str, bool]
) -> None:
    found = match(prefix="/", headers=[{"name": "x", **header}])
    item = found.headers[0]
    assert (item.name, item.kind, item.value, item.invert) == ("x", *expected)
    assert not found.is_catch_all


def test_a_bare_slash_catches_all() -> None:
    assert match(prefix="/").is_catch_all
    assert not match(path="/").is_catch_all
    assert not match(prefix="/a").is_catch_all
