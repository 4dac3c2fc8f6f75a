from __future__ import annotations

from typing import Any

from meshdoctor.analyze.gateway_dangling import ANALYZER
from meshdoctor.model.kinds import GATEWAY
from tests.build import mesh
from tests.unit.analyze.gateway_build import (
    DOOR,
    SUBJECT,
    edge_proxy,
    gateway,
    not_found,
    routes,
    shop,
)
from tests.unit.analyze.traffic_build import named, problems

FILMS = ("films.example.org",)
LOST = "VirtualService press/films"


def films(*gateways: str) -> dict[str, Any]:
    return routes("films", "press", hosts=FILMS, gateways=gateways)


def test_a_forgotten_namespace_is_the_virtual_services_fault() -> None:
    objects = shop(gateway(), routes(), films("door"))
    assert named(ANALYZER, mesh(objects)) == [("MD0620", SUBJECT, LOST)]
    (found,) = problems(ANALYZER, mesh(objects))
    assert found.objects == (LOST, DOOR)


def test_requests_without_a_route_tell_that_the_name_matters() -> None:
    objects = shop(gateway(), routes(), films("gone"))
    asked = edge_proxy(*not_found(FILMS[0]))
    assert named(ANALYZER, mesh(objects, proxies=[asked])) == [("MD0620", SUBJECT, LOST)]


def test_a_left_over_that_nobody_asks_for_is_passed_over() -> None:
    assert problems(ANALYZER, mesh(shop(gateway(), routes(), films("gone")))) == []


def test_one_gateway_that_exists_is_enough() -> None:
    objects = shop(gateway(), routes(), films("door", "store/door"))
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_virtual_service_whose_host_a_gateway_has_is_told_of_elsewhere() -> None:
    objects = shop(gateway(), routes(gateways=("dor",)))
    assert problems(ANALYZER, mesh(objects)) == []


def test_without_gateways_nothing_is_said() -> None:
    objects = shop(gateway(), routes(), films("door"))
    assert problems(ANALYZER, mesh(objects, unread=[GATEWAY])) == []
