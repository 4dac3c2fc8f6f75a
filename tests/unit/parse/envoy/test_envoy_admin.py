from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.envoy import duration_seconds
from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.parse.envoy import (
    parse_certs,
    parse_clusters,
    parse_listeners,
    parse_server_info,
    parse_stats,
)
from meshdoctor.parse.errors import ParseError
from tests.unit.parse.envoy.dumps import pointers, socket


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_hosts_keep_health_and_counters() -> None:
    document = {
        "cluster_statuses": [
            {
                "name": "outbound|80||a",
                "added_via_api": True,
                "circuit_breakers": {"thresholds": [{"max_connections": 1}]},
                "host_statuses": [
                    {
                        "address": socket("10.0.0.1", 80),
                        "health_status": {
                            "eds_health_status": "HEALTHY",
                            "failed_outlier_check": True,
                            "pending_dynamic_removal": True,
                        },
                        "stats": [
                            {"name": "cx_total", "value": "18446744073709551615"},
                            {"name": "rq_error", "value": 3},
                            {"name": "rq_total"},
                        ],
                        "weight": 1,
                        "hostname": "a",
                    },
                    {"address": {"pipe": {"path": "./XDS"}}},
                ],
            }
        ]
    }
    found = parse_clusters(as_bytes(document))
    cluster = found.cluster("outbound|80||a")
    assert cluster
    assert cluster.circuit_breakers
    assert cluster.circuit_breakers.max_connections == 1
    first, second = found.hosts_of("outbound|80||a")
    assert (first.cx_total, first.rq_error, first.rq_total) == (18446744073709551615, 3, 0)
    assert (first.eds_health, first.failed_outlier_check) == ("HEALTHY", True)
    assert first.flags == ("failed_outlier_check", "pending_dynamic_removal")
    assert (str(second), second.eds_health) == ("./XDS", "UNKNOWN")
    assert first.pointer == "/cluster_statuses/0/host_statuses/0"
    assert found.hosts_of("nobody") == ()
    for pointer in pointers(found.clusters):
        resolve_pointer(document, pointer)


def test_clusters_that_are_garbled_are_named() -> None:
    found = parse_clusters(as_bytes({"cluster_statuses": [{}, 3, {"name": "a"}]}))
    assert [item.name for item in found.clusters] == ["a"]
    assert found.errors == (
        "/cluster_statuses/0: a cluster without a name",
        "/cluster_statuses/1: not an object",
    )


def test_certificates_keep_their_life_and_names() -> None:
    chain = {
        "serial_number": "5f6a",
        "subject_alt_names": [{"uri": "spiffe://a"}, {"dns": "a.example"}],
        "days_until_expiration": "3649",
        "valid_from": "2026-11-21T07:09:10Z",
        "expiration_time": "never",
    }
    found = parse_certs(as_bytes({"certificates": [{"cert_chain": [chain], "ca_cert": []}]}))
    details = found[0].cert_chain[0]
    assert (details.serial, details.sans) == ("5f6a", ("spiffe://a", "a.example"))
    assert details.days_until_expiration == 3649
    assert details.valid_from == datetime(2026, 11, 21, 7, 9, 10, tzinfo=UTC)
    assert details.expiration_time is None
    assert details.pointer == "/certificates/0/cert_chain/0"


def test_bound_listeners_keep_their_socket() -> None:
    entries = [{"name": "a", "local_address": socket("0.0.0.0", 15006)}, {"name": "internal"}]
    found = parse_listeners(as_bytes({"listener_statuses": entries}))
    assert [(item.name, item.port) for item in found] == [("a", 15006), ("internal", 0)]
    assert found[1].pointer == "/listener_statuses/1"


def test_server_info_keeps_state_version_and_uptime() -> None:
    document = {
        "version": "9e55/1.40.0/Clean/RELEASE/BoringSSL",
        "state": "PRE_INITIALIZING",
        "uptime_current_epoch": "920.5s",
        "uptime_all_epochs": "?",
        "command_line_options": {"concurrency": 2, "restart_epoch": 1},
        "node": {"extensions": [{}]},
    }
    found = parse_server_info(as_bytes(document))
    assert (found.state, found.envoy_version) == ("PRE_INITIALIZING", "1.40.0")
    assert (found.uptime_seconds, found.uptime_all_seconds) == (920.5, None)
    assert (found.concurrency, found.restart_epoch) == (2, 1)


def test_a_server_that_does_not_say_its_state_is_live() -> None:
    assert parse_server_info(b"{}").state == "LIVE"


@pytest.mark.parametrize("data", [b"", b"[]", b"\x80", b'{"version": "\x80"}', b"[" * 5000])
@pytest.mark.parametrize("parse", [parse_clusters, parse_certs, parse_listeners, parse_server_info])
def test_what_is_no_object_is_refused(parse: Any, data: bytes) -> None:
    with pytest.raises(ParseError):
        parse(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
)


@given(JSON, JSON)
def test_any_json_is_read_or_refused(one: Any, other: Any) -> None:
    for key, inner, parse in (
        ("cluster_statuses", "host_statuses", parse_clusters),
        ("certificates", "cert_chain", parse_certs),
        ("listener_statuses", "local_address", parse_listeners),
        ("command_line_options", "concurrency", parse_server_info),
    ):
        for document in ({key: one}, {key: [{"name": "a", inner: other}]}, {key: {inner: other}}):
            try:
                parse(as_bytes(document))
            except ParseError:
                continue


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10.0), ("0.250s", 0.25), ("", None), ("s", None), ("10", None), ("1.2.3s", None)],
)
def test_durations_are_seconds(text: str, seconds: float | None) -> None:
    assert duration_seconds(text) == seconds


STATS = b"""\
cluster_manager.cds.version_text: "2026-11-21T07:11:42Z/17"
cluster_manager.cds.update_rejected: 2
cluster.xds-grpc;.upstream_cx_active: 1
cluster.xds-grpc;.http2.trailers: 0
cluster.outbound|80||a.b;.upstream_rq_pending_overflow: 9
server.live: 1
server.wip_protos: 0
http.inbound_0.0.0.0_8080;.rbac.denied: 4
http.inbound_0.0.0.0_8080;.rbac.istio_dry_run_allow_.shadow_denied: 5
cluster_manager.cds.update_duration: P0(nan,0) P25(nan,0)
\xff\xfe: 3

"""


def test_stats_are_kept_by_name_with_or_without_istios_delimiter() -> None:
    found = parse_stats(STATS)
    assert {key: stat.value for key, stat in found.items()} == {
        "cluster_manager.cds.version_text": "2026-11-21T07:11:42Z/17",
        "cluster_manager.cds.update_rejected": 2,
        "cluster.xds-grpc.upstream_cx_active": 1,
        "cluster.outbound|80||a.b.upstream_rq_pending_overflow": 9,
        "server.live": 1,
        "http.inbound_0.0.0.0_8080.rbac.denied": 4,
        "http.inbound_0.0.0.0_8080.rbac.istio_dry_run_allow_.shadow_denied": 5,
    }
    plain = parse_stats(STATS.replace(b";", b""))
    assert plain.keys() == found.keys()


def test_a_stats_line_number_leads_to_it() -> None:
    lines = STATS.decode("utf-8", errors="replace").split("\n")
    for stat in parse_stats(STATS).values():
        assert lines[stat.line - 1].startswith(f"{stat.name}: ")


@given(st.binary(max_size=300))
def test_any_bytes_are_stats_or_none(data: bytes) -> None:
    for key, stat in parse_stats(data).items():
        assert key
        assert stat.line >= 1
