from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.gateway_exposure import ANALYZER
from meshdoctor.model.kinds import POD, SERVICE, Kind
from tests.build import mesh
from tests.unit.analyze.gateway_build import (
    DOOR,
    EDGE,
    SUBJECT,
    edge_proxy,
    gateway,
    routes,
    server,
    shop,
)
from tests.unit.analyze.traffic_build import line, named, passed, problems, unknowns

FRONT = f"Service {EDGE}/front-door"
PENDING: dict[str, Any] = {"type": "LoadBalancer"}


@pytest.mark.parametrize("port", [80, 8080, 443])
def test_a_port_of_the_service_or_behind_it_is_exposed(port: int) -> None:
    snapshot = mesh(shop(gateway(server(port)), routes()))
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0610", SUBJECT) in passed(ANALYZER, snapshot)


def test_a_port_that_the_service_lacks_is_the_gateways_fault() -> None:
    snapshot = mesh(shop(gateway(server(), server(9090)), routes()))
    (found,) = problems(ANALYZER, snapshot)
    assert (found.code, found.objects) == ("MD0610", (DOOR, FRONT))
    assert '"port": 9090, "targetPort": 9090' in found.fills["command"]
    assert '"path": "/spec/ports/2"' in found.fills["undo"]


def test_a_port_taken_on_the_node_needs_no_service() -> None:
    objects = shop(gateway(server(9090)), routes())
    objects[2]["spec"]["containers"][0]["ports"] = [{"containerPort": 9090, "hostPort": 9090}]
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_server_without_routes_suffers_from_nothing() -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway(server(9090)))))
    assert not found.root


def test_a_load_balancer_without_address_is_the_services_fault() -> None:
    snapshot = mesh(shop(gateway(), routes(), **PENDING))
    assert named(ANALYZER, snapshot) == [("MD0611", SUBJECT, FRONT)]


def test_a_load_balancer_with_an_address_is_in_order() -> None:
    objects = shop(gateway(), routes(), **PENDING)
    objects[1]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_service_of_another_type_waits_for_no_address() -> None:
    snapshot = mesh(shop(gateway(), routes(), type="NodePort"))
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0611", SUBJECT) in passed(ANALYZER, snapshot)


def test_a_service_made_a_moment_ago_may_still_get_one() -> None:
    objects = shop(gateway(), routes(), **PENDING)
    objects[1]["metadata"]["creationTimestamp"] = "2026-11-21T07:59:40Z"
    (found,) = problems(ANALYZER, mesh(objects))
    assert not found.root


@pytest.mark.parametrize(("code", "root"), [(200, False), (404, True)])
def test_a_gateway_that_is_reached_all_the_same_has_no_root_cause(code: int, root: bool) -> None:
    objects = shop(gateway(), routes(), **PENDING)
    proxy = edge_proxy(line("outbound|8080||books.store.svc.cluster.local", code=code))
    (found,) = problems(ANALYZER, mesh(objects, proxies=[proxy]))
    assert found.root is root


@pytest.mark.parametrize("kind", [POD, SERVICE])
def test_without_services_or_pods_nothing_is_said(kind: Kind) -> None:
    snapshot = mesh(shop(gateway(server(9090)), routes(), **PENDING), unread=[kind])
    assert problems(ANALYZER, snapshot) == []
    assert set(unknowns(ANALYZER, snapshot)) == {"MD0610", "MD0611"}
