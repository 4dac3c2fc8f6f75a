"""Control planes by revision, tags, and the revision that each proxy got."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.intent.revisions import (
    control_plane_namespaces,
    control_planes,
    got_revision,
    is_present,
    tag_configurations,
    usable_revisions,
)
from meshdoctor.model.kinds import DEPLOYMENT, POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import deployment, mesh, pod
from tests.unit.analyze.injection_build import control_plane, injector


def only_pod(snapshot: Snapshot) -> Any:
    return snapshot.catalog.of(POD)[0]


def test_each_revision_has_its_deployment_and_pods() -> None:
    planes = control_planes(mesh([*control_plane(pods=2), *control_plane("canary", pods=0)]))
    assert {name: (len(p.deployments), len(p.pods)) for name, p in planes.items()} == {
        "canary": (1, 0),
        "default": (1, 2),
    }


def test_a_deployment_that_is_merely_called_istiod_is_no_control_plane() -> None:
    assert control_planes(mesh([deployment("istiod", "istio-system")])) == {}


def test_pods_that_are_going_or_done_do_not_count() -> None:
    objects = control_plane(pods=2)[1:]
    objects[0]["metadata"]["deletionTimestamp"] = "2026-11-21T07:59:00Z"
    objects[1]["status"]["phase"] = "Failed"
    assert control_planes(mesh(objects)) == {}


@pytest.mark.parametrize(
    ("revision", "unread", "present"),
    [
        ("default", [], True),
        ("canary", [], False),
        ("default", [DEPLOYMENT], True),
        ("canary", [DEPLOYMENT], None),
        ("default", [POD], True),
        ("canary", [POD], False),
    ],
)
def test_pods_prove_presence_and_deployments_absence(
    revision: str, unread: list[Any], present: bool | None
) -> None:
    assert is_present(mesh(control_plane(), unread=unread), revision) is present


def test_the_control_planes_namespace_is_known_by_its_pods() -> None:
    objects = control_plane()
    for item in objects:
        item["metadata"]["namespace"] = "mesh-control"
    assert control_plane_namespaces(mesh(objects)) == {"mesh-control", "istio-system"}


def test_revisions_that_work_have_webhook_and_control_plane() -> None:
    snapshot = mesh(
        [
            *control_plane(),
            *control_plane("canary"),
            injector(),
            injector("canary"),
            injector("canary", tag="prod"),
            injector("1-20"),
            injector("1-20", tag="old"),
        ]
    )
    assert usable_revisions(snapshot) == ("default", "canary", "prod")
    assert {tag: item.name for tag, item in tag_configurations(snapshot).items()} == {
        "prod": "istio-revision-tag-prod",
        "old": "istio-revision-tag-old",
    }


def test_a_deactivated_webhook_serves_nobody() -> None:
    assert usable_revisions(mesh([*control_plane(), injector(deactivated=True)])) == ()


@pytest.mark.parametrize(
    ("annotations", "revision"),
    [
        ({"istio.io/rev": "canary"}, "canary"),
        ({"sidecar.istio.io/status": json.dumps({"revision": "canary"})}, "canary"),
        ({"sidecar.istio.io/status": "{}"}, "default"),
        ({"sidecar.istio.io/status": "{"}, ""),
        ({"sidecar.istio.io/status": "[]"}, "default"),
        ({}, ""),
    ],
)
def test_the_revision_that_injected_a_proxy_stands_in_its_annotations(
    annotations: dict[str, str], revision: str
) -> None:
    item = pod("web", proxy=None)
    item["metadata"]["annotations"] = annotations
    assert got_revision(only_pod(mesh([item]))) == revision


def test_a_gateways_revision_is_its_label() -> None:
    item = pod("gate", proxy=None, labels={"istio.io/rev": "canary"})
    item["spec"]["containers"] = [{"name": "istio-proxy"}]
    assert got_revision(only_pod(mesh([item]))) == "canary"
