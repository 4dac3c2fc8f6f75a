"""The namespaces view: labels, verdicts, and what the pods have."""

from __future__ import annotations

from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.views.namespaces import COLUMNS, NamespaceRow, rows, to_json
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECTION,
    REV,
    app,
    control_plane,
    every,
    injector,
    labelled,
)

SHOP = labelled("shop", {INJECTION: "enabled", "team": "a"})


def only(found: tuple[NamespaceRow, ...]) -> NamespaceRow:
    assert len(found) == 1
    return found[0]


def test_a_namespace_in_the_mesh() -> None:
    snapshot = mesh(
        every(control_plane(), [injector(), SHOP], app("web", proxy="native"), app("ratings"))
    )
    assert to_json(only(rows(snapshot, ("shop",)))) == {
        "namespace": "shop",
        "labels": {INJECTION: "enabled"},
        "revision": "default",
        "verdict": "injected",
        "why": "istio-injection=enabled is served by istio-sidecar-injector",
        "pods_with_proxy": 1,
        "pods_without_proxy": 1,
        "ambient": "no",
    }


def test_a_tag_shows_the_revision_behind_it() -> None:
    objects = [injector("1-24", tag="prod"), labelled("shop", {REV: "prod"})]
    snapshot = mesh([*control_plane("1-24"), *objects])
    assert only(rows(snapshot)).revision == "prod (1-24)"


def test_new_pods_are_refused_while_no_istiod_is_ready() -> None:
    snapshot = mesh([*control_plane(ready=False), injector(), SHOP])
    row = only(rows(snapshot))
    assert (row.verdict, "default" in row.why) == ("refused", True)


def test_new_pods_come_up_bare_where_the_webhook_ignores_failures() -> None:
    snapshot = mesh([*control_plane(pods=0), injector(failurePolicy="Ignore"), SHOP])
    assert only(rows(snapshot)).verdict == "not injected"


def test_pods_that_ztunnel_serves_are_counted() -> None:
    objects = app("web", annotations={"ambient.istio.io/redirection": "enabled"})
    space = labelled("shop", {"istio.io/dataplane-mode": "ambient"})
    row = only(rows(mesh([*control_plane(), injector(), space, *objects])))
    assert (row.verdict, row.ambient) == ("ambient", "yes (1 of 1 pods)")


def test_unread_webhooks_make_the_verdict_unknown() -> None:
    row = only(rows(mesh([*control_plane(), SHOP], unread=[MUTATING_WEBHOOK])))
    assert (row.verdict, row.why) == ("unknown", "the injection webhooks were not read")


def test_unread_pods_are_not_counted_as_none() -> None:
    row = only(rows(mesh([*control_plane(), injector(), SHOP], unread=[POD])))
    assert (row.with_proxy, row.without_proxy) == ("unknown", "unknown")


def test_without_namespaces_those_of_pods_are_listed_as_unknown() -> None:
    snapshot = mesh([*control_plane(), SHOP, *app("web")], unread=[NAMESPACE])
    row = only(rows(snapshot, ("shop",)))
    shown = {to_json(row)[key] for key in ("labels", "revision", "verdict", "ambient")}
    assert shown == {"unknown"}


def test_every_column_is_an_attribute_of_the_row() -> None:
    row = only(rows(mesh([SHOP])))
    assert all(hasattr(row, attribute) for _, attribute in COLUMNS)
