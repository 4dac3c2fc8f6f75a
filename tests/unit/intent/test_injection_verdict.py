"""Istio's injection decision, replayed: the truth table of labels and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.injection_verdict import Verdict, injection_verdict
from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    REV,
    app,
    control_plane,
    injector,
    labelled,
)

PLAIN: dict[str, str] = {}
ENABLED = {INJECTION: "enabled"}
DISABLED = {INJECTION: "disabled"}
DEFAULT = {REV: "default"}
CANARY = {REV: "canary"}
ABSENT = {REV: "gone"}


def snapshot(
    space: dict[str, str], pod: dict[str, str], name: str = "shop", **more: Any
) -> Snapshot:
    planes = [*control_plane(), *control_plane("canary")]
    hooks = [injector(), injector("canary")]
    objects = [*planes, *hooks, labelled(name, space), *app("web", name, pod_labels=pod)]
    return mesh(objects, **more)


def verdict_on_pod(found: Snapshot, name: str = "shop") -> Verdict:
    pod = next(item for item in found.catalog.of(POD) if item.namespace == name)
    return injection_verdict(found, pod).verdict


@pytest.mark.parametrize(
    ("space", "pod", "verdict"),
    [
        (PLAIN, PLAIN, Verdict.NOT_LABELLED),
        (PLAIN, {INJECT: "true"}, Verdict.INJECTED),
        (PLAIN, {INJECT: "false"}, Verdict.NOT_LABELLED),
        (PLAIN, CANARY, Verdict.INJECTED),
        (PLAIN, ABSENT, Verdict.REVISION_ABSENT),
        (PLAIN, {INJECT: "true", **CANARY}, Verdict.INJECTED),
        (ENABLED, PLAIN, Verdict.INJECTED),
        (ENABLED, {INJECT: "true"}, Verdict.INJECTED),
        (ENABLED, {INJECT: "false"}, Verdict.OPTED_OUT),
        (ENABLED, ABSENT, Verdict.INJECTED),
        (DISABLED, PLAIN, Verdict.NOT_LABELLED),
        (DISABLED, {INJECT: "true"}, Verdict.NOT_LABELLED),
        (DISABLED, CANARY, Verdict.NOT_LABELLED),
        (DEFAULT, PLAIN, Verdict.INJECTED),
        (CANARY, PLAIN, Verdict.INJECTED),
        (CANARY, {INJECT: "false"}, Verdict.OPTED_OUT),
        (ABSENT, PLAIN, Verdict.REVISION_ABSENT),
        (ABSENT, {INJECT: "true"}, Verdict.REVISION_ABSENT),
        (ABSENT, {INJECT: "false"}, Verdict.REVISION_ABSENT),
        ({**ENABLED, **DEFAULT}, PLAIN, Verdict.INJECTED),
        ({**ENABLED, **CANARY}, PLAIN, Verdict.LABELS_CONFLICT),
        ({**ENABLED, **ABSENT}, PLAIN, Verdict.LABELS_CONFLICT),
        ({**DISABLED, **CANARY}, PLAIN, Verdict.LABELS_CONFLICT),
        ({"istio.io/dataplane-mode": "ambient"}, PLAIN, Verdict.AMBIENT),
        ({"istio.io/dataplane-mode": "ambient"}, {INJECT: "true"}, Verdict.INJECTED),
        (PLAIN, {"istio.io/dataplane-mode": "ambient"}, Verdict.AMBIENT),
    ],
)
def test_labels_decide_as_the_api_server_and_istiod_do(
    space: dict[str, str], pod: dict[str, str], verdict: Verdict
) -> None:
    assert verdict_on_pod(snapshot(space, pod)) is verdict


@pytest.mark.parametrize("name", ["kube-system", "kube-public", "kube-node-lease"])
def test_istiods_own_exceptions_beat_every_label(name: str) -> None:
    found = snapshot(ENABLED, PLAIN, name)
    assert verdict_on_pod(found, name) is Verdict.NEVER
    namespace = found.catalog.find(NAMESPACE, "", name)
    assert namespace is not None
    assert injection_verdict(found, namespace).verdict is Verdict.NEVER


def test_the_revision_that_serves_is_the_one_asked_for() -> None:
    found = snapshot(CANARY, PLAIN)
    namespace = found.catalog.find(NAMESPACE, "", "shop")
    assert namespace is not None
    verdict = injection_verdict(found, namespace)
    assert str(verdict.asked) == "istio.io/rev=canary"
    assert [item.configuration.name for item in verdict.webhooks] == [
        "istio-sidecar-injector-canary"
    ]


def test_a_namespace_that_says_nothing_is_injected_where_the_mesh_does_so_by_default() -> None:
    automatic = injector()
    automatic["webhooks"].append(
        {
            **automatic["webhooks"][0],
            "name": "auto.sidecar-injector.istio.io",
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": key, "operator": "DoesNotExist"} for key in (INJECTION, REV)
                ]
            },
        }
    )
    found = mesh([*control_plane(), automatic, labelled("shop"), *app("web")])
    assert verdict_on_pod(found) is Verdict.INJECTED


@pytest.mark.parametrize("space", [PLAIN, ENABLED, CANARY])
def test_nothing_is_certain_without_the_webhooks(space: dict[str, str]) -> None:
    found = snapshot(space, PLAIN, unread=[MUTATING_WEBHOOK])
    pod = next(item for item in found.catalog.of(POD) if item.namespace == "shop")
    verdict = injection_verdict(found, pod)
    assert verdict.injects is None
    assert verdict.unread == (MUTATING_WEBHOOK.input,)


def test_nothing_is_certain_of_a_pod_without_its_namespace() -> None:
    found = snapshot(ENABLED, PLAIN, unread=[NAMESPACE])
    assert verdict_on_pod(found) is Verdict.UNKNOWN


def test_a_webhook_for_other_requests_than_new_pods_injects_nothing() -> None:
    other = injector(rules=[{"operations": ["UPDATE"], "resources": ["pods"]}])
    found = mesh([*control_plane(), other, labelled("shop", ENABLED), *app("web")])
    assert verdict_on_pod(found) is Verdict.WEBHOOK_MISSING


def test_other_webhooks_are_no_injectors() -> None:
    other = injector(name="cert-manager")
    for entry in other["webhooks"]:
        entry["name"] = "webhook.cert-manager.io"
    found = mesh([*control_plane(), other, labelled("shop", ENABLED), *app("web")])
    assert verdict_on_pod(found) is Verdict.WEBHOOK_MISSING
