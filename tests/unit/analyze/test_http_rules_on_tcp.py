from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.http_rules_on_tcp import ANALYZER
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import SERVICE
from tests.build import istio_object, mesh, pod, service
from tests.unit.analyze.traffic_build import (
    RATINGS,
    TO_RATINGS,
    client,
    line,
    named,
    passed,
    problems,
    route_to,
    server,
    shop,
    unknowns,
)

TO = f"destination {RATINGS}:8080"
FOUND = ("MD0133", TO, "Service shop/ratings")


def with_ports(*ports: dict[str, Any]) -> list[dict[str, Any]]:
    """The shop, whose ratings has these ports."""
    given = [{"port": 8080, "targetPort": 8080, "protocol": "TCP", **port} for port in ports]
    objects = [item for item in shop() if item["kind"] != "Service"]
    return [*objects, service("ratings", clusterIP="10.96.0.6", ports=given)]


def connection() -> str:
    return line(TO_RATINGS, code=0, details="-").replace('"GET / HTTP/1.1"', '"- - -"')


TCP = with_ports({"name": "tcp-web"})


@pytest.mark.parametrize(
    "port",
    [{"name": "tcp-web"}, {"name": "http", "appProtocol": "tcp"}, {"name": "redis"}],
    ids=["named tcp-", "appProtocol tcp", "named redis"],
)
def test_http_rules_for_a_tcp_port_are_unused(port: dict[str, Any]) -> None:
    snapshot = mesh([*with_ports(port), route_to("ratings")], proxies=[client(), server()])
    assert named(ANALYZER, snapshot) == [FOUND]


def test_connections_without_requests_in_the_log_show_it() -> None:
    snapshot = mesh([*TCP, route_to("ratings")], proxies=[client(connection()), server()])
    (found,) = problems(ANALYZER, snapshot)
    states = {fact.id: fact.state for fact in found.facts}
    assert states["calls-show-it"] is FactState.HOLDS
    assert '"path": "/spec/ports/0/appProtocol", "value": "http"' in found.fills["command"]


@pytest.mark.parametrize("name", ["http-web", "grpc", "web", ""])
def test_a_port_on_which_http_is_read_or_guessed_is_in_order(name: str) -> None:
    objects = [*with_ports({"name": name}), route_to("ratings")]
    snapshot = mesh(objects, proxies=[client(), server()])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0133", TO)}


def test_tcp_rules_for_a_tcp_port_are_in_order() -> None:
    routes = [{"route": [{"destination": {"host": "ratings"}}]}]
    rule = istio_object("VirtualService", "route", hosts=["ratings"], tcp=routes)
    assert list(ANALYZER.analyze(mesh([*TCP, rule], proxies=[client(), server()]))) == []


def test_rules_for_a_gateway_alone_go_by_the_gateways_protocol() -> None:
    gateway = istio_object("Gateway", "edge", selector={"app": "edge"}, servers=[])
    edge = pod("edge-1", labels={"app": "edge"}, containers=[{"name": "istio-proxy"}])
    rule = route_to("ratings", hosts=["a.example"], gateways=["edge"])
    snapshot = mesh([*TCP, gateway, edge, rule], proxies=[client()])
    assert list(ANALYZER.analyze(snapshot)) == []


def test_rules_act_on_the_http_port_beside_a_tcp_one() -> None:
    ports = with_ports({"name": "tcp-web"}, {"name": "http-admin", "port": 9090})
    assert problems(ANALYZER, mesh([*ports, route_to("ratings")], proxies=[client()])) == []


def test_a_rule_that_names_the_tcp_port_is_for_that_one() -> None:
    ports = with_ports({"name": "tcp-web"}, {"name": "http-admin", "port": 9090})
    snapshot = mesh([*ports, route_to("ratings", port=8080)], proxies=[client()])
    assert named(ANALYZER, snapshot) == [FOUND]


def test_a_port_that_carries_tls_is_not_called_tcp() -> None:
    objects = [*with_ports({"name": "https-web"}), route_to("ratings")]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_the_port_of_the_rules_host_counts_and_not_of_where_it_leads() -> None:
    lead = service("front", ports=[{"name": "http", "port": 8080}])
    objects = [*TCP, lead, route_to("ratings", hosts=["front"])]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_it_cannot_be_told_without_services() -> None:
    snapshot = mesh([*TCP, route_to("ratings")], proxies=[client()], unread=[SERVICE])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0133": (SERVICE.input,)}
