"""Revisions and tags that are asked for, and the control planes behind them."""

from __future__ import annotations

from meshdoctor.analyze.injection_revision import ANALYZER
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, POD
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECTION,
    REV,
    app,
    control_plane,
    every,
    facts,
    failing,
    injector,
    labelled,
    passes,
    verdicts,
)

CANARY = labelled("shop", {REV: "canary"})
FAULT = {("MD0303", "fail", "namespace shop", "Namespace shop")}


def test_a_revision_with_webhook_and_istiod_passes() -> None:
    snapshot = mesh(
        every(
            control_plane(),
            control_plane("canary"),
            [injector(), injector("canary"), CANARY],
            app("web", proxy="native", revision="canary"),
        )
    )
    assert verdicts(ANALYZER, snapshot) == set()
    assert passes(ANALYZER, snapshot) == {("MD0303", "namespace shop")}


def test_a_revision_that_nothing_is_called_is_a_fault() -> None:
    snapshot = mesh([*control_plane(), injector(), CANARY, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == FAULT
    finding = failing(ANALYZER, snapshot, "MD0303")[0]
    assert set(facts(finding).values()) == {"holds"}
    assert finding.fills["command"] == (
        "kubectl label namespace shop istio.io/rev- istio-injection=enabled --overwrite"
    )


def test_proxies_of_a_removed_revision_are_told() -> None:
    cut_off = app("web", proxy="native", revision="canary")
    snapshot = mesh([*control_plane(), injector(), CANARY, *cut_off])
    assert verdicts(ANALYZER, snapshot) == FAULT
    finding = failing(ANALYZER, snapshot, "MD0303")[0]
    assert facts(finding)["proxies-of-the-revision"] == "holds"
    assert facts(finding)["pods-lack-proxy"] == "silent"
    assert [item.source for item in finding.affected] == ["Deployment shop/web"]


def test_a_webhook_left_behind_by_its_istiod_does_not_serve() -> None:
    snapshot = mesh([*control_plane(), injector(), injector("canary"), CANARY, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == FAULT


def test_an_istiod_scaled_to_zero_is_down_not_absent() -> None:
    snapshot = mesh(
        every(
            control_plane(),
            control_plane("canary", pods=0),
            [injector(), injector("canary"), CANARY],
            app("ratings"),
        )
    )
    assert verdicts(ANALYZER, snapshot) == set()


def test_a_tag_of_a_living_revision_passes() -> None:
    tagged = labelled("shop", {REV: "prod"})
    objects = [injector(), injector(tag="prod"), tagged]
    assert verdicts(ANALYZER, mesh([*control_plane(), *objects, *app("ratings")])) == set()


def test_a_tag_of_a_removed_revision_is_moved() -> None:
    tagged = labelled("shop", {REV: "prod"})
    objects = [injector(), injector("1-20", tag="prod"), tagged]
    snapshot = mesh([*control_plane(), *objects, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == FAULT
    finding = failing(ANALYZER, snapshot, "MD0303")[0]
    assert finding.objects == (
        "Namespace shop",
        "MutatingWebhookConfiguration istio-revision-tag-prod",
    )
    assert finding.fills["revision"] == "1-20"
    assert finding.fills["command"] == "istioctl tag set prod --revision default --overwrite"


def test_a_pod_that_asks_for_an_absent_revision_by_itself() -> None:
    snapshot = mesh(
        [*control_plane(), injector(), labelled("shop"), *app("ratings", pod_labels={REV: "x"})]
    )
    target = "Deployment shop/ratings"
    assert verdicts(ANALYZER, snapshot) == {("MD0303", "fail", f"workload {target}", target)}


def test_the_pods_revision_is_ignored_where_the_namespace_has_a_label() -> None:
    enabled = labelled("shop", {INJECTION: "enabled"})
    snapshot = mesh([*control_plane(), injector(), enabled, *app("ratings", pod_labels={REV: "x"})])
    assert verdicts(ANALYZER, snapshot) == set()


def test_an_external_control_plane_needs_no_deployment() -> None:
    remote = injector("canary", clientConfig={"url": "https://istiod.example.com/inject"})
    snapshot = mesh([*control_plane(), injector(), remote, CANARY, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == set()


def test_without_any_control_plane_the_mesh_is_down_or_not_installed() -> None:
    assert verdicts(ANALYZER, mesh([injector("canary"), CANARY, *app("ratings")])) == set()


def test_a_namespace_without_pods_is_only_noted() -> None:
    snapshot = mesh([*control_plane(), injector(), CANARY])
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0303", "fail note", "namespace shop", "Namespace shop")
    }


def test_without_deployments_a_name_that_nothing_carries_is_likely_absent() -> None:
    snapshot = mesh([*control_plane(), injector(), CANARY, *app("ratings")], unread=[DEPLOYMENT])
    assert verdicts(ANALYZER, snapshot) == FAULT
    finding = failing(ANALYZER, snapshot, "MD0303")[0]
    assert facts(finding)["no-istiod-of-revision"] == "unread"


def test_without_deployments_a_webhook_left_behind_is_unknown() -> None:
    snapshot = mesh(
        [*control_plane(), injector(), injector("canary"), CANARY, *app("ratings")],
        unread=[DEPLOYMENT],
    )
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0303", "unknown", "namespace shop", "Namespace shop")
    }


def test_without_pods_the_fault_is_named_all_the_same() -> None:
    snapshot = mesh([*control_plane(), injector(), CANARY, *app("ratings")], unread=[POD])
    assert verdicts(ANALYZER, snapshot) == FAULT


def test_unread_webhooks_make_it_unknown() -> None:
    snapshot = mesh(
        [*control_plane(), injector(), CANARY, *app("ratings")], unread=[MUTATING_WEBHOOK]
    )
    assert verdicts(ANALYZER, snapshot) == {("MD0303", "unknown", "mesh", "mesh")}
