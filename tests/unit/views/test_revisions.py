"""The revisions view: three corners of every pod, and what an upgrade left behind."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.revision_leftovers import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.views import revisions as view
from meshdoctor.views.revisions import RevisionRow
from tests.build import deployment, mesh, namespace, pod
from tests.unit.analyze.control_plane_build import (
    ROOT,
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    sync,
    webhook,
)


def shop(revision: str) -> dict[str, Any]:
    made = namespace("shop")
    made["metadata"]["labels"] = {"istio.io/rev": revision}
    return made


def plane(revision: str, **how: Any) -> list[dict[str, Any]]:
    return [istiod_deployment(revision), istiod_pod(revision, **how), webhook(revision)]


def web(**how: Any) -> list[dict[str, Any]]:
    return [deployment("web"), injected("web", **how)]


def seen(
    *objects: Any, on: str | None = "default", version: str = "1.30.2", **how: Any
) -> Snapshot:
    flat: list[dict[str, Any]] = []
    for item in objects:
        flat += item if isinstance(item, list) else [item]
    istiods = [] if on is None else [knowing(sync("web.shop", version), revision=on)]
    return mesh(flat, istiods=istiods, **how)


def only(snapshot: Snapshot) -> RevisionRow:
    (row,) = view.rows(snapshot)
    return row


def corners(row: RevisionRow) -> tuple[str, str, str, str]:
    return row.asked, row.injected, row.connected, row.state


class TestPods:
    def test_one_whose_three_revisions_agree(self) -> None:
        row = only(seen(plane("default"), shop("default"), web()))
        assert corners(row) == ("default", "default", "default", "in order")
        assert view.to_json(row) == {
            "pod": "web",
            "namespace": "shop",
            "workload": "Deployment shop/web",
            "label": "istio.io/rev=default",
            "asked": "default",
            "injected": "default",
            "connected": "default",
            "proxy_version": "1.30.2",
            "istiod_version": "1.30.2",
            "state": "in order",
            "why": "asked for, injected by and connected to default",
        }

    def test_one_that_was_not_restarted_after_its_label_moved(self) -> None:
        row = only(seen(plane("default"), plane("canary"), shop("canary"), web()))
        assert corners(row) == ("canary", "default", "default", "restart needed")

    def test_a_tag_leads_to_its_revision(self) -> None:
        tag = webhook("canary", tag="prod")
        row = only(seen(plane("default"), plane("canary"), tag, shop("prod"), web()))
        assert corners(row) == ("canary", "default", "default", "restart needed")
        assert row.label == "istio.io/rev=prod"

    def test_one_whose_revision_is_gone(self) -> None:
        gone = web(revision="canary")
        row = only(seen(plane("default"), shop("canary"), gone, on=None))
        assert corners(row)[0::3] == ("canary", "no control plane")

    def test_one_whose_revision_is_gone_though_another_is_asked_for(self) -> None:
        snapshot = seen(plane("default"), shop("default"), web(revision="canary"))
        assert only(snapshot).state == "connected elsewhere"
        lost = seen(
            plane("default", state={"waiting": {}}),
            shop("default"),
            web(revision="canary"),
            on=None,
        )
        assert only(lost).state == "no control plane"

    def test_one_that_no_istiod_knows(self) -> None:
        snapshot = mesh(
            [*plane("default"), shop("default"), *web()], istiods=[knowing(sync("other.shop"))]
        )
        assert corners(only(snapshot)) == ("default", "default", "none", "not connected")

    def test_one_that_has_no_proxy_though_it_would_get_one(self) -> None:
        bare = pod("web", owner="web", proxy=None)
        row = only(seen(plane("default"), shop("default"), deployment("web"), bare))
        assert corners(row) == ("default", "none", "none", "not injected")
        assert not row.has_proxy

    def test_one_that_rightly_has_no_proxy_is_not_listed(self) -> None:
        bare = pod("web", owner="web", proxy=None)
        assert view.rows(seen(plane("default"), namespace("shop"), deployment("web"), bare)) == ()

    def test_one_that_nothing_asks_for_any_more(self) -> None:
        row = only(seen(plane("default"), namespace("shop"), web()))
        assert (row.state, row.is_fault) == ("not asked for", False)

    @pytest.mark.parametrize(
        ("version", "state"), [("1.28.0", "older than istiod"), ("1.31.0", "newer than istiod")]
    )
    def test_versions_apart(self, version: str, state: str) -> None:
        row = only(seen(plane("default"), shop("default"), web(), version=version))
        assert row.state == state
        assert (row.proxy_version, row.istiod_version) == (version, "1.30.2")

    def test_a_gateway_whose_template_brings_its_proxy_asks_nobody(self) -> None:
        gateway = pod("edge", ROOT, owner="edge", proxy=None)
        gateway["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2:1.30.2"}]
        gateway["metadata"]["labels"]["istio.io/rev"] = "default"
        snapshot = mesh(
            [*plane("default"), deployment("edge", ROOT), gateway, namespace(ROOT)],
            istiods=[knowing(sync(f"edge.{ROOT}", kind="router"))],
        )
        assert corners(only(snapshot)) == ("default", "default", "default", "in order")

    def test_what_is_worst_comes_first_and_a_namespace_can_be_chosen(self) -> None:
        snapshot = seen(
            plane("default"),
            shop("default"),
            web(),
            namespace("pay"),
            deployment("bill", "pay"),
            injected("bill", "pay", owner="bill"),
        )
        assert [row.state for row in view.rows(snapshot)] == ["not connected", "in order"]
        assert [row.namespace for row in view.rows(snapshot, ("shop",))] == ["shop"]

    @pytest.mark.parametrize("kind", [NAMESPACE, MUTATING_WEBHOOK], ids=lambda kind: kind.plural)
    def test_a_corner_that_was_not_read_is_unknown(self, kind: Any) -> None:
        snapshot = seen(plane("default"), shop("default"), web(), unread=[kind])
        assert corners(only(snapshot)) == ("unknown", "default", "default", "unknown")
        assert view.unread(snapshot) == (kind.input,)

    def test_an_istiod_that_was_not_read_may_know_a_proxy(self) -> None:
        snapshot = seen(plane("default"), shop("default"), web(), on=None)
        assert corners(only(snapshot)) == ("default", "default", "unknown", "unknown")

    def test_pods_that_were_not_read_are_not_none(self) -> None:
        assert view.no_pods(seen(plane("default"), unread=[POD])).startswith("Unknown")
        assert view.no_pods(seen(plane("default"))).startswith("No pod")


class TestPlanes:
    def test_who_uses_a_control_plane(self) -> None:
        tag = webhook("canary", tag="prod")
        snapshot = seen(
            plane("default"),
            plane("canary"),
            tag,
            shop("prod"),
            web(revision="canary"),
            on="canary",
        )
        canary, default = view.planes(snapshot)
        assert view.plane_to_json(canary) == {
            "revision": "canary",
            "version": "1.30.2",
            "ready": "1 of 1",
            "tags": "prod",
            "namespaces": "shop",
            "proxies": 1,
        }
        assert (default.namespaces, default.proxies) == ("none", "unknown")


def config_map(name: str, revision: str) -> dict[str, Any]:
    labels = {"istio.io/rev": revision}
    meta = {"name": name, "namespace": ROOT, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


def validator(revision: str, policy: str = "Fail") -> dict[str, Any]:
    service = {"name": f"istiod-{revision}", "namespace": ROOT}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {
            "name": f"istio-validator-{revision}-{ROOT}",
            "labels": {"istio.io/rev": revision},
        },
        "webhooks": [
            {
                "name": "rev.validation.istio.io",
                "failurePolicy": policy,
                "clientConfig": {"service": service},
            }
        ],
    }


class TestLeftBehind:
    def left(self, *objects: Any, **how: Any) -> list[tuple[str, bool]]:
        found = view.left_behind(seen(plane("default"), shop("default"), web(), *objects, **how))
        return [(item.what, item.hurts) for item in found]

    def test_what_belongs_to_a_revision_that_is_gone(self) -> None:
        old = [webhook("old"), validator("old"), config_map("istio-old", "old")]
        assert self.left(*old) == [
            ("MutatingWebhookConfiguration istio-sidecar-injector-old", True),
            (f"ValidatingWebhookConfiguration istio-validator-old-{ROOT}", True),
            (f"ConfigMap {ROOT}/istio-old", False),
        ]

    def test_a_validator_that_ignores_failures_hurts_nobody(self) -> None:
        name = f"ValidatingWebhookConfiguration istio-validator-old-{ROOT}"
        assert self.left(validator("old", "Ignore")) == [(name, False)]

    def test_a_tag_that_leads_nowhere(self) -> None:
        snapshot = seen(plane("default"), shop("default"), webhook("old", tag="prod"))
        (item,) = view.left_behind(snapshot)
        assert item.tag == "prod"
        assert "tag prod leads nowhere" in item.why
        assert item.command == "kubectl delete mutatingwebhookconfiguration istio-revision-tag-prod"
        assert view.left_to_json(item)["revision"] == "old"

    def test_a_control_plane_that_nobody_uses(self) -> None:
        both = [*plane("default"), *plane("canary")]
        lists = [knowing(sync("web.shop")), knowing(revision="canary")]
        snapshot = mesh([*both, shop("default"), *web()], istiods=lists)
        (item,) = view.left_behind(snapshot)
        assert (item.what, item.hurts) == (f"Deployment {ROOT}/istiod-canary", False)
        assert item.command == "istioctl uninstall --revision canary"

    def test_one_that_was_not_asked_who_is_connected_may_be_used(self) -> None:
        assert self.left(plane("canary")) == []

    def test_an_only_control_plane_is_not_left_behind(self) -> None:
        assert view.left_behind(seen(plane("default"), on=None)) == ()

    def test_what_belongs_to_a_revision_that_runs_is_in_use(self) -> None:
        assert self.left(webhook("default", tag="prod"), config_map("istio", "default")) == []

    def test_another_services_label_is_not_istiods(self) -> None:
        assert self.left(config_map("prometheus-old", "old")) == []

    def test_a_webhook_of_another_clusters_istiod_is_not_left_behind(self) -> None:
        outside = webhook("old")
        for entry in outside["webhooks"]:
            entry["clientConfig"] = {"url": "https://istiod.example.com/inject"}
        assert self.left(outside) == []

    def test_without_deployments_nothing_is_known_to_be_gone(self) -> None:
        snapshot = seen(plane("default"), webhook("old"), unread=[DEPLOYMENT])
        assert view.left_behind(snapshot) == ()
        assert view.nothing_left(snapshot).startswith("Unknown")

    def test_what_refuses_pods_or_objects_is_a_warning_the_rest_a_note(self) -> None:
        objects = [webhook("old"), config_map("istio-old", "old")]
        found = list(ANALYZER.analyze(seen(plane("default"), shop("default"), web(), *objects)))
        assert [item.severity for item in found] == [Severity.WARNING, Severity.INFO]
        assert all(not item.root and item.evidence for item in found)
