"""What an edit of the control plane's own objects does: memory, mesh configuration, CRDs."""

from __future__ import annotations

import pytest

from meshdoctor.drill.mesh_reload import reloaded
from meshdoctor.drill.new_pods import NewPod, judged_pod
from meshdoctor.drill.objects import DEPLOYMENTS, GATEWAYS, GRPC_ROUTES, HTTP_ROUTES, status_of
from meshdoctor.intent.mesh_config import mesh_config
from tests.unit.drill.playing import edit, play, pods, ready

OUT_OF_MEMORY = "istiod-out-of-memory"
CRD = "CustomResourceDefinition gateways.gateway.networking.k8s.io"
ROUTE_CRD = "CustomResourceDefinition httproutes.gateway.networking.k8s.io"
BUNDLE = "gateway.networking.k8s.io/bundle-version"
GATEWAY = """
- apply:
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: front, namespace: shop}
    spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""


def limited(resources: str) -> str:
    return f"""
- patch:
    object: Deployment istio-system/istiod
    type: json
    patch: [{{op: replace, path: /spec/template/spec/containers/0/resources, value: {resources}}}]
"""


@pytest.mark.parametrize(
    ("resources", "fares"),
    [
        ("{limits: {memory: 32Mi}}", "0/1"),
        ("{limits: {memory: 64Mi}}", "0/1"),
        ("{limits: {memory: 512Mi}}", "1/1"),
        ("{requests: {memory: 100Mi}}", "1/1"),
    ],
)
def test_a_limit_hardly_above_the_one_that_killed_kills_again(resources: str, fares: str) -> None:
    world = play(OUT_OF_MEMORY, limited(resources))
    assert [ready(one) for one in pods(world, "istiod", "istio-system")] == [fares]


def test_another_change_does_not_spare_a_container_that_its_limit_kills() -> None:
    variable = "{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: A, value: b}}"
    world = play(
        OUT_OF_MEMORY,
        f"""
- patch: {{object: Deployment istio-system/istiod, type: json, patch: [{variable}]}}
""",
    )
    (pod,) = pods(world, "istiod", "istio-system")
    assert ready(pod) == "0/1"
    last = status_of(pod)["containerStatuses"][0]["lastState"]
    assert last["terminated"]["reason"] == "OOMKilled"


def test_new_pods_are_refused_until_istiod_is_back() -> None:
    world = play(OUT_OF_MEMORY)
    wanted = NewPod("shop", revision="default")
    holds, said = judged_pod(world.state(), wanted)
    assert not holds
    assert "no endpoints available" in said
    edit(world, limited("{limits: {memory: 1Gi}}"))
    assert judged_pod(world.state(), wanted) == (
        True,
        "a new pod in shop gets a sidecar of revision default",
    )
    assert not judged_pod(world.state(at_start=True), wanted)[0]


def test_a_new_pod_is_judged_by_its_namespace_its_labels_and_its_revision() -> None:
    state = play("canary-healthy").state()
    assert judged_pod(state, NewPod("legacy", sidecar=False))[0]
    asking = (("sidecar.istio.io/inject", "true"),)
    assert judged_pod(state, NewPod("legacy", labels=asking, revision="default"))[0]
    assert judged_pod(state, NewPod("pay", revision="canary"))[0]
    assert not judged_pod(state, NewPod("pay", revision="default"))[0]
    assert judged_pod(state, NewPod("nowhere")) == (False, "there is no namespace nowhere")


class TestMeshConfiguration:
    IN_FORCE = {  # noqa: RUF012
        "trustDomain": "td",
        "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
        "defaultConfig": {"drainDuration": "45s", "concurrency": 2},
    }
    BEFORE = "trustDomain: td\ndefaultConfig: {concurrency: 2}\n"

    def test_a_text_that_did_not_change_changes_nothing(self) -> None:
        assert reloaded(self.IN_FORCE, self.BEFORE, self.BEFORE) is self.IN_FORCE

    def test_what_is_written_wins_and_defaults_beside_it_stay(self) -> None:
        text = self.BEFORE + "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
        made = reloaded(self.IN_FORCE, self.BEFORE, text)
        assert made == {**self.IN_FORCE, "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}

    def test_what_is_no_longer_written_falls_back_to_its_default(self) -> None:
        made = reloaded(self.IN_FORCE, self.BEFORE, "defaultConfig: {}\n")
        assert "trustDomain" not in made
        assert made["defaultConfig"] == {"drainDuration": "45s"}

    @pytest.mark.parametrize("text", ["trustDomain: [", "just words"])
    def test_a_text_that_istiod_cannot_read_leaves_what_was(self, text: str) -> None:
        assert reloaded(self.IN_FORCE, self.BEFORE, text) is self.IN_FORCE

    def test_an_edited_config_map_wins_over_what_istiod_said_when_it_was_recorded(self) -> None:
        text = r"rootNamespace: istio-system\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
        world = play(
            "healthy",
            f"""
