"""ztunnel's dump, in both of its shapes, and its log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.parse.errors import ParseError
from meshdoctor.parse.ztunnel import parse_ztunnel_dump
from meshdoctor.parse.ztunnel_log import read_ztunnel_log

WORKLOAD = {
    "uid": "c1//Pod/till/seller-1",
    "name": "seller-1",
    "namespace": "till",
    "workloadIps": ["10.1.0.2"],
    "protocol": "HBONE",
    "node": "node-a",
    "status": "Healthy",
    "waypoint": {"destination": "till/edge.till.svc.cluster.local"},
    "authorizationPolicies": ["till/only-get"],
}
SERVICE = {
    "name": "seller",
    "namespace": "till",
    "hostname": "seller.till.svc.cluster.local",
    "vips": ["net1/10.96.0.10", "/fd00::1"],
    "endpoints": {"a": {}, "b": {}},
}
POLICY = {"name": "p", "namespace": "till", "scope": "Global", "action": "Deny", "rules": [[[]]]}
CERTIFICATE = {
    "identity": "spiffe://cluster.local/ns/till/sa/seller",
    "state": "Available",
    "certChain": [{"validFrom": "2026-11-21T08:00:00Z", "expirationTime": "2026-11-22T08:00:00Z"}],
    "rootCerts": [{"serialNumber": "7"}],
}
STATE = {"uid-1": {"state": "Up", "info": {"name": "seller-1", "namespace": "till"}}}
DUMP: dict[str, Any] = {
    "workloads": [WORKLOAD],
    "services": [SERVICE],
    "policies": [POLICY],
    "certificates": [CERTIFICATE],
    "workloadState": STATE,
    "version": {"istioVersion": "1.30.0"},
}


def parse(document: object) -> Any:
    return parse_ztunnel_dump(json.dumps(document).encode())


LEAVES = st.none() | st.booleans() | st.integers(-9, 2**40) | st.text(max_size=6)
KEYS = st.sampled_from([*WORKLOAD, *CERTIFICATE, "info"])
ENTRY = st.dictionaries(KEYS, LEAVES | st.lists(LEAVES, max_size=2), max_size=3)
ANYTHING = LEAVES | ENTRY | st.lists(ENTRY | LEAVES, max_size=3)


class TestDump:
    def test_every_section_is_reduced_to_what_is_asked_of_it(self) -> None:
        found = parse(DUMP)
        workload = found.workload("till", "seller-1")
        assert (workload.ips, workload.protocol) == (("10.1.0.2",), "HBONE")
        assert workload.waypoint == "till/edge.till.svc.cluster.local"
        assert workload.policies == ("till/only-get",)
        service = found.service("till", "seller")
        assert (service.vips, service.endpoints) == (("10.96.0.10", "fd00::1"), 2)
        assert [(item.action, item.rules) for item in found.policies] == [("Deny", 1)]
        (certificate,) = found.certificates
        assert certificate.expires == datetime(2026, 11, 22, 8, tzinfo=UTC)
        assert certificate.roots == ("7",)
        assert [(item.uid, item.name, item.state) for item in found.pods] == [
            ("uid-1", "seller-1", "Up")
        ]
        assert (found.version, found.errors) == ("1.30.0", ())

    def test_maps_of_older_versions_read_alike(self) -> None:
        old = {**DUMP, "workloads": {"/10.1.0.2": WORKLOAD}, "services": {"k": SERVICE}}
        old["WorkloadState"] = old.pop("workloadState")
        found = parse(old)
        assert found.workload("till", "seller-1").node == "node-a"
        assert found.service("till", "seller").hostname == "seller.till.svc.cluster.local"
        assert found.pods[0].pointer == "/WorkloadState/uid-1"

    @pytest.mark.parametrize("shape", ["list", "map"])
    def test_pointers_lead_back_to_the_entries(self, shape: str) -> None:
        document = {**DUMP, "workloads": [WORKLOAD] if shape == "list" else {"n/10.1": WORKLOAD}}
        found = parse(document)
        for item in (*found.workloads, *found.services, *found.policies, *found.certificates):
            assert resolve_pointer(document, item.pointer)
        assert resolve_pointer(document, f"{found.workloads[0].pointer}/name") == "seller-1"

    def test_a_root_at_the_end_of_an_older_chain_is_the_root(self) -> None:
        chain = [{"serialNumber": "1"}, {"serialNumber": "9"}]
        old = {"identity": "i", "state": {"Unavailable": "x"}, "certChain": chain}
        (found,) = parse({"certificates": [old]}).certificates
        assert (found.roots, found.state) == (("9",), "Unavailable")

    def test_what_is_garbled_is_left_out_and_named(self) -> None:
        found = parse({"workloads": [WORKLOAD, 7], "services": "none", "policies": None})
        assert len(found.workloads) == 1
        assert [text.partition(":")[0] for text in found.errors] == ["/workloads/1", "/services"]

    @pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"workloads":[{]}'])
    def test_what_is_no_object_is_an_error(self, data: bytes) -> None:
        with pytest.raises(ParseError):
            parse_ztunnel_dump(data)

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(sorted(DUMP)), ANYTHING, max_size=2))
    def test_whatever_stands_in_a_section_is_read_or_named(self, document: dict[str, Any]) -> None:
        found = parse(document)
        for item in (*found.workloads, *found.services, *found.policies, *found.certificates):
            resolve_pointer(document, item.pointer)


COMPLETE = (
    "2026-11-21T08:00:0{n}.000000Z\t{level}\taccess\tconnection complete\tsrc.addr=10.1.0.1:4000 "
    'src.workload="buyer-1" src.namespace="till" src.identity="spiffe://c/ns/till/sa/buyer" '
    'dst.addr=10.1.0.2:15008 dst.hbone_addr=10.1.0.2:8080 dst.service="seller.till" '
    'dst.workload="seller-1" dst.namespace="till" direction="outbound" duration="5ms"{tail}'
)
UNKNOWN = (
    "2026-11-21T08:00:09.000000Z\twarn\taccess\tconnection failed\tsrc.addr=[fd00::5]:77 "
    'dst.addr=10.96.0.10:8080 direction="outbound" error="unknown waypoint: Hostname { a: '
    '\\"till\\" } not found"'
)


def read(*lines: str) -> Any:
    return read_ztunnel_log("".join(f"{text}\n" for text in lines).encode())


class TestLog:
    def test_failures_are_kept_and_successes_are_the_newest_of_a_kind(self) -> None:
        fine = [COMPLETE.format(n=n, level="info", tail="") for n in (1, 2, 3)]
        failed = COMPLETE.format(n=4, level="error", tail=' error="http status: 401"')
        found = read(*fine, failed)
        assert [item.line for item in found.latest] == [3]
        (failure,) = found.failures
        assert (failure.line, failure.error) == (4, "http status: 401")
        assert (failure.source_pod, failure.source_ip) == ("buyer-1", "10.1.0.1")
        assert (failure.target_ip, failure.target_port, failure.inner_port) == (
            "10.1.0.2",
            15008,
            8080,
        )
        assert failure.text == failed
        assert found.connections == 4

    def test_an_early_failure_knows_addresses_alone(self) -> None:
        (failure,) = read(UNKNOWN).failures
        assert (failure.source_ip, failure.source_pod) == ("fd00::5", "")
        assert failure.error == 'unknown waypoint: Hostname { a: "till" } not found'

    def test_json_reads_as_text_does(self) -> None:
        document = {
            "level": "error",
            "time": "2026-11-21T08:00:01.000000Z",
            "scope": "access",
            "message": "connection complete",
            "src.addr": "10.1.0.1:4000",
            "dst.addr": "10.1.0.2:15008",
            "direction": "inbound",
            "error": "tls error",
        }
        (failure,) = read(json.dumps(document)).failures
        assert (failure.direction, failure.error, failure.target_port) == (
            "inbound",
            "tls error",
            15008,
        )

    def test_of_its_own_lines_warnings_are_kept_and_printed_configuration_is_no_noise(self) -> None:
        found = read(
            "2026-11-21T08:00:00.000000Z\tinfo\tztunnel\trunning with config: proxy: true",
            "dnsProxy: true",
            "2026-11-21T08:00:01.000000Z\twarn\tproxy::h2::client\tHBONE ping timeout/error\t",
        )
        assert [item.message for item in found.lines] == ["HBONE ping timeout/error"]
        assert found.unparsed == 0
        assert read("nothing known", "at all").unparsed == 2

    def test_lines_keep_their_number_in_a_log_whose_head_was_left_out(self) -> None:
        assert read_ztunnel_log(UNKNOWN.encode(), first_line=900).failures[0].line == 900

    @given(st.binary(max_size=400) | st.text(alphabet='\t ="\\{}:.acdeinrst0123456789-TZ\n'))
    def test_any_bytes_are_a_log(self, data: bytes | str) -> None:
        raw = data if isinstance(data, bytes) else data.encode()
        found = read_ztunnel_log(UNKNOWN.encode() + b"\n" + raw)
        assert found.failures[0].line == 1
