"""EndpointSlices and Endpoints follow Services and pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.objects import ENDPOINT_SLICES, ENDPOINTS, labels_of, status_of
from tests.unit.drill.playing import RATINGS, edit, play, pods

if TYPE_CHECKING:
    from meshdoctor.drill.world import World

SERVICE = """
- apply:
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec:
      selector: {app: ratings}
      publishNotReadyAddresses: %s
      ports: [{name: http, port: 80, targetPort: %s}]
"""
BROKEN = f"- set-image: {{object: {RATINGS}, container: app, image: none:9}}"


def ends(world: World, service: str) -> list[tuple[str, bool, list[int]]]:
    """Addresses, readiness and ports behind a Service of the namespace shop."""
    return sorted(
        (end["addresses"][0], end["conditions"]["ready"], [one["port"] for one in item["ports"]])
        for item in world.objects.all(ENDPOINT_SLICES, "shop")
        if labels_of(item).get("kubernetes.io/service-name") == service
        for end in item["endpoints"] or []
    )


def addresses(world: World) -> list[str]:
    """The addresses of ratings' pods."""
    return sorted(str(status_of(pod)["podIP"]) for pod in pods(world, "ratings"))


def test_a_mended_selector_brings_the_endpoints_back() -> None:
    world = play("service-selector-mismatch")
    assert ends(world, "ratings") == []
    edit(
        world, "- patch: {object: Service shop/ratings, patch: {spec: {selector: {app: ratings}}}}"
    )
    assert [end[0] for end in ends(world, "ratings")] == addresses(world)
    old = world.objects.get(ENDPOINTS, "shop", "ratings")
    assert old is not None
    assert [one["ip"] for one in old["subsets"][0]["addresses"]] == addresses(world)


def test_endpoints_follow_pods_that_are_made_anew() -> None:
    world = play("healthy")
    before = ends(world, "ratings")
    edit(world, f"- scale: {{object: {RATINGS}, replicas: 2}}")
    assert [end[0] for end in ends(world, "ratings")] == addresses(world)
    assert len(ends(world, "ratings")) == 2 > len(before)
    assert ends(world, "web") == ends(play("healthy"), "web")


def test_a_pod_that_is_not_ready_does_not_count_unless_the_service_says_so() -> None:
    world = play("healthy", BROKEN)
    assert sorted(ready for _, ready, _ in ends(world, "ratings")) == [False, True]
    edit(world, SERVICE % ("anyway", "true", "8080"))
    assert [ready for _, ready, _ in ends(world, "anyway")] == [True, True]


def test_a_target_port_may_be_a_name_and_must_be_one_that_a_pod_has() -> None:
    named = """
- patch:
    object: Deployment shop/ratings-v1
    type: json
    patch:
      - {op: add, path: /spec/template/spec/containers/0/ports/0/name, value: web}
"""
    world = play("healthy", named + SERVICE % ("named", "false", "web"))
    assert [ports for _, _, ports in ends(world, "named")] == [[8080]]
    edit(world, SERVICE % ("none", "false", "other"))
    assert ends(world, "none") == []


def test_endpoints_go_with_their_service() -> None:
    world = play("healthy", "- delete: {object: Service shop/ratings}")
    assert ends(world, "ratings") == []
    assert world.objects.get(ENDPOINTS, "shop", "ratings") is None
    assert ends(world, "web")
