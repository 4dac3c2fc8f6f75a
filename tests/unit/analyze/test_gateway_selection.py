from __future__ import annotations

import pytest

from meshdoctor.analyze.gateway_selection import ANALYZER
from meshdoctor.model.finding import Outcome
from meshdoctor.model.kinds import DEPLOYMENT, POD, VIRTUAL_SERVICE, Kind
from tests.build import mesh, pod
from tests.unit.analyze.gateway_build import DOOR, EDGE, SUBJECT, gateway, routes, server, shop
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

WRONG = {"istio": "frontdoor"}


def test_a_gateway_that_selects_running_pods_is_in_order() -> None:
    snapshot = mesh(shop(gateway(), routes()))
    assert problems(ANALYZER, snapshot) == []
    assert {("MD0601", SUBJECT), ("MD0602", SUBJECT)} <= set(passed(ANALYZER, snapshot))


def test_a_selector_that_no_gateway_carries_is_the_gateways_fault() -> None:
    snapshot = mesh(shop(gateway(selector=WRONG), routes()))
    assert named(ANALYZER, snapshot) == [("MD0601", SUBJECT, DOOR)]
    (found,) = problems(ANALYZER, snapshot)
    assert found.outcome is Outcome.FAIL
    assert '"value": {"istio": "front"}' in found.fills["command"]
    assert '"value": {"istio": "frontdoor"}' in found.fills["undo"]
    assert [item.to for item in found.affected] == ["books.example.org:80"]


def test_an_empty_selector_means_every_gateway() -> None:
    assert problems(ANALYZER, mesh(shop(gateway(selector={}), routes()))) == []


def test_sidecars_take_no_servers_whatever_their_labels() -> None:
    sidecar = pod("books-1", "store", labels={"app": "books", **WRONG})
    objects = shop(gateway(selector=WRONG), routes(), sidecar)
    assert named(ANALYZER, mesh(objects)) == [("MD0601", SUBJECT, DOOR)]


def test_a_gateway_that_is_scaled_to_zero_is_its_workloads_fault() -> None:
    snapshot = mesh(shop(gateway(), routes(), replicas=0, pods=0))
    (found,) = problems(ANALYZER, snapshot)
    assert (found.code, found.objects[0]) == ("MD0602", f"Deployment {EDGE}/front-door")
    assert ("MD0601", SUBJECT) in passed(ANALYZER, snapshot)


def test_a_gateway_that_wants_pods_and_has_none_is_not_called_scaled_to_zero() -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway(), routes(), replicas=2, pods=0)))
    assert found.code == "MD0603"


def test_a_gateway_object_that_nobody_uses_names_no_root_cause() -> None:
    (found,) = problems(ANALYZER, mesh(shop(gateway(selector=WRONG))))
    assert (found.outcome, found.root) == (Outcome.WARN, False)


def test_an_east_west_gateway_is_used_without_any_virtual_service() -> None:
    through = server(15443, "*.local", protocol="TLS", tls={"mode": "AUTO_PASSTHROUGH"})
    (found,) = problems(ANALYZER, mesh(shop(gateway(through, selector=WRONG))))
    assert found.root


@pytest.mark.parametrize("kind", [POD, DEPLOYMENT])
@pytest.mark.parametrize("selector", [WRONG, None])
def test_without_pods_or_workloads_nothing_is_said_of_a_selector(
    kind: Kind, selector: dict[str, str] | None
) -> None:
    objects = shop(gateway(selector=selector), routes(), replicas=0, pods=0)
    snapshot = mesh(objects, unread=[kind])
    assert problems(ANALYZER, snapshot) == []
    needs = (kind.input,)
    assert unknowns(ANALYZER, snapshot) == {"MD0601": needs, "MD0602": needs}


def test_without_virtual_services_a_wrong_selector_stays_a_root_cause() -> None:
    snapshot = mesh(shop(gateway(selector=WRONG)), unread=[VIRTUAL_SERVICE])
    (found,) = problems(ANALYZER, snapshot)
    assert found.root
