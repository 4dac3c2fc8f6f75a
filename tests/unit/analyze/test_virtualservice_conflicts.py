from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.virtualservice_conflicts import ANALYZER
from tests.build import mesh, service
from tests.unit.analyze.gateway_build import routes
from tests.unit.analyze.traffic_build import named, problems

BOOKS = "books.store.svc.cluster.local"
OLD, NEW = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def rule(name: str, *, host: str = BOOKS, namespace: str = "store", **more: Any) -> dict[str, Any]:
    to = [{"route": [{"destination": {"host": "books", "subset": name}}]}]
    spec = {"http": to, "gateways": None, **more}
    return routes(name, namespace, hosts=(host,), **spec)


def test_the_younger_virtual_service_of_a_host_is_ignored() -> None:
    objects = [
        service("books", "store"),
        rule("a", created=NEW),
        rule("z", host="books", created=OLD),
    ]
    assert named(ANALYZER, mesh(objects)) == [
        ("MD0623", f"destination {BOOKS}", "VirtualService store/a")
    ]


@pytest.mark.parametrize(
    "other",
    [
        rule("b", host="films.store.svc.cluster.local"),
        rule("b", gateways=("door",)),
        rule("b", exportTo=["."]),
        rule("b", host="books", namespace="press"),
    ],
    ids=["other-host", "at-a-gateway", "private", "other-namespaces-short-name"],
)
def test_virtual_services_that_do_not_meet_are_in_order(other: dict[str, Any]) -> None:
    assert problems(ANALYZER, mesh([rule("a"), other])) == []


def test_a_copy_changes_nothing() -> None:
    copy = rule("b")
    copy["spec"]["http"] = rule("a")["spec"]["http"]
    assert problems(ANALYZER, mesh([rule("a"), copy])) == []
