"""Pods that are older than what would inject them."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.injection_restart import ANALYZER
from meshdoctor.model.kinds import CONFIG_MAP, MUTATING_WEBHOOK
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    app,
    control_plane,
    facts,
    failing,
    injector,
    injector_values,
    labelled,
    passes,
    verdicts,
)

FAULT = {("MD0305", "fail", "namespace shop", "Namespace shop")}
BYPASSED = {("MD0308", "warn note", "workload Deployment shop/ratings", "Deployment shop/ratings")}


def enabled(*objects: dict[str, Any], webhook: dict[str, Any] | None = None, **more: Any) -> Any:
    shop = labelled("shop", {INJECTION: "enabled"})
    return mesh(
        [*control_plane(), webhook or injector(), injector_values(), shop, *objects], **more
    )


def test_a_pod_that_is_selected_now_and_has_no_sidecar_is_older_than_its_label() -> None:
    snapshot = enabled(*app("ratings"), *app("web"))
    assert verdicts(ANALYZER, snapshot) == FAULT
    finding = failing(ANALYZER, snapshot, "MD0305")[0]
    assert set(facts(finding).values()) == {"holds"}
    assert finding.objects == (
        "Namespace shop",
        "Deployment shop/ratings",
        "Deployment shop/web",
    )
    assert finding.fills["restart"] == (
        "kubectl rollout restart deployment/ratings deployment/web -n shop"
    )


def test_pods_with_a_sidecar_pass() -> None:
    snapshot = enabled(*app("ratings", proxy="native"), *app("web", proxy="classic"))
    assert verdicts(ANALYZER, snapshot) == set()
    assert passes(ANALYZER, snapshot) == {("MD0305", "namespace shop")}


def test_a_proxyless_agent_was_injected_too() -> None:
    objects = app("ratings", annotations={"sidecar.istio.io/status": "{}"})
    assert verdicts(ANALYZER, enabled(*objects)) == set()


@pytest.mark.parametrize(
    "objects",
    [app("ratings", pod_labels={INJECT: "false"}), app("ratings", hostNetwork=True)],
    ids=["opted out", "host network"],
)
def test_a_restart_would_not_help_pods_that_keep_the_sidecar_out(
    objects: list[dict[str, Any]],
) -> None:
    assert verdicts(ANALYZER, enabled(*objects)) == set()


def test_a_restart_would_not_help_where_nobody_asks() -> None:
    snapshot = mesh([*control_plane(), injector(), labelled("shop"), *app("ratings")])
    assert verdicts(ANALYZER, snapshot) == set()


def test_a_rollout_that_already_makes_new_pods_is_left_alone() -> None:
    old, new = app("ratings"), app("ratings", proxy="native", created="2026-11-21T07:50:00Z")
    new[1]["metadata"]["name"] = "ratings-def-xyz"
    new[1]["metadata"]["labels"]["pod-template-hash"] = "def"
    new[1]["metadata"]["ownerReferences"][0]["name"] = "ratings-def"
    assert verdicts(ANALYZER, enabled(*old, new[1])) == set()


def test_an_old_pod_beside_a_new_one_of_the_same_template_is_told() -> None:
    old, new = app("ratings"), app("ratings", proxy="native", created="2026-11-21T07:50:00Z")
    new[1]["metadata"]["name"] = "ratings-abc-new"
    assert verdicts(ANALYZER, enabled(*old, new[1])) == FAULT


def test_a_pod_that_asks_by_itself_is_named_without_its_namespace() -> None:
    objects = app("ratings", pod_labels={INJECT: "true"})
    snapshot = mesh([*control_plane(), injector(), labelled("shop"), *objects])
    target = "Deployment shop/ratings"
    assert verdicts(ANALYZER, snapshot) == {("MD0305", "fail", f"workload {target}", target)}


class TestWebhookThatIgnoresFailures:
    webhook = injector(failurePolicy="Ignore")

    def test_a_pod_made_while_istiod_was_ready_is_older_than_its_label(self) -> None:
        snapshot = enabled(*app("ratings", created="2026-11-21T07:30:00Z"), webhook=self.webhook)
        assert verdicts(ANALYZER, snapshot) == FAULT
        finding = failing(ANALYZER, snapshot, "MD0305")[0]
        assert facts(finding)["admission-cannot-be-skipped"] == "holds"

    def test_a_pod_made_before_istiod_was_ready_may_have_been_let_through(self) -> None:
        webhook = {**self.webhook}
        webhook["metadata"] = {**webhook["metadata"], "creationTimestamp": "2026-11-21T06:00:00Z"}
        snapshot = enabled(*app("ratings", created="2026-11-21T06:59:00Z"), webhook=webhook)
        assert verdicts(ANALYZER, snapshot) == BYPASSED

    def test_a_pod_older_than_the_webhook_was_never_seen_by_it(self) -> None:
        snapshot = enabled(*app("ratings", created="2026-11-21T05:00:00Z"), webhook=self.webhook)
        assert verdicts(ANALYZER, snapshot) == FAULT

    def test_nothing_is_claimed_while_istiod_is_not_ready(self) -> None:
        shop = labelled("shop", {INJECTION: "enabled"})
        snapshot: Snapshot = mesh(
            [*control_plane(ready=False), self.webhook, shop, *app("ratings")]
        )
        assert verdicts(ANALYZER, snapshot) == BYPASSED


def test_an_unread_policy_makes_it_less_than_proven() -> None:
    snapshot = enabled(*app("ratings"), unread=[CONFIG_MAP])
    assert verdicts(ANALYZER, snapshot) == FAULT
    assert facts(failing(ANALYZER, snapshot, "MD0305")[0])["istiod-would-inject"] == "unread"


def test_match_conditions_that_are_not_evaluated_make_it_unknown() -> None:
    webhook = injector(matchConditions=[{"name": "x", "expression": "true"}])
    snapshot = enabled(*app("ratings"), webhook=webhook)
    assert verdicts(ANALYZER, snapshot) == {
        ("MD0305", "unknown", "namespace shop", "Namespace shop")
    }


def test_unread_webhooks_make_it_unknown() -> None:
    snapshot = enabled(*app("ratings"), unread=[MUTATING_WEBHOOK])
    assert verdicts(ANALYZER, snapshot) == {("MD0305", "unknown", "mesh", "mesh")}
