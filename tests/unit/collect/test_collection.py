from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.collection import Collection, collect
from meshdoctor.collect.label_selector import SelectorError
from meshdoctor.collect.options import CollectOptions
from meshdoctor.collect.plan import Question
from meshdoctor.model import kinds
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import (
    DENIED,
    HANG,
    Cluster,
    Kept,
    envoy_answers,
    gateway,
    istiod,
    istiod_answers,
    pod,
    thing,
)

PODS = "/api/v1/pods"
WEB = "proxies/shop/web-1"


def group(name: str, *versions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "versions": [
            {"version": version, "resources": [{"resource": plural} for plural in plurals]}
            for version, *plurals in versions
        ],
    }


def mesh(**more: Any) -> Cluster:
    """A gateway, an istiod and a sidecar, and an object of Istio's or two."""
    core = [kind.plural for kind in kinds.ALL if kind.group == "core"]
    lists: dict[str, list[dict[str, Any]]] = {f"/api/v1/{plural}": [] for plural in core}
    lists[PODS] = [pod(), gateway(), istiod()]
    lists["/api/v1/namespaces"] = [thing("shop"), thing("istio-system")]
    lists["/apis/networking.istio.io/v1/gateways"] = [
        thing(
            "door",
            "shop",
            selector={"istio": "ingressgateway"},
            servers=[{"tls": {"mode": "SIMPLE", "credentialName": "shop-cert"}}],
        )
    ]
    lists["/apis/networking.istio.io/v1/virtualservices"] = [thing("web", "shop")]
    root = {"metadata": {"name": "istio-ca-root-cert", "namespace": "shop"}}
    injector = {
        "metadata": {"name": "istio-sidecar-injector", "namespace": "istio-system"},
        "data": {"config": "templates", "values": "{}"},
    }
    other = {"metadata": {"name": "grafana", "namespace": "istio-system"}}
    lists["/api/v1/configmaps"] = [root, injector, other]
    lists["/api/v1/namespaces/istio-system/configmaps"] = [injector, other]
    discovery = {
        "kind": "APIGroupDiscoveryList",
        "items": [
            group("networking.istio.io", ("v1beta1", "gateways"), ("v1", "gateways")),
            group("networking.istio.io", ("v1", "gateways", "virtualservices")),
        ],
    }
    secret = {"metadata": {"name": "shop-cert", "namespace": "istio-system"}}
    cluster = Cluster(
        lists=lists,
        files={
            "/version": b'{"gitVersion": "v1.33.13"}',
            "/apis": json.dumps(discovery).encode(),
            "/api/v1/namespaces/istio-system/secrets/shop-cert": json.dumps(secret).encode(),
        },
        ports={
            ("web-1", 15000): envoy_answers(),
            ("gw-1", 15000): envoy_answers(),
            ("istiod-1", 15014): istiod_answers(),
            ("istiod-1", 8080): {"/ready": (200, b"")},
        },
        logs={
            ("web-1", "istio-proxy"): b"proxy\n",
            ("web-1", "app"): b"app\n",
            ("gw-1", "istio-proxy"): b"gateway\n",
            ("istiod-1", "discovery"): b"istiod\n",
        },
    )
    for name, value in more.items():
        setattr(cluster, name, value)
    return cluster


async def test_everything_lands_under_the_paths_of_a_recording() -> None:
    sink = Kept()
    summary = await collect(mesh(), sink)
    assert {
        "kubernetes/version.json",
        "kubernetes/core/v1/pods.json",
        "kubernetes/core/v1/configmaps.json",
        "kubernetes/core/v1/secrets.json",
        "kubernetes/networking.istio.io/v1/gateways.json",
        "istiod/istio-system/istiod-1/debug/syncz.json",
        "istiod/istio-system/istiod-1/version.txt",
        "istiod/istio-system/istiod-1/ready.txt",
        "istiod/istio-system/istiod-1/discovery.log",
        "proxies/istio-system/gw-1/config_dump.json",
        f"{WEB}/config_dump.json",
        f"{WEB}/memory.json",
        f"{WEB}/istio-proxy.log",
        "logs/shop/web-1/app.log",
    } <= sink.files.keys()
    assert sink.files[f"{WEB}/ready.txt"] == b"LIVE\n200\n"
    assert str(summary.plan) == "2 of 2 proxies"


