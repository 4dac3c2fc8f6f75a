from __future__ import annotations

from typing import Any

from meshdoctor.analyze.misplaced_destination_rules import ANALYZER
from meshdoctor.model.finding import FactState, Severity
from meshdoctor.model.kinds import POD
from tests.build import istio_object, istiod, mesh, namespace, pod, proxy
from tests.unit.analyze.traffic_build import (
    RATINGS,
    TO_RATINGS,
    client,
    dump,
    hosts,
    line,
    log,
    named,
    passed,
    problems,
    server,
    shop,
    unknowns,
)

TO = f"destination {RATINGS}"
POLICY = {"connectionPool": {"http": {"http1MaxPendingRequests": 1}}}
FOUND = ("MD0132", TO, "DestinationRule attic/limits")
ISTIOD = istiod(mesh={"rootNamespace": "istio-system"})


def rule(space: str = "attic", name: str = "limits", **spec: Any) -> dict[str, Any]:
    return istio_object(
        "DestinationRule", name, space, **{"host": RATINGS, "trafficPolicy": POLICY, **spec}
    )


def caller(**cluster: Any) -> Any:
    return client(line(TO_RATINGS), config=dump({TO_RATINGS: cluster}, [TO_RATINGS]))


def tenant(*, calls: int) -> tuple[dict[str, Any], Any]:
    """A pod with a sidecar in namespace attic, and what its proxy counts for ratings."""
    counted = hosts({TO_RATINGS: [{"rq_total": calls, "cx_total": calls}]})
    return pod("tenant-1", "attic"), proxy("tenant-1", "attic", hosts=counted, log=log(line("-")))


def test_a_rule_in_a_namespace_without_clients_is_misplaced() -> None:
    snapshot = mesh([*shop(), rule()], proxies=[caller(), server()], istiods=[ISTIOD])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}
    assert '"namespace": "shop"' in found.fills["command"]
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]


def test_an_export_to_everyone_opens_no_fourth_place() -> None:
    objects = [*shop(), rule(exportTo=["*"])]
    assert named(ANALYZER, mesh(objects, proxies=[caller()], istiods=[ISTIOD])) == [FOUND]


def test_a_rule_beside_its_service_is_in_order() -> None:
    snapshot = mesh([*shop(), rule("shop")], proxies=[caller()], istiods=[ISTIOD])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0132", TO)}


def test_a_rule_in_the_root_namespace_is_in_order() -> None:
    root = istiod(mesh={"rootNamespace": "attic"})
    assert problems(ANALYZER, mesh([*shop(), rule()], proxies=[caller()], istiods=[root])) == []


def test_a_rule_for_clients_of_its_own_namespace_is_in_order() -> None:
    here, there = tenant(calls=3)
    snapshot = mesh([*shop(), here, rule()], proxies=[caller(), there], istiods=[ISTIOD])
    assert problems(ANALYZER, snapshot) == []


def test_clients_that_never_call_make_it_no_more_than_a_warning() -> None:
    here, there = tenant(calls=0)
    snapshot = mesh([*shop(), here, rule()], proxies=[caller(), there], istiods=[ISTIOD])
    assert named(ANALYZER, snapshot) == [FOUND]
    assert [found.severity for found in problems(ANALYZER, snapshot)] == [Severity.WARNING]


def test_clients_of_which_nothing_was_read_may_call() -> None:
    here, _ = tenant(calls=0)
    snapshot = mesh([*shop(), here, rule()], proxies=[caller()], istiods=[ISTIOD])
    assert problems(ANALYZER, snapshot) == []


def test_a_rule_that_another_repeats_in_the_right_place_misses_nothing() -> None:
    objects = [*shop(), rule(), rule("shop", "same")]
    found = problems(ANALYZER, mesh(objects, proxies=[caller()], istiods=[ISTIOD]))
    assert [item.root for item in found] == [False]


def test_a_rule_that_says_more_than_the_one_in_the_right_place_is_merged_into_it() -> None:
    other = rule("shop", "ratings", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    snapshot = mesh([*shop(), rule(), other], proxies=[caller()], istiods=[ISTIOD])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert "patch destinationrules.networking.istio.io ratings -n shop" in found.fills["command"]
    assert "/spec/trafficPolicy/connectionPool" in found.fills["command"]


def test_a_rule_that_says_nothing_is_no_matter() -> None:
    objects = [*shop(), rule(trafficPolicy={})]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[caller()], istiods=[ISTIOD]))) == []


def test_a_wildcard_that_covers_a_service_of_its_own_namespace_is_in_order() -> None:
    wide = rule("shop", host="*.svc.cluster.local")
    assert problems(ANALYZER, mesh([*shop(), wide], proxies=[caller()], istiods=[ISTIOD])) == []


def test_a_wildcard_in_a_third_namespace_is_misplaced() -> None:
    wide = rule(host="*.shop.svc.cluster.local")
    snapshot = mesh([*shop(), namespace("attic"), wide], proxies=[caller()], istiods=[ISTIOD])
    assert [found.objects[0] for found in problems(ANALYZER, snapshot)] == [FOUND[2]]


def test_the_origin_of_the_callers_cluster_goes_before_the_namespaces() -> None:
    origin = "/apis/networking.istio.io/v1/namespaces/attic/destination-rule/limits"
    held = caller(metadata={"filter_metadata": {"istio": {"config": origin}}})
    assert problems(ANALYZER, mesh([*shop(), rule()], proxies=[held], istiods=[ISTIOD])) == []


def test_it_cannot_be_told_without_pods() -> None:
    snapshot = mesh([*shop(), rule()], proxies=[caller()], istiods=[ISTIOD], unread=[POD])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0132": (POD.input,)}


def test_the_root_namespace_must_be_known_where_no_proxy_was_read() -> None:
    snapshot = mesh([*shop(), rule()])
    assert problems(ANALYZER, snapshot) == []
    assert "istiod/debug/mesh.json" in unknowns(ANALYZER, snapshot)["MD0132"]