- patch: {{object: ConfigMap istio-system/istio, patch: {{data: {{mesh: "{text}"}}}}}}
""",
        )
        settings = mesh_config(world.snapshot()).settings
        assert settings["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
        assert "accessLogFile" not in settings
        assert "accessLogFile" in mesh_config(play("healthy").snapshot()).settings


ROUTE = """
- apply:
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: front, namespace: %s}
    spec:
      parentRefs: [{name: front, namespace: shop}]
      rules: [{backendRefs: [{name: %s, port: 8080}]}]
"""


@pytest.mark.parametrize(
    ("namespace", "backend", "told"),
    [
        ("shop", "web", {"Accepted": "True", "ResolvedRefs": "True"}),
        ("shop", "nobody", {"Accepted": "True", "ResolvedRefs": "False"}),
        ("pay", "payments", {"Accepted": "False", "ResolvedRefs": "True"}),
    ],
)
def test_istiod_says_of_a_route_whether_it_takes_it(
    namespace: str, backend: str, told: dict[str, str]
) -> None:
    world = play("canary-healthy", GATEWAY + ROUTE % (namespace, backend))
    route = world.objects.get(HTTP_ROUTES, namespace, "front") or {}
    (parent,) = status_of(route)["parents"]
    assert {one["type"]: one["status"] for one in parent["conditions"]} == told


def test_a_route_whose_definition_is_too_old_gets_no_status() -> None:
    old = f"- annotate: {{object: {ROUTE_CRD}, set: {{{BUNDLE}: v0.8.1}}}}\n"
    world = play("canary-healthy", old + GATEWAY + ROUTE % ("shop", "web"))
    assert not status_of(world.objects.get(HTTP_ROUTES, "shop", "front") or {})
    edit(world, old.replace("v0.8.1", "v1.2.1"))
    assert status_of(world.objects.get(HTTP_ROUTES, "shop", "front") or {})["parents"]


@pytest.mark.parametrize(("release", "read"), [("v1.0.1", False), ("v1.1.0", True)])
def test_a_grpc_route_has_a_least_release_of_its_own(release: str, read: bool) -> None:
    grpc = "CustomResourceDefinition grpcroutes.gateway.networking.k8s.io"
    world = play(
        "canary-healthy",
        f"- annotate: {{object: {grpc}, set: {{{BUNDLE}: {release}}}}}\n"
        + GATEWAY
        + (ROUTE % ("shop", "web")).replace("HTTPRoute", "GRPCRoute")
        + ROUTE % ("shop", "web"),
    )
    route = world.objects.get(GRPC_ROUTES, "shop", "front") or {}
    assert bool(status_of(route)) is read
    assert status_of(world.objects.get(HTTP_ROUTES, "shop", "front") or {})


def test_a_gateway_waits_until_its_definition_serves_v1() -> None:
    old = f"- annotate: {{object: {CRD}, set: {{{BUNDLE}: v0.8.1}}}}\n"
    world = play("canary-healthy", old + GATEWAY)
    assert world.objects.get(DEPLOYMENTS, "shop", "front-istio") is None
    assert not status_of(world.objects.get(GATEWAYS, "shop", "front") or {})
    edit(world, old.replace("v0.8.1", "v1.0.0"))
    assert world.objects.get(DEPLOYMENTS, "shop", "front-istio") is not None
    conditions = status_of(world.objects.get(GATEWAYS, "shop", "front") or {})["conditions"]
    assert ("Programmed", "True") in [(one["type"], one["status"]) for one in conditions]


def test_grpc_routes_that_no_recorder_asked_for_are_served_as_long_as_they_are_defined() -> None:
    world = play("canary-healthy")
    assert world.cluster.catalog.types[GRPC_ROUTES].unread is None
    edit(world, "- delete: {object: CustomResourceDefinition grpcroutes.gateway.networking.k8s.io}")
    assert GRPC_ROUTES not in world.cluster.catalog.types
