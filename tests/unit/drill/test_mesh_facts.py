"""What a mesh does besides answering requests: connections, filters that are taken, trust."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.drill.mesh_facts import parse_fact
from meshdoctor.drill.world import World
from tests.unit.drill.playing import edit, play, pods, ready


def connection(port: int, *, allowed: bool = True) -> dict[str, Any]:
    return {
        "connection": {
            "from": {"pod": "deploy/payments-v1", "namespace": "pay"},
            "to": {"pod": "deploy/istiod", "namespace": "istio-system", "port": port},
            "allowed": allowed,
        }
    }


def holds(world: World, document: dict[str, Any]) -> bool | None:
    found = parse_fact(document).holds(world.snapshot())
    return None if found is None else found.holds


def test_a_connection_that_a_policy_forbids_is_told_from_one_that_it_lets_through() -> None:
    world = play("proxy-cannot-reach-istiod")
    assert holds(world, connection(15012)) is False
    assert holds(world, connection(15012, allowed=False)) is True
    assert holds(world, connection(15017)) is True
    edit(world, "- delete: {object: NetworkPolicy istio-system/deny-ingress}")
    assert holds(world, connection(15012)) is True


def test_a_connection_of_nobody_does_not_hold() -> None:
    world = play("healthy", "- scale: {object: Deployment pay/payments-v1, replicas: 0}")
    found = parse_fact(connection(15012)).holds(world.snapshot())
    assert found is not None
    assert not found.holds
    assert "has no pod that could ask" in found.because


FIELD = """
- patch:
    object: EnvoyFilter shop/bad-filter
    type: json
    patch:
      - {op: add, path: /spec/configPatches/0/patch/value/typed_config/%s, value: %s}
"""
FILTER = "EnvoyFilter shop/bad-filter"
ACCEPTED = {"accepted": {"object": "EnvoyFilter shop/*"}}
RESTART = "- restart: {object: Deployment shop/%s-v1}"


@pytest.mark.parametrize(
    ("field", "value", "taken"),
    [
        ("max_request_bytes", "65536", True),
        ("maxRequestBytes", "65536", True),
        ("max_request_bytes", "0", False),
        ("max_request_bytes", "-1", False),
        ("max_request_bytes", "64Ki", False),
        ("stat_prefix", "none", False),
    ],
)
def test_proxies_take_a_filter_that_has_what_it_demands(
    field: str, value: str, taken: bool
) -> None:
    world = play("envoyfilter-rejected", FIELD % (field, value))
    assert holds(world, ACCEPTED) is taken
    edit(world, RESTART % "client")
    assert all(ready(pod) == "2/2" for pod in pods(world, "client")) is taken


def test_a_filter_of_another_namespace_is_not_asked_about() -> None:
    world = play("envoyfilter-rejected")
    assert holds(world, ACCEPTED) is False
    assert holds(world, {"accepted": {"object": "EnvoyFilter pay/*"}}) is True


def test_a_filter_that_selects_no_proxy_is_refused_by_none() -> None:
    aside = "{spec: {workloadSelector: {labels: {app: nobody}}}}"
    world = play("envoyfilter-rejected", f"- patch: {{object: {FILTER}, patch: {aside}}}")
    assert holds(world, ACCEPTED) is True


def test_only_new_pods_that_the_filter_selects_do_not_get_ready() -> None:
    world = play("envoyfilter-rejected", RESTART % "web")
    assert [ready(pod) for pod in pods(world, "web")] == ["2/2"]
    assert [ready(pod) for pod in pods(world, "client")] == ["2/2"]
    edit(world, RESTART % "client")
    assert "0/2" in [ready(pod) for pod in pods(world, "client")]


def test_a_bundle_that_trusts_somebody_else_is_told() -> None:
    fact = {"trusted": {"object": "MutatingWebhookConfiguration istio-sidecar-injector"}}
    assert holds(play("healthy"), fact) is True
    gone = "- delete: {object: MutatingWebhookConfiguration istio-sidecar-injector}"
    assert holds(play("healthy", gone), fact) is False


def test_a_probe_that_a_sidecar_reset_says_nothing_of_the_application() -> None:
    past = """
- patch:
    object: Deployment shop/ratings-v1
    patch:
      spec:
        template:
          metadata:
            annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "8080"}
"""
    world = play(
        "probe-not-rewritten-under-strict", "- restart: {object: Deployment shop/ratings-v1}"
    )
    assert [ready(pod) for pod in pods(world, "ratings")] == ["1/2"]
    edit(world, past)
    assert [ready(pod) for pod in pods(world, "ratings")] == ["2/2"]
