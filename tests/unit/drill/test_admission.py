"""New pods are injected, let in or refused as the cluster would."""

from __future__ import annotations

import json

import pytest

from meshdoctor.drill.objects import REPLICA_SETS, annotations_of, labels_of, status_of
from meshdoctor.drill.world import World
from tests.unit.drill.playing import RATINGS, edit, names, play, pods, proxy, ready

RESTART = f"- restart: {{object: {RATINGS}}}\n"
LABEL = "- label: {object: Namespace shop, set: {istio-injection: enabled}}\n"
QUOTA = """
- apply:
    apiVersion: v1
    kind: ResourceQuota
    metadata: {name: small, namespace: shop}
    spec: {hard: {%s}}
"""


def refusals(world: World) -> list[str]:
    """What controllers say of pods that they may not make."""
    return [
        condition["message"]
        for one in world.objects.all(REPLICA_SETS)
        for condition in status_of(one).get("conditions", [])
    ]


def test_a_label_alone_changes_no_pod() -> None:
    world = play("missing-sidecar")
    before = names(pods(world, "ratings"))
    edit(world, LABEL)
    assert names(pods(world, "ratings")) == before
    assert [ready(pod) for pod in pods(world, "ratings")] == ["1/1"]


def test_a_restart_without_the_label_injects_nothing() -> None:
    world = play("missing-sidecar", RESTART)
    assert [ready(pod) for pod in pods(world, "ratings")] == ["1/1"]


def test_label_and_restart_inject_as_other_pods_of_the_mesh_were() -> None:
    world = play("missing-sidecar", LABEL + RESTART)
    (pod,) = pods(world, "ratings")
    (model,) = pods(world, "web")
    assert ready(pod) == "2/2"
    assert proxy(pod)["image"] == proxy(model)["image"]
    assert proxy(pod).get("restartPolicy") == "Always"
    variables = {one["name"]: one.get("value") for one in proxy(pod)["env"]}
    assert variables["ISTIO_META_WORKLOAD_NAME"] == "ratings-v1"
    assert variables["ISTIO_META_OWNER"].endswith("/namespaces/shop/deployments/ratings-v1")
    assert "istio-init" in [one["name"] for one in pod["spec"]["initContainers"]]
    labels = labels_of(pod)
    assert labels["security.istio.io/tlsMode"] == "istio"
    assert labels["service.istio.io/canonical-name"] == "ratings"
    assert labels["service.istio.io/canonical-revision"] == "v1"
    status = json.loads(annotations_of(pod)["sidecar.istio.io/status"])
    assert status["revision"] == annotations_of(pod)["istio.io/rev"] == "default"


def test_traffic_annotations_reach_the_init_container() -> None:
    annotation = '{traffic.sidecar.istio.io/excludeInboundPorts: "8080"}'
    patch = f"{{spec: {{template: {{metadata: {{annotations: {annotation}}}}}}}}}"
    world = play("healthy", f"- patch: {{object: {RATINGS}, patch: {patch}}}")
    (pod,) = pods(world, "ratings")
    arguments = pod["spec"]["initContainers"][0]["args"]
    assert arguments[arguments.index("-d") + 1].split(",")[-1] == "8080"


@pytest.mark.parametrize("place", ["labels", "annotations"])
def test_a_pod_that_opts_out_is_not_injected(place: str) -> None:
    patch = (
        f'{{spec: {{template: {{metadata: {{{place}: {{sidecar.istio.io/inject: "false"}}}}}}}}}}'
    )
    world = play("healthy", f"- patch: {{object: {RATINGS}, patch: {patch}}}")
    assert [ready(pod) for pod in pods(world, "ratings")] == ["1/1"]


def test_without_istiod_pods_are_refused_until_it_is_back() -> None:
    world = play("istiod-down", RESTART)
    assert any("failed calling webhook" in said for said in refusals(world))
    edit(world, "- scale: {object: Deployment istio-system/istiod, replicas: 1}")
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]
    assert refusals(world) == []


def test_a_proxy_that_may_not_reach_istiod_gets_ready_once_it_may() -> None:
    world = play("proxy-cannot-reach-istiod")
    assert "2/2" not in [ready(pod) for pod in pods(world, "ratings")]
    edit(world, RESTART)
    assert "2/2" not in [ready(pod) for pod in pods(world, "ratings")]
    edit(world, "- delete: {object: NetworkPolicy istio-system/deny-ingress}")
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]


def test_pod_security_refuses_istio_init_until_the_namespace_allows_it() -> None:
    level = "- label: {object: Namespace shop, set: {pod-security.kubernetes.io/enforce: %s}}\n"
    world = play("healthy", level % "baseline" + RESTART)
    assert any('violates PodSecurity "baseline:latest"' in said for said in refusals(world))
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]
    edit(world, level % "privileged")
    assert refusals(world) == []
    assert "istio-init" in str(pods(world, "ratings")[0])


