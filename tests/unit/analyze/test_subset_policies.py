from __future__ import annotations

from typing import Any

from meshdoctor.analyze.subset_policies import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from tests.build import istio_object, mesh
from tests.unit.analyze.traffic_build import problems, route_to, shop

POOL = {"connectionPool": {"tcp": {"maxConnections": 1}}}


def rule(**subset: Any) -> dict[str, Any]:
    subsets = [{"name": "v1", "labels": {"version": "v1"}, **subset}]
    return istio_object("DestinationRule", "ratings", host="ratings", subsets=subsets)


def test_a_policy_of_a_subset_without_route_is_never_met() -> None:
    (found,) = problems(ANALYZER, mesh([*shop(), rule(trafficPolicy=POOL)]))
    assert (found.code, found.root, found.severity) == ("MD0137", False, Severity.INFO)


def test_a_route_to_the_subset_meets_it() -> None:
    objects = [*shop(), rule(trafficPolicy=POOL), route_to("ratings", subset="v1")]
    assert problems(ANALYZER, mesh(objects)) == []


def test_a_subset_without_policy_has_nothing_to_meet() -> None:
    assert problems(ANALYZER, mesh([*shop(), rule()])) == []


def test_a_route_may_be_among_rules_that_were_not_read() -> None:
    snapshot = mesh([*shop(), rule(trafficPolicy=POOL)], unread=[VIRTUAL_SERVICE])
    assert problems(ANALYZER, snapshot) == []
