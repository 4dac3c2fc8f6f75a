from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.dns_hosts import ANALYZER
from meshdoctor.model.finding import FactState
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.traffic_build import (
    CLIENT,
    client,
    dump,
    hosts,
    line,
    named,
    no_healthy_upstream,
    passed,
    problems,
    server,
    shop,
    unknowns,
)

HOST = "api.partner.example"
CLUSTER = f"outbound|443||{HOST}"
TO = f"destination {HOST}:443"
FOUND = ("MD0130", TO, "ServiceEntry shop/ext")
CALLS = no_healthy_upstream(CLUSTER, authority=HOST)


def entry(resolution: str = "DNS", **spec: Any) -> dict[str, Any]:
    ports = [{"number": 443, "name": "tls", "protocol": "TLS"}]
    return istio_object(
        "ServiceEntry", "ext", **{"hosts": [HOST], "ports": ports, "resolution": resolution, **spec}
    )


def caller(*addresses: str, lines: list[str] | None = None, kind: str = "STRICT_DNS") -> Any:
    held = hosts({CLUSTER: [{"ip": ip, "port": 443} for ip in addresses]})
    return client(
        *(CALLS if lines is None else lines), hosts=held, config=dump({CLUSTER: {"type": kind}})
    )


@pytest.mark.parametrize("kind", ["STRICT_DNS", "LOGICAL_DNS"])
def test_a_cluster_that_dns_leaves_empty_is_the_entrys_fault(kind: str) -> None:
    snapshot = mesh([*shop(), entry()], proxies=[caller(kind=kind), server()])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert {fact.state for fact in found.facts} == {FactState.HOLDS}
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]


def test_a_name_that_has_an_address_is_in_order() -> None:
    snapshot = mesh([*shop(), entry()], proxies=[caller("192.0.2.7", lines=[line(CLUSTER)])])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {("MD0130", TO)}


def test_an_ejected_host_has_an_address_all_the_same() -> None:
    held = hosts({CLUSTER: [{"ip": "192.0.2.7", "port": 443, "ejected": True}]})
    caller = client(*CALLS, hosts=held, config=dump({CLUSTER: {"type": "STRICT_DNS"}}))
    assert problems(ANALYZER, mesh([*shop(), entry()], proxies=[caller])) == []


@pytest.mark.parametrize("resolution", ["STATIC", "NONE"])
def test_what_is_not_left_to_dns_is_no_matter_of_dns(resolution: str) -> None:
    snapshot = mesh([*shop(), entry(resolution)], proxies=[caller(kind="EDS")])
    assert list(ANALYZER.analyze(snapshot)) == []


def test_the_names_of_endpoints_are_asked_instead_of_the_host() -> None:
    endpoints = [{"address": "one.example"}, {"address": "two.example"}]
    snapshot = mesh([*shop(), entry(endpoints=endpoints)], proxies=[caller()])
    (found,) = problems(ANALYZER, snapshot)
    assert found.fills["names"] == "one.example, two.example"
    assert "/spec/endpoints/0/address" in found.fills["command"]


def test_an_endpoint_with_an_address_needs_no_dns() -> None:
    snapshot = mesh([*shop(), entry(endpoints=[{"address": "192.0.2.7"}])], proxies=[caller()])
    assert list(ANALYZER.analyze(snapshot)) == []


def test_a_name_that_nobody_calls_names_no_root_cause() -> None:
    idle = caller(lines=[line("outbound|8080||other.shop.svc.cluster.local")])
    (found,) = problems(ANALYZER, mesh([*shop(), entry()], proxies=[idle, server()]))
    assert not found.root


def test_without_access_logs_the_empty_cluster_decides() -> None:
    silent = proxy(
        CLIENT, hosts=hosts({CLUSTER: []}), config=dump({CLUSTER: {"type": "STRICT_DNS"}})
    )
    snapshot = mesh([*shop(), entry()], proxies=[silent])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert found.facts[-1].state is FactState.UNREAD


def test_it_cannot_be_told_without_proxies() -> None:
    snapshot = mesh([*shop(), entry()])
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == {"MD0130": ("proxies/clusters.json",)}


def test_other_proxies_do_not_speak_for_the_callers() -> None:
    other = server(hosts=hosts({CLUSTER: []}), config=dump({CLUSTER: {"type": "STRICT_DNS"}}))
    resolved = caller("192.0.2.7", lines=[line(CLUSTER)])
    assert problems(ANALYZER, mesh([*shop(), entry()], proxies=[resolved, other])) == []
