from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.destination_host import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import SERVICE, SERVICE_ENTRY
from tests.build import istio_object, mesh, pod, proxy, service
from tests.unit.analyze.traffic_build import (
    CLIENT,
    RATINGS,
    TO_RATINGS,
    client,
    dump,
    line,
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

MISSING = "outbound|8080||payments.shop.svc.cluster.local"
TO_MISSING = "destination payments.shop.svc.cluster.local:8080"
PAYMENTS = "payments.pay.svc.cluster.local"


def in_another_namespace() -> list[dict[str, Any]]:
    pay = service("payments", "pay", clusterIP="10.96.0.7")
    return [*shop(), pay, route_to("payments", hosts=[PAYMENTS])]


def caller() -> Proxy:
    lines = no_cluster(authority="payments.pay:8080", local="10.96.0.7:8080")
    return client(*lines, config=dump({}, [MISSING]))


def test_a_short_name_means_the_rules_own_namespace() -> None:
    snapshot = mesh(in_another_namespace(), proxies=[caller(), server()])
    assert named(ANALYZER, snapshot) == [("MD0110", TO_MISSING, "VirtualService shop/route")]


def test_the_service_of_that_name_elsewhere_is_offered_in_full() -> None:
    (found,) = problems(ANALYZER, mesh(in_another_namespace(), proxies=[caller(), server()]))
    assert f'"value": "{PAYMENTS}"' in found.fills["command"]
    assert PAYMENTS in found.message


def test_callers_are_said_to_call_what_they_address() -> None:
    (found,) = problems(ANALYZER, mesh(in_another_namespace(), proxies=[caller(), server()]))
    assert [(item.source, item.to) for item in found.affected] == [
        ("Deployment shop/client-v1", f"{PAYMENTS}:8080")
    ]


def test_a_name_with_a_dot_is_taken_as_it_stands() -> None:
    objects = [*shop(), route_to("ratings.shop")]
    snapshot = mesh(objects, proxies=[client(*no_cluster()), server()])
    assert named(ANALYZER, snapshot) == [
        ("MD0110", "destination ratings.shop:8080", "VirtualService shop/route")
    ]
    (found,) = problems(ANALYZER, snapshot)
    assert f'"value": "{RATINGS}"' in found.fills["command"]


@pytest.mark.parametrize("host", ["ratings", RATINGS])
def test_a_host_that_a_service_has_is_in_order(host: str) -> None:
    snapshot = mesh([*shop(), route_to(host)], proxies=[client(), server()])
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0110", f"destination {RATINGS}:8080") in passed(ANALYZER, snapshot)


@pytest.mark.parametrize("declared", ["api.partner.example", "*.partner.example"])
def test_a_host_that_a_service_entry_has_is_in_order(declared: str) -> None:
    port = {"number": 443, "name": "tls", "protocol": "TLS"}
    entry = istio_object("ServiceEntry", "ext", hosts=[declared], ports=[port])
    objects = [*shop(), entry, route_to("api.partner.example", hosts=["api.partner.example"])]
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


@pytest.mark.parametrize("kind", [SERVICE, SERVICE_ENTRY])
def test_no_host_is_missing_while_the_registry_is_not_known(kind: Kind) -> None:
    snapshot = mesh(in_another_namespace(), proxies=[caller()], unread=[kind])
    assert problems(ANALYZER, snapshot) == []
    assert kind.input in unknowns(ANALYZER, snapshot)["MD0110"]


def test_hosts_that_a_rule_speaks_for_need_not_exist() -> None:
    objects = [*shop(), route_to("ratings", hosts=["shop.example.com"], gateways=["mesh"])]
    assert problems(ANALYZER, mesh(objects, proxies=[client(), server()])) == []


def test_a_rule_that_no_proxy_holds_breaks_nothing() -> None:
    objects = [*shop(), route_to("nothing", gateways=["gone"])]
    assert problems(ANALYZER, mesh(objects, proxies=[client(), server()])) == []


def test_a_rule_held_by_a_gateway_counts() -> None:
    gateway = istio_object("Gateway", "edge", selector={"app": "edge"}, servers=[])
    edge = pod("edge-1", labels={"app": "edge"}, containers=[{"name": "istio-proxy"}])
    route = route_to("nothing", hosts=["a.example"], gateways=["edge"])
    objects = [*shop(), edge, gateway, route]
    assert [f.code for f in problems(ANALYZER, mesh(objects, proxies=[client()]))] == ["MD0110"]


def test_a_delegate_is_held_where_its_root_is() -> None:
    root = istio_object(
        "VirtualService", "root", hosts=["ratings"], http=[{"delegate": {"name": "leaf"}}]
    )
    leaf = route_to("nothing", name="leaf", hosts=[])
    alone = route_to("nowhere", name="alone", hosts=[])
    snapshot = mesh([*shop(), root, leaf, alone], proxies=[client(), server()])
    assert [found.objects for found in problems(ANALYZER, snapshot) if found.root] == [
        ("VirtualService shop/leaf",)
    ]


def test_a_proxy_that_holds_the_cluster_still_gets_there() -> None:
    held = client(line(MISSING), config=dump({MISSING: {}}, [MISSING]))
    (found,) = problems(ANALYZER, mesh(in_another_namespace(), proxies=[held, server()]))
    assert not found.root


def future(**spec: Any) -> list[dict[str, Any]]:
    return [*shop(), route_to("future", hosts=["future"], **spec)]


def test_a_rule_prepared_for_a_host_that_is_not_there_yet_breaks_nothing() -> None:
    (found,) = problems(ANALYZER, mesh(future(), proxies=[client(line()), server()]))
    assert (found.outcome.value, found.severity, found.root) == ("warn", Severity.INFO, False)
    assert found.objects == ("VirtualService shop/route",)
    assert "no call to it was seen" in found.message


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(no_cluster(authority="future:80", local="10.9.9.9:80"), id="short name"),
        pytest.param(
            no_cluster(authority="future.shop.svc.cluster.local", local="10.9.9.9:80"), id="in full"
        ),
        pytest.param(
            [line("outbound|80||future.shop.svc.cluster.local", seconds_ago=1800)],
            id="the Service was there until lately",
        ),
    ],
)
def test_a_host_that_is_called_and_not_there_is_at_fault(lines: list[str]) -> None:
    found = named(ANALYZER, mesh(future(), proxies=[client(*lines), server()]))
    assert [(code, at) for code, _, at in found] == [("MD0110", "VirtualService shop/route")]


def test_a_name_outside_the_cluster_may_be_called_where_a_log_is_unread() -> None:
    rule = route_to("api.partner.example", hosts=["api.partner.example"])
    unlogged = proxy(CLIENT, log=None)
    read = client(line(TO_RATINGS))
    assert named(ANALYZER, mesh([*shop(), rule], proxies=[read, server()])) == []
    assert len(named(ANALYZER, mesh([*shop(), rule], proxies=[unlogged, server()]))) == 1


def test_a_rule_beside_one_for_a_host_that_exists_is_at_fault() -> None:
    beside = route_to("future", name="beside", hosts=["ratings"])
    snapshot = mesh([*future(), beside], proxies=[client(line()), server()])
    assert len(named(ANALYZER, snapshot)) == 1