def test_a_quota_refuses_what_exceeds_it_and_no_more() -> None:
    world = play("healthy", QUOTA % "pods: 5" + RESTART)
    assert any("exceeded quota: small" in said for said in refusals(world))
    edit(world, QUOTA % "pods: 6")
    assert refusals(world) == []


def test_a_quota_of_limits_wants_every_container_to_name_some() -> None:
    world = play("healthy", QUOTA % "limits.cpu: 100" + RESTART)
    assert any("must specify limits.cpu for: app" in said for said in refusals(world))
    edit(world, "- delete: {object: ResourceQuota shop/small}")
    assert refusals(world) == []


PROBED = """
- patch:
    object: Deployment shop/ratings-v1
    type: strategic
    patch:
      spec:
        template:
          metadata: {annotations: {sidecar.istio.io/rewriteAppHTTPProbers: "%s"}}
          spec: {containers: [{name: app, readinessProbe: {httpGet: {path: /, port: 8080}}}]}
"""
POLICY = """
- apply:
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: shop}
    spec: {mtls: {mode: %s}}
"""


def test_a_probe_that_is_not_rewritten_fails_while_the_server_is_strict() -> None:
    world = play("healthy", POLICY % "STRICT" + PROBED % "false")
    assert "1/2" in [ready(pod) for pod in pods(world, "ratings")]
    edit(world, POLICY % "PERMISSIVE")
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]


def test_a_rewritten_probe_succeeds_though_the_server_is_strict() -> None:
    world = play("healthy", POLICY % "STRICT" + PROBED % "true")
    (pod,) = pods(world, "ratings")
    assert ready(pod) == "2/2"
    probe = pod["spec"]["containers"][0]["readinessProbe"]["httpGet"]
    assert (probe["path"], probe["port"]) == ("/app-health/app/readyz", 15020)


BUNDLE = """
- patch:
    object: MutatingWebhookConfiguration istio-sidecar-injector
    type: json
    patch:
      - {op: replace, path: /webhooks/0/clientConfig/caBundle, value: ""}
      - {op: replace, path: /webhooks/1/clientConfig/caBundle, value: ""}
      - {op: replace, path: /webhooks/2/clientConfig/caBundle, value: ""}
      - {op: replace, path: /webhooks/3/clientConfig/caBundle, value: ""}
"""


def bundles(world: World) -> list[str]:
    """The caBundles of the injection webhooks."""
    key = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
    return [
        entry["clientConfig"].get("caBundle", "")
        for one in world.objects.all(key)
        for entry in one["webhooks"]
    ]


def test_a_running_istiod_mends_the_bundle_of_its_webhook() -> None:
    world = play("healthy")
    before = bundles(world)
    edit(world, BUNDLE)
    assert all(bundles(world))
    assert len(bundles(world)) == len(before)


UNLABELLED = "- label: {object: MutatingWebhookConfiguration istio-sidecar-injector, set: {%s}}\n"


def test_istiod_leaves_a_webhook_alone_that_lacks_the_label_of_its_revision() -> None:
    world = play("healthy", UNLABELLED % "istio.io/rev: null" + BUNDLE + RESTART)
    assert bundles(world) == [""] * 4
    assert any("x509: certificate signed by unknown authority" in said for said in refusals(world))
    edit(world, UNLABELLED % "istio.io/rev: default")
    assert all(bundles(world))
    assert refusals(world) == []


def test_without_istiod_a_bundle_stays_wrong_until_one_starts() -> None:
    world = play("istiod-down", BUNDLE)
    assert bundles(world) == [""] * 4
    edit(world, "- scale: {object: Deployment istio-system/istiod, replicas: 1}")
    assert all(bundles(world))


BARE = """
- apply:
    apiVersion: v1
    kind: Pod
    metadata: {name: probe, namespace: %s, labels: {app: probe}}
    spec: {containers: [{name: probe, image: "curl:8"}]}
"""


def test_a_pod_that_somebody_runs_is_injected_where_its_namespace_asks_for_it() -> None:
    world = play("healthy", BARE % "shop" + BARE % "legacy")
    assert [ready(pod) for pod in pods(world, "probe")] == ["2/2"]
    assert [ready(pod) for pod in pods(world, "probe", "legacy")] == ["1/1"]


def test_a_refusal_is_told_by_an_event() -> None:
    world = play("istiod-down", RESTART)
    told = [
        event
        for event in world.objects.all(("", "events"), "shop")
        if event.get("reason") == "FailedCreate"
        and world.start.get(("", "events"), "shop", event["metadata"]["name"]) is None
    ]
    assert told
    assert all("failed calling webhook" in event["message"] for event in told)
