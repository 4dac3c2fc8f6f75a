"""A pod's own wishes for its sidecar, and the control plane that fulfils them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.drill.objects import REPLICA_SETS, status_of
from meshdoctor.drill.pods import application_waits
from tests.unit.drill.playing import annotations_of, edit, play, pods, proxy, ready

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSIC, NATIVE = "classic-sidecars-healthy", "healthy"
HOLD = "{proxy.istio.io/config: 'holdApplicationUntilProxyStarts: true'}"
RESTART = "- restart: {object: Deployment shop/ratings-v1}\n"
DEFAULTS = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "10m", "memory": "40Mi"}}


def patched(annotations: str = "{}", containers: str = "[]") -> str:
    return f"""
- patch:
    object: Deployment shop/ratings-v1
    type: strategic
    patch:
      spec:
        template:
          metadata: {{annotations: {annotations}}}
          spec: {{containers: {containers}}}
"""


def ratings(recording: str, edits: str) -> Mapping[str, Any]:
    (pod,) = pods(play(recording, edits), "ratings")
    return pod


def variables(pod: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in proxy(pod)["env"] if "value" in one}


def order(pod: Mapping[str, Any]) -> list[str]:
    return [one["name"] for one in pod["spec"]["containers"]]


def test_a_classic_sidecar_holds_the_application_where_the_pod_asks_for_it() -> None:
    plain, held = ratings(CLASSIC, RESTART), ratings(CLASSIC, patched(HOLD))
    assert (order(plain), order(held)) == (["app", "istio-proxy"], ["istio-proxy", "app"])
    assert proxy(held)["lifecycle"]["postStart"]["exec"]["command"] == ["pilot-agent", "wait"]
    assert (application_waits(plain), application_waits(held)) == (False, True)
    settings = json.loads(variables(held)["PROXY_CONFIG"])
    assert settings["holdApplicationUntilProxyStarts"] is True
    assert ready(held) == "2/2"


def test_a_native_sidecar_needs_no_hook_to_be_first() -> None:
    held = ratings(NATIVE, patched(HOLD))
    assert "postStart" not in proxy(held).get("lifecycle", {})
    assert application_waits(ratings(NATIVE, RESTART))


@pytest.mark.parametrize(("recording", "native"), [(CLASSIC, "true"), (NATIVE, "false")])
def test_a_pod_may_choose_between_a_native_and_a_classic_sidecar(
    recording: str, native: str
) -> None:
    pod = ratings(recording, patched(f'{{sidecar.istio.io/nativeSidecar: "{native}"}}'))
    assert ("istio-proxy" in order(pod)) is (native == "false")
    assert application_waits(pod) is (native == "true")
    assert ready(pod) == "2/2"
    told = json.loads(annotations_of(pod)["sidecar.istio.io/status"])
    assert told["containers"] == (None if native == "true" else ["istio-proxy"])


@pytest.mark.parametrize(
    "text", ["'just words'", "'a: [1'", "'{holdApplicationUntilProxyStarts: \"true\"}'"]
)
def test_settings_that_cannot_be_read_refuse_the_pod(text: str) -> None:
    world = play(CLASSIC, patched(f"{{proxy.istio.io/config: {text}}}"))
    (left,) = pods(world, "ratings")
    assert not application_waits(left)
    refusals = [
        condition["message"]
        for one in world.objects.all(REPLICA_SETS, "shop")
        for condition in status_of(one).get("conditions", [])
    ]
    assert len(refusals) == 1
    assert "denied the request: Pod injection failed: invalid value" in refusals[0]


def test_one_resource_annotation_takes_the_place_of_all_defaults() -> None:
    assert proxy(ratings(NATIVE, RESTART))["resources"] == DEFAULTS
    pod = ratings(NATIVE, patched("{sidecar.istio.io/proxyCPU: 200m}"))
    assert proxy(pod)["resources"] == {"requests": {"cpu": "200m"}}


def test_a_container_of_the_proxy_s_name_is_completed_by_the_template() -> None:
    more = "resources: {requests: {cpu: 300m}}, env: [{name: A, value: b}]"
    own = f"[{{name: istio-proxy, image: auto, {more}}}]"
    pod = ratings(CLASSIC, patched(containers=own))
    assert sorted(order(pod)) == ["app", "istio-proxy"]
    assert proxy(pod)["image"].startswith("docker.io/istio/proxyv2:")
    assert proxy(pod)["resources"] == {**DEFAULTS, "requests": {"cpu": "300m", "memory": "40Mi"}}
    assert variables(pod)["A"] == "b"
    assert variables(pod)["ISTIO_META_WORKLOAD_NAME"] == "ratings-v1"


def test_proxies_are_led_to_the_istiod_that_injects_them() -> None:
    moved = (
        "- label: {object: Namespace shop, set: {istio-injection: null, istio.io/rev: canary}}\n"
    )
    pod = ratings("canary-healthy", moved + RESTART)
    assert annotations_of(pod)["istio.io/rev"] == "canary"
    assert variables(pod)["CA_ADDR"] == "istiod-canary.istio-system.svc:15012"
    back = ratings("canary-label-moved-pods-not-restarted", RESTART)
    assert variables(back)["CA_ADDR"] == "istiod-canary.istio-system.svc:15012"
    assert "istiod-canary.istio-system" in variables(back)["PROXY_CONFIG"]
    stays = ratings("canary-healthy", RESTART)
    assert variables(stays)["CA_ADDR"] == "istiod.istio-system.svc:15012"


def test_the_istiod_behind_a_tag_s_service_injects_whatever_its_label_says() -> None:
    service = "/webhooks/2/clientConfig/service/name"
    tag = "MutatingWebhookConfiguration istio-revision-tag-default"
    world = play(
        "canary-healthy",
        f"""
- patch:
    object: {tag}
    type: json
    patch: [{{op: replace, path: /metadata/labels/istio.io~1rev, value: canary}}]
{RESTART}""",
    )
    (pod,) = pods(world, "ratings")
    assert annotations_of(pod)["istio.io/rev"] == "default"
    edit(
        world,
        f"""
- patch:
    object: {tag}
    type: json
    patch: [{{op: replace, path: {service}, value: istiod-canary}}]
{RESTART}""",
    )
    (pod,) = pods(world, "ratings")
    assert annotations_of(pod)["istio.io/rev"] == "canary"


def test_of_two_injectors_that_both_select_a_pod_the_last_by_name_wins() -> None:
    second = """
- apply:
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: %s, labels: {istio.io/rev: canary, istio.io/tag: other}}
    webhooks:
      - name: rev.namespace.sidecar-injector.istio.io
        failurePolicy: Fail
        clientConfig: {service: {name: istiod-canary, namespace: istio-system, path: /inject}}
        rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
        namespaceSelector: {matchLabels: {istio-injection: enabled}}
"""
    got = [
        annotations_of(ratings("canary-healthy", second % name + RESTART))["istio.io/rev"]
        for name in ("istio-revision-tag-other", "an-early-one")
    ]
    assert got == ["canary", "default"]
