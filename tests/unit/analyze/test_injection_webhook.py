"""Namespaces that ask for injection, and webhooks that answer or do not."""

from __future__ import annotations

from meshdoctor.analyze.injection_webhook import ANALYZER
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, POD
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
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

ENABLED = labelled("shop", {INJECTION: "enabled"})
MISSING = "MutatingWebhookConfiguration istio-sidecar-injector"
TAG_MISSING = "MutatingWebhookConfiguration istio-revision-tag-default"


def test_a_webhook_that_selects_the_namespace_passes() -> None:
    snapshot = mesh([*control_plane(), injector(), ENABLED, *app("web", proxy="native")])
    assert verdicts(ANALYZER, snapshot) == set()
    assert passes(ANALYZER, snapshot) == {("MD0300", "namespace shop")}


def test_no_webhook_at_all_while_istiod_runs_names_the_absent_configuration() -> None:
    snapshot = mesh([*control_plane(), ENABLED, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", MISSING)}
    finding = failing(ANALYZER, snapshot, "MD0300")[0]
    assert set(facts(finding).values()) == {"holds"}
    assert finding.objects == (MISSING, "Namespace shop")


def test_every_namespace_that_asks_is_told_and_unlabelled_ones_are_not() -> None:
    other = labelled("pay", {INJECTION: "enabled"})
    snapshot = mesh(
        every(
            control_plane(),
            [ENABLED, other, labelled("legacy")],
            app("ratings"),
            app("payments", "pay", proxy="native"),
            app("old", "legacy"),
        )
    )
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0300", "fail", "namespace pay", MISSING),
        ("MD0300", "fail", "namespace shop", MISSING),
    }
    fills = [finding.fills["restart"] for finding in failing(ANALYZER, snapshot, "MD0300")]
    assert fills == ["kubectl rollout restart deployment/ratings -n shop"] * 2


def test_a_deactivated_webhook_without_its_tag_names_the_tag() -> None:
    snapshot = mesh([*control_plane(), injector(deactivated=True), ENABLED, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", TAG_MISSING)}


def test_a_deactivated_webhook_with_its_tag_passes() -> None:
    objects = [injector(deactivated=True), injector(tag="default"), ENABLED]
    snapshot = mesh([*control_plane(), *objects, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == set()


def test_only_a_revision_without_default_tag_names_the_tag() -> None:
    snapshot = mesh([*control_plane("canary"), injector("canary"), ENABLED, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", TAG_MISSING)}


def test_a_webhook_with_altered_selectors_is_named_itself() -> None:
    altered = injector(default=False)
    snapshot = mesh([*control_plane(), altered, ENABLED, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", MISSING)}


def test_a_running_revision_whose_webhook_is_gone_names_that_revisions_webhook() -> None:
    asks = labelled("shop", {REV: "canary"})
    snapshot = mesh(
        every(control_plane(), control_plane("canary"), [injector(), asks], app("ratings"))
    )
    name = "MutatingWebhookConfiguration istio-sidecar-injector-canary"
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", name)}


def test_a_revision_without_control_plane_is_another_matter() -> None:
    asks = labelled("shop", {REV: "canary"})
    snapshot = mesh([*control_plane(), injector(), asks, *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == set()


def test_a_pod_that_asks_by_itself_and_is_not_heard() -> None:
    snapshot = mesh(
        [*control_plane(), labelled("shop"), *app("ratings", pod_labels={INJECT: "true"})]
    )
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0300", "fail", "workload Deployment shop/ratings", MISSING)
    }


def test_without_any_control_plane_istio_is_not_installed() -> None:
    assert verdicts(ANALYZER, mesh([ENABLED, *app("ratings")])) == set()


def test_a_namespace_without_pods_is_only_noted() -> None:
    snapshot = mesh([*control_plane(), ENABLED])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail note", "namespace shop", MISSING)}


def test_istiod_known_by_its_pods_alone_is_enough() -> None:
    snapshot = mesh([*control_plane(), ENABLED, *app("ratings")], unread=[DEPLOYMENT])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", MISSING)}


def test_istiod_known_by_its_deployment_alone_is_enough() -> None:
    snapshot = mesh([*control_plane(), ENABLED, *app("ratings")], unread=[POD])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "fail", "namespace shop", MISSING)}


def test_without_deployments_and_pods_it_is_unknown() -> None:
    snapshot = mesh([*control_plane(), ENABLED, *app("ratings")], unread=[POD, DEPLOYMENT])
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0300", "unknown", "namespace shop", "Namespace shop")
    }


def test_unread_webhooks_are_not_absent_webhooks() -> None:
    snapshot = mesh([*control_plane(), ENABLED, *app("ratings")], unread=[MUTATING_WEBHOOK])
    assert verdicts(ANALYZER, snapshot) == {("MD0300", "unknown", "mesh", "mesh")}
