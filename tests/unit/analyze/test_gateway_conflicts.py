from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.gateway_conflicts import ANALYZER
from meshdoctor.model.finding import FactState
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from tests.build import mesh
from tests.unit.analyze.gateway_build import (
    HOST,
    SUBJECT,
    edge_proxy,
    gateway,
    routes,
    server,
    shop,
)
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

CODE = "MD0622"
OLD, NEW = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def http(to: str, *prefixes: str, **match: Any) -> list[dict[str, Any]]:
    found = [{"uri": {"prefix": prefix}, **match} for prefix in prefixes]
    rule = {"route": [{"destination": {"host": to}}]}
    return [{**rule, "match": found} if found else rule]


def two(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return shop(
        gateway(),
        routes("first", created=OLD, http=first),
        routes("second", "press", gateways=("store/door",), created=NEW, http=second),
    )


LOST = "VirtualService press/second"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (http("a"), http("b", "/")),
        (http("a", "/"), http("b")),
        (http("a", "/buy"), http("b", "/buy/now")),
        (http("a", "/buy"), http("b", "/buy", method={"exact": "GET"})),
    ],
)
def test_the_younger_virtual_service_whose_requests_are_taken_is_named(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    assert named(ANALYZER, mesh(two(first, second))) == [(CODE, SUBJECT, LOST)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (http("a"), http("b", "/buy")),
        (http("a", "/buy"), http("b", "/sell")),
        (http("a", "/buy/now"), http("b", "/buy")),
        (http("a", "/buy", method={"exact": "GET"}), http("b", "/buy")),
        (http("a", "/"), http("a", "/")),
    ],
    ids=["catch-all-last", "apart", "narrow-first", "one-method", "same-backend"],
)
def test_virtual_services_that_share_out_the_paths_are_in_order(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    snapshot = mesh(two(first, second))
    assert problems(ANALYZER, snapshot) == []
    assert (CODE, SUBJECT) in passed(ANALYZER, snapshot)


def test_routes_for_another_gateway_take_nothing_here() -> None:
    elsewhere = http("a", "/", gateways=["store/back-door"])
    assert problems(ANALYZER, mesh(two(elsewhere, http("b")))) == []


def test_virtual_services_for_other_hosts_do_not_meet() -> None:
    wide = gateway(server(80, "*.example.org"))
    other = routes("other", hosts=("films.example.org",))
    assert problems(ANALYZER, mesh(shop(wide, routes(), other))) == []


def test_the_proxys_routes_prove_it() -> None:
    held = edge_proxy(domains={HOST: ("store/first", "press/second")})
    (found,) = problems(ANALYZER, mesh(two(http("a"), http("b")), proxies=[held]))
    assert [fact.state for fact in found.facts] == [FactState.HOLDS, FactState.HOLDS]
    assert len(found.facts[1].evidence) == 2


def test_without_virtual_services_nothing_is_said() -> None:
    snapshot = mesh(shop(gateway()), unread=[VIRTUAL_SERVICE])
    assert set(unknowns(ANALYZER, snapshot)) == {CODE}
