from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.intent.destinations import Destination, destination_routes
from meshdoctor.intent.route_bindings import bindings
from tests.build import istio_object, mesh, pod, service

RATINGS = "ratings.shop.svc.cluster.local"


def ports(*numbers: int) -> list[dict[str, Any]]:
    return [{"name": f"p{n}", "port": n, "targetPort": n, "protocol": "TCP"} for n in numbers]


def rule(name: str = "rule", **spec: Any) -> dict[str, Any]:
    return istio_object("VirtualService", name, **{"hosts": ["ratings"], **spec})


def to(host: str, **more: Any) -> dict[str, Any]:
    return {"route": [{"destination": {"host": host, **more}}]}


def found(*objects: dict[str, Any]) -> list[Destination]:
    return [route.destination for route in destination_routes(mesh(objects))]


def test_a_short_host_is_completed_with_the_rules_namespace() -> None:
    assert found(service("ratings"), rule(http=[to("ratings")])) == [Destination(RATINGS, 8080)]


def test_the_cluster_is_named_as_istiod_would() -> None:
    (destination,) = found(service("ratings"), rule(http=[to("ratings", subset="v1")]))
    assert destination.cluster == f"outbound|8080|v1|{RATINGS}"


@pytest.mark.parametrize("section", ["http", "tcp", "tls"])
def test_every_kind_of_route_is_followed(section: str) -> None:
    spec: dict[str, Any] = {section: [to("ratings")]}
    assert found(service("ratings"), rule(**spec)) == [Destination(RATINGS, 8080)]


def test_the_routes_own_port_stands_before_the_services() -> None:
    spec = [to("ratings", port={"number": 9090})]
    assert found(service("ratings"), rule(http=spec)) == [Destination(RATINGS, 9090)]


def test_a_service_with_many_ports_is_reached_by_the_ports_that_are_called() -> None:
    objects = [
        service("ratings", ports=ports(80, 8080, 9090)),
        service("front", ports=ports(80, 9090)),
        rule(hosts=["front"], http=[to("ratings")]),
    ]
    assert [item.port for item in found(*objects)] == [80, 9090]


def test_an_unknown_host_is_called_at_the_ports_of_what_it_stands_for() -> None:
    objects = [service("ratings"), rule(http=[to("nothing")])]
    assert found(*objects) == [Destination("nothing.shop.svc.cluster.local", 8080)]


def test_a_host_that_nobody_knows_is_called_at_port_80() -> None:
    assert [item.port for item in found(rule(hosts=["a.example"], http=[to("b.example")]))] == [80]


def test_a_gateways_port_is_a_listener_too() -> None:
    gateway = istio_object("Gateway", "edge", servers=[{"port": {"number": 443}, "hosts": ["*"]}])
    spec: dict[str, Any] = {"hosts": ["a.example"], "gateways": ["edge"], "http": [to("b.example")]}
    assert [item.port for item in found(gateway, rule(**spec))] == [443]


def test_nothing_goes_to_a_share_of_zero() -> None:
    shares = [
        {"destination": {"host": "ratings", "subset": "v1"}, "weight": 100},
        {"destination": {"host": "ratings", "subset": "v2"}, "weight": 0},
    ]
    objects = [service("ratings"), rule(http=[{"route": shares}])]
    assert [item.subset for item in found(*objects)] == ["v1"]


def test_everything_goes_to_a_lone_destination_whatever_its_weight() -> None:
    shares = [{"destination": {"host": "ratings"}, "weight": 0}]
    assert len(found(service("ratings"), rule(http=[{"route": shares}]))) == 1


def test_redirects_and_direct_responses_lead_nowhere() -> None:
    answers = [{**to("ratings"), "redirect": {"uri": "/"}}, {"directResponse": {"status": 200}}]
    assert found(service("ratings"), rule(http=answers)) == []


def test_the_path_leads_to_the_destination_in_the_object() -> None:
    snapshot = mesh([service("ratings"), rule(http=[to("other"), to("ratings", subset="v1")])])
    route = destination_routes(snapshot)[-1]
    assert route.binding.virtual_service.get(*route.path) == {"host": "ratings", "subset": "v1"}


@pytest.mark.parametrize(
    ("match", "text"),
    [
        ([{"uri": {"prefix": "/api"}}], "/api*"),
        ([{"uri": {"exact": "/"}}, {"uri": {"regex": "/v.*"}}], "/ or regex /v.*"),
        ([{"headers": {"user": {"exact": "a"}}}], "headers"),
        ([], ""),
    ],
)
def test_the_match_is_told_in_words(match: list[dict[str, Any]], text: str) -> None:
    snapshot = mesh([service("ratings"), rule(http=[{"match": match, **to("ratings")}])])
    assert destination_routes(snapshot)[0].match == text


def test_a_rule_without_gateways_is_held_by_every_sidecar() -> None:
    bare = pod("c-1", proxy=None, ip="10.244.0.12")
    objects = [pod("a-1"), pod("b-1", "pay", ip="10.244.0.11"), bare]
    (binding,) = bindings(mesh([*objects, rule()]))
    assert [item.name for item in binding.holders.pods] == ["b-1", "a-1"]
    assert binding.holders.namespaces == ("pay", "shop")


def test_a_rule_that_is_not_exported_is_held_in_its_own_namespace() -> None:
    objects = [pod("a-1"), pod("b-1", "pay", ip="10.244.0.11")]
    (binding,) = bindings(mesh([*objects, rule(exportTo=["."])]))
    assert binding.holders.namespaces == ("shop",)


@pytest.mark.parametrize("name", ["edge", "shop/edge"])
def test_a_rule_bound_to_a_gateway_is_held_by_the_pods_it_selects(name: str) -> None:
    proxy = [{"name": "istio-proxy"}]
    edge = pod("edge-1", "istio-system", labels={"istio": "edge"}, containers=proxy)
    gateway = istio_object("Gateway", "edge", selector={"istio": "edge"})
    (binding,) = bindings(mesh([edge, pod("a-1"), gateway, rule(gateways=[name])]))
    assert [item.name for item in binding.holders.pods] == ["edge-1"]


KEYS = (
    *("http", "tcp", "route", "destination", "host", "port", "number", "weight", "match"),
    *("uri", "prefix", "delegate", "name", "hosts", "gateways", "subset", "exportTo"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=25,
)
SECTIONS = ["http", "tcp", "tls", "hosts", "gateways", "exportTo"]


@given(st.dictionaries(st.sampled_from(SECTIONS), JSON))
def test_no_garbled_rule_stops_the_reader(spec: dict[str, Any]) -> None:
    snapshot = mesh([service("ratings"), pod("a-1"), istio_object("VirtualService", "x", **spec)])
    for route in destination_routes(snapshot):
        assert route.binding.virtual_service.get(*route.path, "host") == route.written
