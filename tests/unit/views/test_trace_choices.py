"""What a trace offers and begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meshdoctor.model.finding import Affected
from meshdoctor.views.trace_choices import (
    Ends,
    caller_text,
    callers,
    destinations,
    of_cause,
    of_diagnosis,
    of_names,
)
from tests import build
from tests.functional.scene import cause, diagnosis
from tests.unit.views.test_trace_request import mesh as with_gateway


def mesh(*more: dict[str, Any]) -> Any:
    return build.mesh(
        [
            build.namespace("shop"),
            build.namespace("old"),
            build.service("ratings"),
            build.deployment("client"),
            build.pod("client-1", owner="client"),
            build.pod("bare", "old", proxy=None),
            *more,
        ]
    )


def affected(*pairs: tuple[str, str]) -> Any:
    return replace(cause(), affected=tuple(Affected(*pair) for pair in pairs))


@pytest.mark.parametrize(
    ("workload", "text"),
    [
        ("Deployment shop/client-v1", "deploy/client-v1.shop"),
        ("StatefulSet db/pg", "sts/pg.db"),
        ("Pod old/bare", "pod/bare.old"),
        ("Rollout shop/canary", "canary.shop"),
    ],
)
def test_a_workload_is_written_as_from_takes_it(workload: str, text: str) -> None:
    assert caller_text(workload) == text


def test_callers_with_a_proxy_come_first_and_the_gateway_last() -> None:
    assert callers(mesh()) == ("deploy/client.shop", "pod/bare.old")
    assert callers(with_gateway())[-1] == "gateway"
    assert not any("router" in name for name in callers(with_gateway()))


def test_destinations_are_services_without_the_clusters_ending_then_what_gateways_serve() -> None:
    assert destinations(mesh()) == ("ratings.shop:8080",)
    assert destinations(with_gateway()) == ("ratings.shop:8080", "shop.example.com:80")


def test_a_root_cause_begins_with_its_first_pair_that_has_a_caller_in_the_mesh() -> None:
    host = "ratings.shop.svc.cluster.local:8080"
    pairs = (("", host), ("Deployment shop/client", host))
    assert of_cause(mesh(), affected(*pairs)) == Ends("deploy/client.shop", "ratings.shop:8080")


def test_without_a_caller_the_gateway_asks_for_what_it_serves_and_anybody_for_the_rest() -> None:
    seen = with_gateway()
    assert of_cause(seen, affected(("", "shop.example.com:80"))) == Ends(
        "gateway", "shop.example.com:80"
    )
    other = of_cause(seen, affected(("", "ratings.shop.svc.cluster.local:8080")))
    assert other == Ends(callers(seen)[0], "ratings.shop:8080")


def test_a_root_cause_that_affects_a_workload_alone_leaves_the_destination_open() -> None:
    assert of_cause(mesh(), affected(("Deployment shop/client", ""))) == Ends("deploy/client.shop")
    assert of_cause(mesh(), affected()) == Ends()


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        (("client-1.shop",), Ends("client-1.shop")),
        (("Deployment shop/client",), Ends("deploy/client.shop")),
        (("Service shop/ratings",), Ends("", "ratings.shop")),
        (("Namespace old",), Ends("pod/bare.old")),
        (("nothing", "old"), Ends("pod/bare.old")),
        (("nothing",), Ends()),
    ],
)
def test_what_a_person_looked_at_is_where_a_trace_begins(
    names: tuple[str, ...], ends: Ends
) -> None:
    assert of_names(mesh(), names) == ends


def test_a_diagnosis_begins_with_the_first_whole_pair_else_with_any_caller() -> None:
    host = "ratings.shop.svc.cluster.local:8080"
    made = diagnosis(affected(), affected(("Deployment shop/client", host)))
    assert of_diagnosis(mesh(), made) == Ends("deploy/client.shop", "ratings.shop:8080")
    assert of_diagnosis(mesh(), diagnosis()) == Ends("deploy/client.shop")
