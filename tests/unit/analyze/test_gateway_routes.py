from __future__ import annotations

import pytest

from meshdoctor.analyze.gateway_routes import ANALYZER
from meshdoctor.intent.gateway_servers import hosts_meet, resolve_gateway_name
from meshdoctor.model.finding import FactState, Finding
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE, Kind
from tests.build import mesh, service
from tests.unit.analyze.gateway_build import (
    DOOR,
    HOST,
    ROUTES,
    SUBJECT,
    edge_proxy,
    gateway,
    not_found,
    routes,
    server,
    shop,
)
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

NO_ROUTES, WRONG_HOST = "MD0620", "MD0621"


def states(found: Finding) -> dict[str, FactState]:
    return {fact.id: fact.state for fact in found.facts}


@pytest.mark.parametrize("name", ["door", "store/door", "./door", "door.store.svc.cluster.local"])
def test_every_way_to_name_a_gateway_binds(name: str) -> None:
    snapshot = mesh(shop(gateway(), routes(gateways=(name,))))
    assert problems(ANALYZER, snapshot) == []
    assert {(NO_ROUTES, SUBJECT), (WRONG_HOST, SUBJECT)} <= passed(ANALYZER, snapshot)


@pytest.mark.parametrize("name", ["dor", "shop/door", "door.shop"])
def test_a_virtual_service_that_names_no_existing_gateway_is_at_fault(name: str) -> None:
    snapshot = mesh(shop(gateway(), routes(gateways=(name,))), proxies=[edge_proxy(*not_found())])
    assert named(ANALYZER, snapshot) == [(NO_ROUTES, SUBJECT, ROUTES)]
    (found,) = problems(ANALYZER, snapshot)
    assert found.objects == (ROUTES, DOOR)
    assert set(states(found).values()) == {FactState.HOLDS}
    assert '"value": ["store/door"]' in found.fills["command"]


def test_a_virtual_service_elsewhere_without_the_namespace_is_at_fault() -> None:
    objects = shop(gateway(), routes(namespace="press", gateways=("door",)))
    assert named(ANALYZER, mesh(objects)) == [(NO_ROUTES, SUBJECT, "VirtualService press/books")]


def test_a_virtual_service_for_sidecars_only_does_nothing_at_the_gateway() -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway(), routes(gateways=None))))
    assert (found.code, found.objects, found.root) == (NO_ROUTES, (ROUTES, DOOR), True)
    assert '"value": ["mesh", "store/door"]' in found.fills["command"]


def test_a_service_of_the_mesh_needs_no_gateway() -> None:
    host = "books.store.svc.cluster.local"
    wide = gateway(server(80, "*"))
    objects = shop(
        wide, routes(), service("books", "store"), routes("in", hosts=(host,), gateways=None)
    )
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_left_over_beside_a_bound_virtual_service_hurts_nobody() -> None:
    objects = shop(gateway(), routes(), routes("old", gateways=("gone",)))
    assert problems(ANALYZER, mesh(objects)) == []


@pytest.mark.parametrize(("lines", "root"), [(not_found(), True), ([], False)])
def test_a_gateway_without_any_virtual_service_counts_where_somebody_asks(
    lines: list[str], root: bool
) -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway()), proxies=[edge_proxy(*lines)]))
    assert (found.code, found.objects, found.root) == (NO_ROUTES, (DOOR,), root)


@pytest.mark.parametrize(
    "lines", [not_found("other.example.org"), not_found(seconds_ago=400)], ids=["other", "old"]
)
def test_requests_for_others_or_of_long_ago_prove_nothing(lines: list[str]) -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway()), proxies=[edge_proxy(*lines)]))
    assert not found.root


def test_a_server_that_only_redirects_needs_no_routes() -> None:
    redirect = gateway(server(80, tls={"httpsRedirect": True}))
    assert problems(ANALYZER, mesh(shop(redirect), proxies=[edge_proxy(*not_found())])) == []


@pytest.mark.parametrize(
    "offered",
    [("www." + HOST,), ("*.press.example.org",), ("press/" + HOST,), ("./other.example.org",)],
)
def test_a_host_that_the_gateway_lacks_is_the_virtual_services_fault(
    offered: tuple[str, ...],
) -> None:
    snapshot = mesh(shop(gateway(server(80, *offered)), routes()))
    assert named(ANALYZER, snapshot) == [(WRONG_HOST, SUBJECT, ROUTES)]


@pytest.mark.parametrize(
    "offered", [HOST, "*", "*.example.org", "store/*", "./*.example.org", f"*/{HOST}"]
)
def test_a_host_that_the_gateway_has_is_in_order(offered: str) -> None:
    assert problems(ANALYZER, mesh(shop(gateway(server(80, offered)), routes()))) == []


def test_an_extra_host_is_a_fault_only_when_somebody_asks_for_it() -> None:
    objects = shop(gateway(), routes(hosts=(HOST, "extra.example.org")))
    (quiet,) = problems(ANALYZER, mesh(objects))
    asked = edge_proxy(*not_found("extra.example.org"), domains={HOST: ("store/books",)})
    (loud,) = problems(ANALYZER, mesh(objects, proxies=[asked]))
    assert (quiet.root, loud.root) == (False, True)


def test_hosts_that_sidecars_route_by_are_no_business_of_the_gateway() -> None:
    host = "books.store.svc.cluster.local"
    both = routes(hosts=(HOST, host), gateways=("mesh", "door"))
    assert problems(ANALYZER, mesh(shop(gateway(), both, service("books", "store")))) == []


def test_the_proxys_routes_speak_against_a_fault_that_it_does_not_show() -> None:
    objects = shop(gateway(), routes(gateways=("dor",)))
    held = edge_proxy(domains={HOST: ("store/books",)})
    (found,) = problems(ANALYZER, mesh(objects, proxies=[held]))
    assert states(found)["gateway-holds-no-route"] is FactState.SILENT


@pytest.mark.parametrize("kind", [GATEWAY, VIRTUAL_SERVICE])
def test_without_gateways_or_virtual_services_nothing_is_said(kind: Kind) -> None:
    snapshot = mesh(shop(gateway(), routes(gateways=("dor",))), unread=[kind])
    assert problems(ANALYZER, snapshot) == []
    expected = {NO_ROUTES, WRONG_HOST} if kind is VIRTUAL_SERVICE else set()
    assert set(unknowns(ANALYZER, snapshot)) == expected


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.b", "a.b", True),
        ("a.b", "c.b", False),
        ("*", "a.b", True),
        ("*.b", "a.b", True),
        ("*.b", "b", False),
        ("*.b", "*.a.b", True),
        ("*.a.b", "*.c.b", False),
        ("a.b", "*.b", True),
    ],
)
def test_hosts_meet_as_istio_matches_wildcards(one: str, other: str, meet: bool) -> None:
    assert hosts_meet(one, other) is meet
    assert hosts_meet(other, one) is meet


def test_a_gateways_old_name_keeps_its_namespace() -> None:
    assert resolve_gateway_name("door.store.svc.cluster.local", "press") == ("store", "door")
    assert resolve_gateway_name("./door", "press") == ("press", "door")
