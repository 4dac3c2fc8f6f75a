from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.subset_definition import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import DESTINATION_RULE, SERVICE
from tests.build import istio_object, mesh, namespace, pod, proxy
from tests.unit.analyze.traffic_build import (
    RATINGS,
    client,
    dump,
    hosts,
    log,
    named,
    no_cluster,
    passed,
    problems,
    route_to,
    server,
    shop,
    unknowns,
)

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.proxy import Proxy

V3 = f"outbound|8080|v3|{RATINGS}"
TO = f"destination {RATINGS}:8080 subset v3"


def rule(where: str = "shop", *, subsets: tuple[str, ...] = ("v1",), **spec: Any) -> dict[str, Any]:
    listed = [{"name": subset, "labels": {"version": subset}} for subset in subsets]
    return istio_object("DestinationRule", "ratings", where, host=RATINGS, subsets=listed, **spec)


def caller() -> Proxy:
    return client(*no_cluster(), config=dump({}, [V3]))


def test_a_subset_that_no_rule_defines_is_the_virtual_services_fault() -> None:
    snapshot = mesh([*shop(), route_to("ratings", subset="v3")], proxies=[caller(), server()])
    assert named(ANALYZER, snapshot) == [("MD0112", TO, "VirtualService shop/route")]


def test_the_hosts_rule_takes_part() -> None:
    objects = [*shop(), route_to("ratings", subset="v3"), rule()]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[caller(), server()]))
    assert found.objects == ("VirtualService shop/route", "DestinationRule shop/ratings")


def test_the_route_is_sent_to_the_subset_that_is_most_alike() -> None:
    objects = [*shop(), route_to("ratings", subset="stabel"), rule(subsets=("canary", "stable"))]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[client(*no_cluster())]))
    assert (
        '"path": "/spec/http/0/route/0/destination/subset", "value": "stable"'
        in (found.fills["command"])
    )
    assert '"value": "stabel"' in found.fills["undo"]


def test_without_any_subset_to_send_to_the_subset_is_taken_out_of_the_route() -> None:
    objects = [*shop(), route_to("ratings", subset="v3")]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[caller()]))
    assert '"op": "remove"' in found.fills["command"]
    assert "kubectl apply -f -" in found.fills["define"]


@pytest.mark.parametrize("where", ["shop", "istio-system"])
def test_a_subset_defined_where_its_clients_look_is_in_order(where: str) -> None:
    objects = [*shop(), route_to("ratings", subset="v3"), rule(where=where, subsets=("v1", "v3"))]
    snapshot = mesh(objects, proxies=[caller(), server()])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0112", TO) in passed(ANALYZER, snapshot)


def test_a_rule_in_a_namespace_where_nobody_looks_defines_nothing() -> None:
    objects = [*shop(), route_to("ratings", subset="v3"), rule(where="pay", subsets=("v3",))]
    assert len(problems(ANALYZER, mesh(objects, proxies=[caller(), server()]))) == 1


def test_a_rule_that_is_not_exported_defines_nothing_for_clients_elsewhere() -> None:
    objects = [
        *shop(),
        namespace("pay"),
        pod("payments-1", "pay", ip="10.244.0.7"),
        route_to("ratings", subset="v3", hosts=[RATINGS]),
        rule(subsets=("v3",), exportTo=["."]),
    ]
    elsewhere = proxy("payments-1", "pay", log=log(*no_cluster()), config=dump({}, [V3]))
    assert len(problems(ANALYZER, mesh(objects, proxies=[elsewhere]))) == 1


def test_a_share_of_nothing_needs_no_subset() -> None:
    beside = {"destination": {"host": "ratings"}, "weight": 100}
    objects = [*shop(), route_to("ratings", subset="v3", weight=0, beside=beside)]
    assert problems(ANALYZER, mesh(objects, proxies=[caller(), server()])) == []


def test_a_virtual_service_bound_to_a_gateway_that_is_not_there_breaks_nothing() -> None:
    objects = [*shop(), route_to("ratings", subset="v3", gateways=["nowhere"])]
    assert problems(ANALYZER, mesh(objects, proxies=[client(), server()])) == []


def test_a_proxy_that_still_holds_the_cluster_does_not_suffer() -> None:
    held = client(config=dump({V3: {}}, [V3]))
    objects = [*shop(), route_to("ratings", subset="v3")]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[held, server()]))
    assert not found.root


@pytest.mark.parametrize("kind", [DESTINATION_RULE, SERVICE])
def test_nothing_is_undefined_while_rules_or_services_are_unread(kind: Kind) -> None:
    objects = [*shop(), route_to("ratings", subset="v3")]
    snapshot = mesh(objects, proxies=[caller(), server()], unread=[kind])
    assert problems(ANALYZER, snapshot) == []
    assert kind.input in unknowns(ANALYZER, snapshot)["MD0112"]


def test_without_access_logs_the_configuration_still_decides() -> None:
    objects = [*shop(), route_to("ratings", subset="v3"), rule()]
    assert len(named(ANALYZER, mesh(objects))) == 1


def test_where_destination_rules_are_not_installed_no_subset_is_defined() -> None:
    objects = [*shop(), route_to("ratings", subset="v3")]
    snapshot = mesh(objects, proxies=[caller()], not_installed=[DESTINATION_RULE])
    assert len(named(ANALYZER, snapshot)) == 1


def test_a_route_to_an_unknown_host_is_another_matter() -> None:
    objects = [*shop(), route_to("nothing", subset="v3")]
    assert list(ANALYZER.analyze(mesh(objects, proxies=[caller()]))) == []


def test_a_subset_without_hosts_is_defined_all_the_same() -> None:
    objects = [*shop(), route_to("ratings", subset="v3"), rule(subsets=("v3",))]
    empty = client(hosts=hosts({V3: []}))
    assert problems(ANALYZER, mesh(objects, proxies=[empty])) == []


def test_a_subset_of_a_rule_for_a_host_that_nobody_can_call_names_no_cause() -> None:
    objects = [*shop(), route_to("ratings", subset="v3", hosts=["future"])]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[client(), server()]))
    assert (found.outcome.value, found.severity, found.root) == ("warn", Severity.INFO, False)
