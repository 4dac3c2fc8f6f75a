"""A limit counts where the caller's own proxy would keep it."""

from __future__ import annotations

import pytest

from meshdoctor.drill.route_judging import Judgement, judge_route
from meshdoctor.drill.wanted_route import parse_route
from meshdoctor.trace.walk import walk
from meshdoctor.views.trace_request import build_request
from tests.unit.drill.playing import play

RULE = """
- apply:
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {{name: limits, namespace: {namespace}}}
    spec: {spec}
"""
PUBLISHED = """
- apply:
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: pay, namespace: shop}
    spec:
      hosts: [shop.example.com]
      gateways: [shop-gateway]
      http:
        - match: [{uri: {prefix: /pay}}]
          route: [{destination: {host: payments.pay.svc.cluster.local}}]
"""
PAYMENTS = "{host: payments.pay.svc.cluster.local, trafficPolicy: %s}"
POOL = "{connectionPool: {http: {http1MaxPendingRequests: 4}}}"
TO_PAYMENTS = "http://payments.pay:8080/pay"
TEN = {"http1MaxPendingRequests": {"at_least": 1, "at_most": 10}}


def judged(
    edits: str,
    wanted: dict[str, dict[str, int]] = TEN,
    *,
    source: str = "deploy/client-v1",
    to: str = TO_PAYMENTS,
) -> Judgement:
    """The judgement on a healthy mesh after edits."""
    mesh = play("healthy", edits).snapshot()
    found = walk(mesh, build_request(mesh, source, to, no_token=True))
    return judge_route(mesh, found, parse_route({"limits": wanted}))


@pytest.mark.parametrize("namespace", ["shop", "pay", "istio-system"])
def test_a_rule_counts_in_the_caller_s_the_service_s_and_the_root_namespace(namespace: str) -> None:
    found = judged(RULE.format(namespace=namespace, spec=PAYMENTS % POOL))
    assert found.passed is True
    assert "http1MaxPendingRequests is 4 in outbound|8080||payments.pay" in found.because
    assert f"(DestinationRule {namespace}/limits)" in found.because


def test_a_rule_in_a_third_namespace_does_not_count() -> None:
    found = judged(RULE.format(namespace="legacy", spec=PAYMENTS % POOL))
    assert found.passed is False
    assert "http1MaxPendingRequests is not set" in found.because
    assert found.because.endswith("wanted 1 to 10")


def test_a_rule_of_the_caller_s_namespace_is_none_for_a_gateway() -> None:
    to = "http://shop.example.com/pay"
    for namespace, held in (("shop", False), ("pay", True)):
        edits = PUBLISHED + RULE.format(namespace=namespace, spec=PAYMENTS % POOL)
        assert judged(edits, source="gateway", to=to).passed is held


@pytest.mark.parametrize(
    ("bounds", "held"),
    [
        ({"at_least": 4}, True),
        ({"at_least": 5}, False),
        ({"at_most": 4}, True),
        ({"at_most": 3}, False),
    ],
)
def test_a_limit_is_held_between_its_bounds(bounds: dict[str, int], held: bool) -> None:
    edits = RULE.format(namespace="pay", spec=PAYMENTS % POOL)
    assert judged(edits, {"http1MaxPendingRequests": bounds}).passed is held


def test_no_limit_is_enough_where_none_is_asked_for_and_too_much_where_one_is() -> None:
    assert judged("", {"maxConnections": {"at_least": 10}}).passed is True
    assert judged("", {"maxConnections": {"at_most": 10}}).passed is False


def test_every_subset_that_requests_are_sent_to_counts() -> None:
    pool = "{connectionPool: {tcp: {maxConnections: 7}}}"
    edits = """
    - patch:
        object: DestinationRule shop/reviews
        patch:
          spec:
            subsets:
              - {{name: v1, labels: {{version: v1}}, trafficPolicy: {first}}}
              - {{name: v2, labels: {{version: v2}}, trafficPolicy: {second}}}
    """
    wanted = {"maxConnections": {"at_most": 10}}
    reviews = "http://reviews:8080/"
    assert judged(edits.format(first=pool, second=pool), wanted, to=reviews).passed is True
    found = judged(edits.format(first=pool, second="{}"), wanted, to=reviews)
    assert found.passed is False
    assert found.because.startswith("maxConnections is not set in outbound|8080|v2|reviews")


def test_the_settings_of_a_port_stand_in_for_those_of_the_rule() -> None:
    pool = "{connectionPool: {http: {http1MaxPendingRequests: 400}}, port: {number: 8080}}"
    edits = RULE.format(namespace="pay", spec=PAYMENTS % f"{{portLevelSettings: [{pool}]}}")
    assert judged(edits, {"http1MaxPendingRequests": {"at_least": 400}}).passed is True
    assert judged(edits).passed is False


def test_a_request_that_is_sent_nowhere_has_no_limit() -> None:
    gone = "[{delete: {object: VirtualService shop/web}}]"
    found = judged(gone, source="gateway", to="http://shop.example.com/")
    assert (found.passed, found.because) == (False, "no proxy sends them on")