async def test_what_discovery_does_not_list_is_not_installed_and_nothing_else_is_missing() -> None:
    sink = Kept()
    await collect(mesh(), sink)
    assert {error.status for what, error in sink.missed.items() if "istio.io" in what} == {
        NotReadStatus.NOT_INSTALLED
    }
    assert "kubernetes/networking.istio.io/sidecars" in sink.missed
    assert not [what for what in sink.missed if not what.startswith("kubernetes/")]


async def test_only_named_secrets_and_istios_own_config_maps_are_read() -> None:
    cluster, sink = mesh(), Kept()
    await collect(cluster, sink)
    assert sink.items("kubernetes/core/v1/secrets.json") == ["istio-system/shop-cert"]
    assert sink.items("kubernetes/core/v1/configmaps.json") == [
        "istio-system/istio-sidecar-injector",
        "shop/istio-ca-root-cert",
    ]
    assert b"templates" not in sink.files["kubernetes/core/v1/configmaps.json"]
    assert not [path for path in cluster.asked if path.endswith("/secrets")]
    assert "/api/v1/namespaces/shop/secrets/shop-cert-cacert" in cluster.asked


async def test_denied_secrets_are_one_line() -> None:
    cluster, sink = mesh(), Kept()
    cluster.refused = {"/api/v1/namespaces/istio-system/secrets/*": DENIED}
    cluster.refused["/api/v1/namespaces/shop/secrets/*"] = DENIED
    await collect(cluster, sink)
    assert sink.why("kubernetes/core/v1/secrets.json") == ("denied", "pods is forbidden")
    assert "kubernetes/core/v1/secrets.json" not in sink.files


async def test_a_denied_list_is_read_in_the_namespaces_that_were_asked() -> None:
    cluster, sink = mesh(refused={PODS: DENIED, "/api/v1/services": DENIED}), Kept()
    cluster.lists["/api/v1/namespaces/shop/pods"] = [pod()]
    cluster.lists["/api/v1/namespaces/istio-system/pods"] = [gateway(), istiod()]
    await collect(cluster, sink, CollectOptions(question=Question(namespaces=("shop",))))
    assert sink.items("kubernetes/core/v1/pods.json") == [
        "shop/web-1",
        "istio-system/gw-1",
        "istio-system/istiod-1",
    ]
    status, reason = sink.why("kubernetes/core/v1/pods.json")
    assert status == "denied"
    assert reason == "only those of shop, istio-system were read: pods is forbidden"
    assert sink.why("kubernetes/core/v1/services.json") == ("denied", "pods is forbidden")
    assert f"{WEB}/config_dump.json" in sink.files


async def test_a_denied_list_is_one_line_and_the_rest_goes_on() -> None:
    cluster, sink = mesh(refused={"/api/v1/events": DENIED}), Kept()
    await collect(cluster, sink)
    assert sink.why("kubernetes/core/v1/events.json") == ("denied", "pods is forbidden")
    assert f"{WEB}/config_dump.json" in sink.files


async def test_gateways_and_istiods_come_before_sidecars() -> None:
    sink = Kept()
    await collect(mesh(), sink, CollectOptions(workers=1))
    folders = ["/".join(path.split("/")[:3]) for path in sink.files if path.endswith("json")]
    order = [folder for folder in dict.fromkeys(folders) if not folder.startswith("kubernetes")]
    assert order == ["istiod/istio-system/istiod-1", "proxies/istio-system/gw-1", WEB]


async def test_every_stage_counts_to_its_end() -> None:
    sink = Kept()
    await collect(mesh(), sink)
    last = {step.stage: (step.done, step.total) for step in sink.steps}
    assert last.keys() == {"objects", "istiod", "proxies", "logs"}
    assert all(done == total for done, total in last.values())


async def test_a_collection_that_is_stopped_keeps_what_was_read_and_says_what_was_not() -> None:
    cluster, sink = mesh(), Kept()
    cluster.ports["web-1", 15000]["/clusters?format=json"] = HANG
    read = asyncio.Event()
    wanted = {f"{WEB}/config_dump.json", "proxies/istio-system/gw-1/memory.json"}
    sink.on_keep = lambda _: read.set() if wanted <= sink.files.keys() else None
    task = asyncio.ensure_future(collect(cluster, sink))
    await read.wait()
    task.cancel("the time was up (20s)")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.why("proxies") == (
        "timeout",
        "1 of 2 were not read to the end: the time was up (20s)",
    )
    assert "proxies/istio-system/gw-1/stats.txt" in sink.files


