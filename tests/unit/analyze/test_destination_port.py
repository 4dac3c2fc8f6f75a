from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.destination_port import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import SERVICE_ENTRY
from tests.build import istio_object, mesh, pod, service
from tests.unit.analyze.traffic_build import (
    RATINGS,
    client,
    dump,
    named,
    no_cluster,
    passed,
    problems,
    route_to,
    server,
    shop,
    unknowns,
)

LACKED = ("MD0111", f"destination {RATINGS}:9090", "VirtualService shop/route")
TO_LACKED = f"outbound|9090||{RATINGS}"
TWO_PORTS = [
    {"name": "http", "port": 8080, "targetPort": 8080, "protocol": "TCP"},
    {"name": "http-admin", "port": 9090, "targetPort": 9090, "protocol": "TCP"},
]


def two_ported() -> list[dict[str, Any]]:
    ratings = service("ratings", clusterIP="10.96.0.6", ports=TWO_PORTS)
    return [ratings if item["metadata"]["name"] == "ratings" else item for item in shop()]


def through_gateway(*listening: tuple[int, dict[str, Any]], **spec: Any) -> list[dict[str, Any]]:
    """A gateway with these ports, and a VirtualService on it that leads to ratings."""
    servers = [
        {"port": {"number": number, "protocol": "HTTP"}, "hosts": ["*"], **more}
        for number, more in listening
    ]
    gateway = istio_object("Gateway", "edge", selector={"app": "edge"}, servers=servers)
    edge = pod("edge-1", labels={"app": "edge"}, containers=[{"name": "istio-proxy"}])
    return [edge, gateway, route_to("ratings", hosts=["a.example"], gateways=["edge"], **spec)]


def test_a_port_that_the_service_lacks_is_not_found() -> None:
    held = client(*no_cluster(), config=dump({}, [TO_LACKED]))
    snapshot = mesh([*shop(), route_to("ratings", port=9090)], proxies=[held])
    assert named(ANALYZER, snapshot) == [LACKED]
    (found,) = problems(ANALYZER, snapshot)
    assert '"value": 8080' in found.fills["command"]
    assert {fact.state.value for fact in found.facts} == {"holds"}


def test_a_port_that_the_service_has_is_in_order() -> None:
    snapshot = mesh([*shop(), route_to("ratings", port=8080)], proxies=[client(), server()])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0111", f"destination {RATINGS}:8080")}


def test_a_target_port_is_no_port_of_the_service() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": 9090, "protocol": "TCP"}]
    objects = [item for item in shop() if item["kind"] != "Service"]
    objects += [service("ratings", ports=ports), route_to("ratings", port=9090)]
    assert named(ANALYZER, mesh(objects, proxies=[client()])) == [LACKED]


def test_no_cluster_is_made_of_a_udp_port() -> None:
    ports = [*TWO_PORTS[:1], {"name": "dns", "port": 9090, "protocol": "UDP"}]
    objects = [item for item in shop() if item["kind"] != "Service"]
    objects += [service("ratings", ports=ports), route_to("ratings", port=9090)]
    assert named(ANALYZER, mesh(objects, proxies=[client()])) == [LACKED]


def test_a_route_without_port_from_a_gateway_leads_to_the_gateways_port() -> None:
    snapshot = mesh([*two_ported(), *through_gateway((80, {}))], proxies=[client()])
    assert named(ANALYZER, snapshot) == [
        ("MD0111", f"destination {RATINGS}:80", "VirtualService shop/route")
    ]
    (found,) = problems(ANALYZER, snapshot)
    assert '"value": {"number": 8080}' in found.fills["command"]
    assert "names no port" in found.message


def test_a_route_without_port_to_a_host_with_one_port_leads_there() -> None:
    snapshot = mesh([*shop(), *through_gateway((80, {}))], proxies=[client()])
    assert problems(ANALYZER, snapshot) == []


@pytest.mark.parametrize(
    "listening", [(8080, {}), (9090, {})], ids=["the first port", "the second"]
)
def test_a_gateway_that_listens_on_a_port_of_the_service_is_in_order(
    listening: tuple[int, dict[str, Any]],
) -> None:
    objects = [*two_ported(), *through_gateway(listening)]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_a_gateways_port_that_only_redirects_needs_no_port_behind_it() -> None:
    redirecting = (80, {"tls": {"httpsRedirect": True}})
    objects = [*two_ported(), *through_gateway(redirecting, (8080, {}))]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_a_gateways_port_for_other_hosts_needs_no_port_behind_it() -> None:
    objects = [*two_ported(), *through_gateway((80, {"hosts": ["b.example"]}), (8080, {}))]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_a_rule_for_the_service_itself_needs_no_port() -> None:
    snapshot = mesh([*two_ported(), route_to("ratings")], proxies=[client(), server()])
    assert problems(ANALYZER, snapshot) == []


def test_a_proxy_that_holds_the_cluster_still_gets_there() -> None:
    held = client(config=dump({TO_LACKED: {}}, [TO_LACKED]))
    snapshot = mesh([*shop(), route_to("ratings", port=9090)], proxies=[held, server()])
    assert [found.root for found in problems(ANALYZER, snapshot)] == [False]


def test_a_service_entry_that_is_unread_may_give_the_port() -> None:
    objects = [*shop(), route_to("ratings", port=9090)]
    snapshot = mesh(objects, proxies=[client(*no_cluster())], unread=[SERVICE_ENTRY])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0111": (SERVICE_ENTRY.input,)}


def test_a_port_of_a_rule_for_a_host_that_nobody_can_call_names_no_cause() -> None:
    objects = [*shop(), route_to("ratings", port=9090, hosts=["future"])]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[client(), server()]))
    assert (found.outcome.value, found.severity, found.root) == ("warn", Severity.INFO, False)
