from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.webhook_bundles import ANALYZER
from meshdoctor.model.kinds import CONFIG_MAP, EVENT
from tests.build import mesh, service
from tests.unit.analyze.injection_build import REV, control_plane, injector
from tests.unit.analyze.workload_build import (
    NOT_TRUSTED,
    REFUSED,
    event,
    market,
    named,
    passed,
    problems,
    refused,
    states,
)
from tests.unit.views.test_webhooks import ROOT, bundle, root, root_map

INJECTOR = "MutatingWebhookConfiguration istio-sidecar-injector"
VALIDATOR = "ValidatingWebhookConfiguration istio-validator-istio-system"
TILL = "workload Deployment market/till-v2"
OTHER = bundle(root(name="other"))


def webhook(ca_bundle: str | None, revision: str = "default") -> dict[str, Any]:
    called = {"service": {"namespace": "istio-system", "name": "istiod"}}
    return injector(revision, clientConfig={**called, "caBundle": ca_bundle})


def validator(ca_bundle: str, policy: str = "Fail") -> dict[str, Any]:
    called = {"namespace": "istio-system", "name": "istiod"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "istio-validator-istio-system", "labels": {REV: "default"}},
        "webhooks": [
            {
                "name": "rev.validation.istio.io",
                "failurePolicy": policy,
                "clientConfig": {"service": called, "caBundle": ca_bundle},
            }
        ],
    }


def plane(*more: dict[str, Any], **setting: Any) -> list[dict[str, Any]]:
    objects = [*control_plane(), service("istiod", "istio-system"), root_map(), market(), *more]
    objects[0]["spec"]["template"]["spec"]["containers"] = [{"name": "discovery", **setting}]
    return objects


@pytest.mark.parametrize(
    "ca_bundle",
    [OTHER, None, bundle("no certificate"), "!!!"],
    ids=["another root", "empty", "no certificate", "no base64"],
)
def test_a_bundle_that_is_not_the_mesh_root_is_at_fault(ca_bundle: str | None) -> None:
    snapshot = mesh(plane(webhook(ca_bundle)))
    assert named(ANALYZER, snapshot) == [("MD0322", "mesh", INJECTOR, True)]
    (found,) = problems(ANALYZER, snapshot)
    assert states(found) == {
        "webhook-is-not-trusted": "holds",
        "bundle-differs-from-mesh-root": "holds",
        "api-server-refuses-certificate": "silent",
    }


def test_a_bundle_without_a_certificate_is_said_to_hold_none() -> None:
    (found,) = problems(ANALYZER, mesh(plane(webhook(bundle("no certificate")))))
    (fact,) = (f for f in found.facts if f.id == "bundle-differs-from-mesh-root")
    assert fact.text.endswith("holds no certificate")


def test_a_refusal_proves_it_and_is_told_of_the_workload_too() -> None:
    snapshot = mesh(plane(webhook(OTHER), *refused(NOT_TRUSTED)))
    assert named(ANALYZER, snapshot) == [
        ("MD0322", "mesh", INJECTOR, True),
        ("MD0322", TILL, INJECTOR, True),
    ]
    found = problems(ANALYZER, snapshot)[0]
    assert set(states(found).values()) == {"holds"}
    assert [item.source for item in found.affected] == ["Deployment market/till-v2"]


def test_a_refusal_alone_is_enough_where_istiod_answers_with_an_older_certificate() -> None:
    snapshot = mesh(plane(webhook(bundle(ROOT)), *refused(NOT_TRUSTED)))
    found = problems(ANALYZER, snapshot)[0]
    assert (found.objects, found.root) == ((INJECTOR,), True)
    assert states(found)["bundle-differs-from-mesh-root"] == "silent"


def test_without_the_root_the_refusal_still_tells_it() -> None:
    snapshot = mesh(plane(webhook(OTHER), *refused(NOT_TRUSTED)), unread=[CONFIG_MAP])
    found = problems(ANALYZER, snapshot)[0]
    assert states(found)["bundle-differs-from-mesh-root"] == "unread"


def test_with_several_control_planes_only_a_refusal_is_sure() -> None:
    more = control_plane("canary")
    alone = mesh([*plane(webhook(OTHER)), *more])
    assert named(ANALYZER, alone) == [("MD0322", "mesh", INJECTOR, False)]
    refusing = mesh([*plane(webhook(OTHER), *refused(NOT_TRUSTED)), *more])
    assert {root for _, _, _, root in named(ANALYZER, refusing)} == {True}


def test_both_kinds_of_webhook_are_one_fault_the_injecting_one_first() -> None:
    (found,) = problems(ANALYZER, mesh(plane(validator(OTHER), webhook(OTHER))))
    assert found.objects == (INJECTOR, VALIDATOR)


def test_a_configuration_without_its_label_is_told_to_get_it() -> None:
    item = webhook(OTHER)
    del item["metadata"]["labels"][REV]
    (found,) = problems(ANALYZER, mesh(plane(item)))
    assert found.fills["command"].endswith(f"istio-sidecar-injector {REV}=default")


@pytest.mark.parametrize(
    "objects",
    [
        plane(webhook(bundle(ROOT))),
        plane(webhook(bundle(root(name="new") + ROOT))),
        plane(webhook(bundle(ROOT)), validator("", "Ignore")),
        plane(webhook(OTHER), env=[{"name": "PILOT_CERT_PROVIDER", "value": "kubernetes"}]),
        plane(webhook(OTHER), args=["discovery", "--tlsCertFile=/etc/cert-manager/tls/tls.crt"]),
        plane(webhook(OTHER, "gone")),
    ],
    ids=[
        "the mesh root",
        "both roots",
        "a validator that waits",
        "another signer",
        "files of its own",
        "no such istiod",
    ],
)
def test_a_bundle_that_may_be_so_is_left_alone(objects: list[dict[str, Any]]) -> None:
    assert named(ANALYZER, mesh(objects)) == []


def test_a_bundle_of_the_mesh_root_rules_it_out() -> None:
    snapshot = mesh(plane(webhook(bundle(ROOT)), *refused(REFUSED)))
    assert passed(ANALYZER, snapshot) == {("MD0322", "mesh"), ("MD0322", TILL)}


def test_an_event_of_a_mended_fault_says_nothing() -> None:
    told = event("ReplicaSet", "till-v2-abc", NOT_TRUSTED)
    assert named(ANALYZER, mesh(plane(webhook(bundle(ROOT)), *refused(None, has=1), told))) == []


def test_unread_events_leave_the_bundle_to_tell_it() -> None:
    (found,) = problems(ANALYZER, mesh(plane(webhook(OTHER)), unread=[EVENT]))
    assert states(found)["api-server-refuses-certificate"] == "unread"