async def test_a_proxy_that_is_silent_costs_itself_alone() -> None:
    cluster, sink = mesh(), Kept()
    cluster.ports["web-1", 15000]["/clusters?format=json"] = HANG
    await collect(cluster, sink, CollectOptions(request_timeout=0.05))
    status, reason = sink.why(WEB)
    assert status == "timeout"
    assert (
        reason == "no answer to /clusters?format=json within 0.05s; after it 6 more were not asked"
    )
    assert f"{WEB}/config_dump.json" in sink.files
    assert f"{WEB}/istio-proxy.log" in sink.files
    assert "proxies/istio-system/gw-1/clusters.json" in sink.files


async def test_a_pending_pod_is_said_and_not_asked() -> None:
    cluster, sink = mesh(), Kept()
    waiting = {"state": {"waiting": {"reason": "PodInitializing"}}}
    cluster.lists[PODS][0] = pod(phase="Pending", states={"istio-proxy": waiting})
    summary = await collect(cluster, sink)
    assert sink.why(WEB) == (
        "not-installed",
        "the pod is Pending, its istio-proxy waiting: PodInitializing",
    )
    assert summary.plan.total == 1


async def test_an_istiod_that_crashes_is_said_and_its_last_log_is_read() -> None:
    cluster, sink = mesh(), Kept()
    crash = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2}
    crashed = istiod("istiod-2", states={"discovery": crash})
    cluster.lists[PODS].append(crashed)
    cluster.logs["istiod-2", "discovery"] = b"out of memory\n"
    await collect(cluster, sink)
    folder = "istiod/istio-system/istiod-2"
    why = "the pod is Running, its discovery waiting: CrashLoopBackOff"
    assert sink.why(folder) == ("not-installed", why)
    assert sink.files[f"{folder}/discovery.log"] == b"out of memory\n"
    cluster.lists[PODS] = [crashed]
    await collect(cluster, sink)
    assert sink.why(folder) == ("failed", why)


async def test_without_logs_no_log_is_asked_for() -> None:
    cluster, sink = mesh(), Kept()
    await collect(cluster, sink, CollectOptions(logs=False))
    assert not [path for path in cluster.asked if "/log" in path]


async def test_a_control_plane_elsewhere_is_said() -> None:
    cluster, sink = mesh(), Kept()
    cluster.lists[PODS].pop()
    webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    client = {"url": "https://istiod.example.com:15017/inject"}
    hook = {"name": "rev.namespace.sidecar-injector.istio.io", "clientConfig": client}
    cluster.lists[webhooks] = [{**thing("istio-sidecar-injector"), "webhooks": [hook]}]
    versions = group("admissionregistration.k8s.io", ("v1", webhooks.rpartition("/")[2]))
    document = {"kind": "APIGroupDiscoveryList", "items": [versions]}
    cluster.files["/apis"] = json.dumps(document).encode()
    await collect(cluster, sink)
    assert "istiod.example.com" in sink.why("istiod")[1]


async def test_a_bug_in_one_read_does_not_cost_the_others() -> None:
    cluster, sink = mesh(), Kept()
    cluster.ports["gw-1", 15000] = {"/config_dump?include_eds=true": (0, None)}
    await collect(cluster, sink)
    assert f"{WEB}/config_dump.json" in sink.files
    assert sink.missed["proxies/istio-system/gw-1"].status is NotReadStatus.FAILED


async def test_without_discovery_the_usual_versions_are_tried() -> None:
    cluster, sink = mesh(), Kept()
    cluster.refused = {"/apis": ReadError(NotReadStatus.DENIED, "no", 403)}
    cluster.lists["/apis/networking.istio.io/v1alpha3/envoyfilters"] = [thing("patch", "shop")]
    await collect(cluster, sink)
    assert "kubernetes/networking.istio.io/v1/gateways.json" in sink.files
    assert sink.items("kubernetes/networking.istio.io/v1alpha3/envoyfilters.json") == ["shop/patch"]


def test_a_garbled_selector_is_refused_before_anything_is_read() -> None:
    options = CollectOptions(question=Question(selector="app in web"))
    with pytest.raises(SelectorError, match="no label selector"):
        Collection(Cluster(), Kept(), options)
