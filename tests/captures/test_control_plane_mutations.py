"""Faults of the control plane in edited captures: other names and numbers, and look-alikes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.captures.editing import Copy, codes_of, copy_of, named, unknown_ids

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")

ISTIOD = "Deployment istio-system/istiod"


def is_istiod(item: dict[str, Any]) -> bool:
    return bool(item["metadata"].get("labels", {}).get("app") == "istiod")


def proxy_status(pod: dict[str, Any]) -> dict[str, Any]:
    every = [
        *pod["status"].get("containerStatuses", []),
        *pod["status"].get("initContainerStatuses", []),
    ]
    found: dict[str, Any] = next(item for item in every if item["name"] == "istio-proxy")
    return found


def without_istiod(copy: Copy) -> None:
    for plural in ("deployments", "pods", "horizontalpodautoscalers"):
        with copy.items(plural) as items:
            items[:] = [item for item in items if not is_istiod(item)]
    shutil.rmtree(copy.folder / "istiod")


def without_webhooks(copy: Copy) -> None:
    for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        with copy.items(plural) as items:
            items.clear()


class TestMemory:
    def test_another_limit_and_a_moment_when_it_runs(self, tmp_path: Path) -> None:
        copy = copy_of("istiod-out-of-memory", tmp_path)
        with copy.items("pods") as pods:
            (pod,) = [item for item in pods if is_istiod(item)]
            pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "48Mi"
            (status,) = pod["status"]["containerStatuses"]
            status["restartCount"] = 17
            status["state"] = {"running": {"startedAt": "2026-11-21T08:22:03Z"}}
        found = copy.answer()
        assert named(found) == [("istiod-oom-killed", ISTIOD)]
        assert "48Mi" in found.root_causes[0].summary

    def test_an_istiod_that_crashes_otherwise_is_down(self, tmp_path: Path) -> None:
        copy = copy_of("istiod-out-of-memory", tmp_path)
        with copy.items("pods") as pods:
            for item in filter(is_istiod, pods):
                (status,) = item["status"]["containerStatuses"]
                status["lastState"]["terminated"] |= {"reason": "Error", "exitCode": 1}
        found = copy.answer()
        assert named(found) == [("istiod-down", ISTIOD)]
        assert "MD0441" in codes_of(found)

    def test_without_pods_it_is_not_known(self, tmp_path: Path) -> None:
        copy = copy_of("istiod-out-of-memory", tmp_path)
        copy.remove("kubernetes/core/v1/pods.json")
        found = copy.answer()
        assert named(found) == []
        assert "istiod-oom-killed" in unknown_ids(found)

    def test_a_proxy_that_is_killed_for_memory(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("pods") as pods:
            pod = next(item for item in pods if item["metadata"]["name"].startswith("web-"))
            killed = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-21T07:25:00Z"}
            proxy_status(pod).update(restartCount=6, lastState={"terminated": killed})
        assert named(copy.answer()) == [("proxy-memory-exhausted", "Deployment shop/web-v1")]

    def test_a_proxy_that_ended_otherwise_is_not_short_of_memory(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("pods") as pods:
            pod = next(item for item in pods if item["metadata"]["name"].startswith("web-"))
            ended = {"reason": "Error", "exitCode": 1, "finishedAt": "2026-11-21T07:25:00Z"}
            proxy_status(pod).update(restartCount=6, lastState={"terminated": ended})
        assert named(copy.answer()) == []


class TestInstallation:
    def test_istio_was_purged(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        without_istiod(copy)
        without_webhooks(copy)
        with copy.items("customresourcedefinitions") as items:
            items.clear()
        for folder in copy.folder.glob("kubernetes/*.istio.io"):
            shutil.rmtree(folder)
        assert named(copy.answer()) == [("istio-not-installed", "Namespace istio-system")]

    def test_istiod_was_uninstalled_and_its_crds_kept(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        without_istiod(copy)
        without_webhooks(copy)
        assert named(copy.answer()) == [("istio-not-installed", "Namespace istio-system")]

    def test_only_its_deployment_was_deleted(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        without_istiod(copy)
        assert named(copy.answer()) == [("istiod-down", ISTIOD)]

    @pytest.mark.parametrize(
        "path", ["apps/v1/deployments", "core/v1/pods", "core/v1/services", "core/v1/namespaces"]
    )
    def test_what_was_not_read_is_not_absent(self, path: str, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        without_istiod(copy)
        without_webhooks(copy)
        copy.remove(f"kubernetes/{path}.json")
        found = copy.answer()
        assert named(found) == []
        assert "istio-not-installed" in unknown_ids(found)

    @pytest.mark.parametrize("plural", ["virtualservices", "peerauthentications"])
    def test_one_of_istios_crds_was_deleted(self, plural: str, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("customresourcedefinitions") as items:
            (gone,) = [i for i in items if i["metadata"]["name"].startswith(f"{plural}.")]
            items.remove(gone)
        copy.remove(f"kubernetes/*/*/{plural}.json")
        name = gone["metadata"]["name"]
        assert named(copy.answer()) == [("istio-crds-missing", f"CustomResourceDefinition {name}")]

    def test_a_list_that_was_not_read_is_no_missing_crd(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        copy.remove("kubernetes/*/*/virtualservices.json")
        assert named(copy.answer()) == []


def set_bundle(copy: Copy, plural: str, bundle: str) -> str:
    with copy.items("customresourcedefinitions") as items:
        name = f"{plural}.gateway.networking.k8s.io"
        (crd,) = [item for item in items if item["metadata"]["name"] == name]
        crd["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = bundle
    return f"CustomResourceDefinition {name}"


def add_route(copy: Copy, plural: str, kind: str) -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "calls", "namespace": "amb", "uid": "1"},
        "spec": {"parentRefs": [{"name": "callee", "kind": "Service", "group": ""}]},
    }
    path = copy.folder / f"kubernetes/gateway.networking.k8s.io/v1/{plural}.json"
    path.write_text('{"items": []}')
    with copy.items(plural) as items:
        items.append(route)


class TestGatewayApi:
    @pytest.mark.parametrize(
        ("plural", "kind", "bundle"),
        [("grpcroutes", "GRPCRoute", "v1.0.0"), ("tlsroutes", "TLSRoute", "v1.4.1")],
    )
    def test_routes_of_a_crd_that_istiod_ignores(
        self, plural: str, kind: str, bundle: str, tmp_path: Path
    ) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        crd = set_bundle(copy, plural, bundle)
        add_route(copy, plural, kind)
        assert named(copy.answer()) == [("gateway-api-crds-too-old", crd)]

    def test_the_same_route_with_a_crd_that_is_new_enough(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        add_route(copy, "grpcroutes", "GRPCRoute")
        assert named(copy.answer()) == []


class TestRejected:
    def test_a_waypoint_of_another_name_that_is_older_than_istiod(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-waypoint-rejects-config", tmp_path)
        for path in sorted(copy.folder.rglob("*"), reverse=True):
            if path.is_file():
                path.write_text(
                    path.read_text(errors="replace").replace("waypoint-76d7", "edge-76d7")
                )
            if path.name.startswith("waypoint-76d7"):
                path.rename(path.with_name(path.name.replace("waypoint-", "edge-", 1)))
        (syncz,) = copy.files("istiod/*/*/debug/syncz.json")
        text = syncz.read_text()
        before, name, after = text.partition("edge-76d7")
        syncz.write_text(before + name + after.replace("1.32.0-dev", "1.22.3", 1))
        found = copy.answer()
        assert named(found)[0] == ("proxy-rejects-configuration", "Deployment amb/waypoint")
        assert "older than its istiod" in found.root_causes[0].summary

    def test_one_that_took_the_next_push_is_mended(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-waypoint-rejects-config", tmp_path)
        (syncz,) = copy.files("istiod/*/*/debug/syncz.json")
        document = json.loads(syncz.read_text())
        for item in (item for entry in document for item in entry["resources"].values()):
            item["acked"] = item.get("sent", "")
            item.pop("lastError", None)
        syncz.write_text(json.dumps(document))
        assert "proxy-rejects-configuration" not in {cause for cause, _ in named(copy.answer())}
