"""Ports and clients that bypass their sidecar."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.mtls_inbound_capture import ANALYZER as INBOUND
from meshdoctor.analyze.mtls_outbound_capture import ANALYZER as OUTBOUND
from meshdoctor.analyze.mtls_unknown_clients import ANALYZER as UNKNOWN_CLIENTS
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh, pod
from tests.unit.analyze.mtls_build import (
    AT_PAYMENTS,
    CLIENT_IP,
    SERVER_IP,
    TO_PAYMENTS,
    call,
    client,
    client_pod,
    objects,
    policy,
    refusal,
    rule,
    server,
    server_pod,
    snapshot,
    tls_garbled,
)
from tests.unit.analyze.traffic_build import hosts, passed, problems, unknowns

PREFIX = "traffic.sidecar.istio.io/"
SERVER_OWNER, CLIENT_OWNER = "Deployment pay/payments-v1", "Deployment shop/client-v1"


def annotated(made: dict[str, Any], **annotations: str) -> dict[str, Any]:
    made["metadata"]["annotations"] |= {PREFIX + key: value for key, value in annotations.items()}
    return made


def excluded_server(ports: str = "9000,8080") -> dict[str, Any]:
    return annotated(server_pod(), excludeInboundPorts=ports)


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1
    return found[0]


def garbled() -> list[Any]:
    return [client(*[tls_garbled(ago=n) for n in (12, 11, 10)]), server()]


class TestInbound:
    def test_a_port_left_out_of_capture_meets_the_handshake_itself(self) -> None:
        found = only(problems(INBOUND, snapshot(server=excluded_server(), proxies=garbled())))
        assert (found.code, found.subject) == ("MD0205", AT_PAYMENTS)
        assert found.outcome is Outcome.FAIL
        assert found.objects == (SERVER_OWNER,)
        assert [item.source for item in found.affected] == [CLIENT_OWNER]
        assert '"9000"' in found.fills["capture"]
        assert '"9000,8080"' in found.fills["bypass"]

    def test_a_list_of_included_ports_that_lacks_it_does_the_same(self) -> None:
        apart = annotated(server_pod(), includeInboundPorts="9000")
        found = only(problems(INBOUND, snapshot(server=apart, proxies=garbled())))
        assert '"9000,8080"' in found.fills["capture"]

    def test_without_logs_the_clients_counters_tell(self) -> None:
        counted = hosts({TO_PAYMENTS: [{"ip": SERVER_IP, "cx_total": 4, "cx_connect_fail": 4}]})
        seen = client(log=None, hosts=counted)
        mesh = snapshot(server=excluded_server(), proxies=[seen, server(log=None)])
        assert only(problems(INBOUND, mesh)).objects == (SERVER_OWNER,)

    def test_without_logs_and_counters_nobody_can_tell(self) -> None:
        mesh = snapshot(server=excluded_server(), proxies=[client(log=None), server(log=None)])
        assert problems(INBOUND, mesh) == []
        assert "MD0205" in unknowns(INBOUND, mesh)

    @pytest.mark.parametrize("kind", [SERVICE, POD])
    def test_what_it_joins_must_be_read(self, kind: Any) -> None:
        mesh = snapshot(server=excluded_server(), proxies=garbled(), unread=[kind])
        assert unknowns(INBOUND, mesh) == {"MD0205": (kind.input,)}

    def test_another_port_left_out_is_no_fault(self) -> None:
        mesh = snapshot(server=excluded_server("9000"), proxies=garbled())
        assert problems(INBOUND, mesh) == []
        assert passed(INBOUND, mesh) == {("MD0205", AT_PAYMENTS)}

    def test_a_port_that_clients_are_told_to_send_plaintext_to_works(self) -> None:
        plain = policy("STRICT", app="payments", ports={8080: "DISABLE"})
        mesh = snapshot(plain, server=excluded_server(), proxies=[client(call()), server()])
        assert problems(INBOUND, mesh) == []

    def test_a_rule_that_sends_plaintext_works(self) -> None:
        mesh = snapshot(rule(), server=excluded_server(), proxies=[client(call()), server()])
        assert problems(INBOUND, mesh) == []

    def test_a_port_whose_newest_call_was_answered_works(self) -> None:
        mended = [client(tls_garbled(ago=60), call(ago=5)), server()]
        assert problems(INBOUND, snapshot(server=excluded_server(), proxies=mended)) == []

    def test_a_port_that_nobody_calls_is_no_fault(self) -> None:
        mesh = snapshot(server=excluded_server(), proxies=[client(), server()])
        assert problems(INBOUND, mesh) == []


def limited(*proxies: Any, strict: bool = True, **annotations: Any) -> Snapshot:
    parts = objects(*([policy()] if strict else []))
    made = [annotated(client_pod(), **annotations) if _is_client(p) else p for p in parts]
    return mesh(made, proxies=proxies or (client(call()), server()))


def _is_client(part: Any) -> bool:
    return (part["kind"], part["metadata"].get("namespace")) == ("Pod", "shop")


REFUSED = (client(), server(*[refusal(CLIENT_IP, ago=n) for n in (12, 11, 10)]))


class TestOutbound:
    @pytest.mark.parametrize(
        ("key", "value", "captured"),
        [
            ("excludeOutboundPorts", "5432,8080", '"5432"'),
            ("excludeOutboundPorts", "8080", "null"),
            ("excludeOutboundIPRanges", "10.96.0.0/16", "null"),
            ("includeOutboundIPRanges", "172.16.0.0/12", '"172.16.0.0/12,10.96.0.10/32"'),
        ],
    )
    def test_a_client_that_keeps_its_calls_out_is_named(
        self, key: str, value: str, captured: str
    ) -> None:
        found = only(problems(OUTBOUND, limited(*REFUSED, **dict[str, Any]({key: value}))))
        assert (found.code, found.subject) == ("MD0206", AT_PAYMENTS)
        assert found.objects == (CLIENT_OWNER, "PeerAuthentication pay/default")
        assert f'"{PREFIX}{key}": {captured}' in found.fills["capture"]

    def test_it_is_told_once(self) -> None:
        mesh = limited(*REFUSED, excludeOutboundPorts="8080")
        assert problems(UNKNOWN_CLIENTS, mesh) == []

    @pytest.mark.parametrize(
        "annotations",
        [
            {},
            {"excludeOutboundPorts": "9090"},
            {"includeOutboundIPRanges": "10.0.0.0/8"},
            {"includeOutboundIPRanges": "172.16.0.0/12", "includeOutboundPorts": "8080"},
        ],
        ids=["none", "another port", "a range that holds it", "the port is included again"],
    )
    def test_plaintext_that_no_annotation_explains_is_not_blamed_on_one(
        self, annotations: dict[str, Any]
    ) -> None:
        mesh = limited(*REFUSED, **annotations)
        assert problems(OUTBOUND, mesh) == []
        assert only(problems(UNKNOWN_CLIENTS, mesh)).code == "MD0204"

    def test_a_limited_client_that_is_not_refused_is_ruled_out(self) -> None:
        mesh = limited(excludeOutboundPorts="8080")
        assert problems(OUTBOUND, mesh) == []
        assert passed(OUTBOUND, mesh) == {("MD0206", AT_PAYMENTS)}

    def test_a_permissive_server_takes_it(self) -> None:
        mesh = limited(strict=False, excludeOutboundPorts="8080")
        assert list(OUTBOUND.analyze(mesh)) == []

    def test_without_the_servers_log_nobody_can_tell(self) -> None:
        mesh = limited(client(), server(log=None), excludeOutboundPorts="8080")
        assert "MD0206" in unknowns(OUTBOUND, mesh)

    def test_without_policies_nobody_can_tell_where_some_client_is_limited(self) -> None:
        pods = [annotated(pod("x"), excludeOutboundPorts="8080")]
        unread = mesh(pods, unread=[PEER_AUTHENTICATION])
        assert unknowns(OUTBOUND, unread) == {"MD0206": (PEER_AUTHENTICATION.input,)}
        assert unknowns(OUTBOUND, mesh([pod("x")], unread=[PEER_AUTHENTICATION])) == {}
