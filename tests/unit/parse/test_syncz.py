from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.evidence import excerpt_of, resolve_pointer
from meshdoctor.model.istiod import ProxySync, SyncStatus, TypeSync
from meshdoctor.parse.errors import ParseError
from meshdoctor.parse.syncz import nonce_time, parse_connections, parse_syncz, short_type

TYPE = "type.googleapis.com/"
CDS = TYPE + "envoy.config.cluster.v3.Cluster"
LDS = TYPE + "envoy.config.listener.v3.Listener"
EDS = TYPE + "envoy.config.endpoint.v3.ClusterLoadAssignment"
RDS = TYPE + "envoy.config.route.v3.RouteConfiguration"
SDS = TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret"
OLD = "2026-11-21T07:46:57Z/1971"
NEW = "2026-11-21T07:47:00Z/201f"
NEVER = "0001-01-01T00:00:00Z"


def read(*entries: dict[str, Any]) -> tuple[ProxySync, ...]:
    return parse_syncz(json.dumps(entries).encode())


def entry(resources: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    base = {
        "cluster_id": "Kubernetes",
        "proxy": "web-1.shop",
        "proxy_type": "sidecar",
        "istio_version": "1.30.2",
    }
    return {**base, **({"resources": resources} if resources is not None else {}), **more}


def of(sync: ProxySync, name: str) -> TypeSync:
    found = sync.sync(name)
    assert found is not None
    return found


class TestFlatEntriesUpTo122:
    ENTRY = entry(
        cluster_sent=OLD, cluster_acked=OLD, listener_sent=NEW, listener_acked=OLD, route_sent=NEW
    )

    def test_equal_nonces_are_synced_and_different_ones_stale(self) -> None:
        (sync,) = read(self.ENTRY)
        assert of(sync, "CDS").status is SyncStatus.SYNCED
        assert of(sync, "LDS").status is SyncStatus.STALE

    def test_a_push_that_was_never_answered_is_stale(self) -> None:
        (sync,) = read(self.ENTRY)
        assert of(sync, "RDS").status is SyncStatus.STALE
        assert of(sync, "RDS").acked == ""

    def test_istiod_leaves_out_empty_nonces_so_an_absent_type_is_absent(self) -> None:
        (sync,) = read(self.ENTRY)
        assert sync.sync("EDS") is None
        assert [item.type for item in sync.types] == ["CDS", "LDS", "RDS"]

    def test_the_time_of_the_push_stands_in_the_nonce(self) -> None:
        (sync,) = read(self.ENTRY)
        assert of(sync, "LDS").sent_at == datetime(2026, 11, 21, 7, 47, 0, tzinfo=UTC)

    def test_a_rejection_cannot_be_told_from_a_late_answer(self) -> None:
        (sync,) = read(self.ENTRY)
        assert of(sync, "LDS").error is None

    def test_extension_config_is_read_too(self) -> None:
        (sync,) = read(entry(extensionconfig_sent=NEW, extensionconfig_acked=NEW))
        assert of(sync, "ECDS").status is SyncStatus.SYNCED

    def test_the_pointer_leads_to_the_nonce_that_was_sent(self) -> None:
        (sync,) = read(self.ENTRY)
        assert resolve_pointer([self.ENTRY], of(sync, "LDS").pointer) == NEW


class TestResourcesFrom123:
    def test_the_map_counts_although_the_flat_fields_are_still_there(self) -> None:
        (sync,) = read(
            entry({LDS: {"sent": NEW, "acked": NEW}}, listener_sent=NEW, listener_acked=OLD)
        )
        assert of(sync, "LDS").status is SyncStatus.SYNCED
        assert [item.type for item in sync.types] == ["LDS"]

    def test_a_rejection_is_an_error_with_the_proxys_reason(self) -> None:
        (sync,) = read(entry({LDS: {"sent": NEW, "acked": OLD, "lastError": "bad filter"}}))
        assert of(sync, "LDS").status is SyncStatus.ERROR
        assert of(sync, "LDS").error == "bad filter"

    def test_a_first_push_that_was_rejected_is_an_error_without_an_acked_nonce(self) -> None:
        (sync,) = read(entry({LDS: {"sent": NEW, "lastError": "bad filter"}}))
        assert of(sync, "LDS").status is SyncStatus.ERROR

    def test_a_type_with_gos_zero_time_was_never_sent(self) -> None:
        (sync,) = read(entry({SDS: {"sentTime": NEVER}}))
        assert of(sync, "SDS").status is SyncStatus.NOT_SENT
        assert of(sync, "SDS").sent_at is None

    def test_the_time_of_the_push_has_fractions_of_any_length(self) -> None:
        time = "2026-11-21T07:47:00.637564891Z"
        (sync,) = read(entry({LDS: {"sent": NEW, "acked": OLD, "sentTime": time}}))
        assert of(sync, "LDS").sent_at == datetime(2026, 11, 21, 7, 47, 0, 637564, tzinfo=UTC)

    def test_a_type_the_proxy_did_not_ask_for_is_missing(self) -> None:
        (sync,) = read(entry({CDS: {"sent": NEW, "acked": NEW}}))
        assert sync.sync("RDS") is None

    def test_a_type_without_a_short_name_keeps_its_url(self) -> None:
        url = TYPE + "agentgateway.dev.resource.Resource"
        (sync,) = read(entry({url: {"sent": NEW, "acked": NEW}}))
        assert [item.type for item in sync.types] == [url]

    def test_the_pointer_leads_to_the_entry_of_the_type(self) -> None:
        item = {"sent": NEW, "acked": OLD, "lastError": "bad"}
        document = [entry(), entry({LDS: item})]
        sync = read(*document)[1]
        assert resolve_pointer(document, of(sync, "LDS").pointer) == item
        assert excerpt_of(resolve_pointer(document, sync.pointer + "/proxy")) == "web-1.shop"

    def test_a_connection_that_watches_nothing_has_no_types(self) -> None:
        (sync,) = read(entry({}))
        assert sync.types == ()


class TestWho:
    def test_the_namespace_is_the_last_part_of_the_proxys_name(self) -> None:
        (sync,) = read(entry(proxy="web.v1-0.shop"))
        assert (sync.pod, sync.namespace) == ("web.v1-0", "shop")

    def test_istioctls_own_connections_are_marked_as_tools(self) -> None:
        tool, proxy = read(entry(istio_version="65536.65536.65536"), entry())
        assert (tool.is_tool, proxy.is_tool) == (True, False)

    def test_a_ztunnel_that_states_no_version_is_read(self) -> None:
        raw = entry(proxy="ztunnel-x.istio-system", proxy_type="ztunnel")
        del raw["istio_version"]
        (sync,) = read(raw)
        assert (sync.type, sync.version) == ("ztunnel", "")

    @pytest.mark.parametrize("garbled", [None, 7, {"cluster_id": "x"}, {"proxy": 7}])
    def test_an_entry_that_names_no_proxy_spoils_the_whole(self, garbled: object) -> None:
        with pytest.raises(ParseError, match="entry 1 names no proxy"):
            parse_syncz(json.dumps([entry(), garbled]).encode())

    def test_an_istiod_without_connections_prints_null(self) -> None:
        assert parse_syncz(b"null") == ()

    def test_an_answer_that_is_no_array_is_an_error(self) -> None:
        with pytest.raises(ParseError):
            parse_syncz(b'{"error": "forbidden"}')


class TestShortNames:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            (CDS, "CDS"),
            (LDS, "LDS"),
            (EDS, "EDS"),
            (RDS, "RDS"),
            (SDS, "SDS"),
            (TYPE + "envoy.config.core.v3.TypedExtensionConfig", "ECDS"),
            (TYPE + "istio.networking.nds.v1.NameTable", "NDS"),
            (TYPE + "istio.workload.Address", "WDS"),
            (TYPE + "istio.workload.Workload", "WDS"),
            (TYPE + "istio.security.Authorization", "WADS"),
        ],
    )
    def test_every_type_has_istioctls_short_name(self, url: str, name: str) -> None:
        assert short_type(url) == name


class TestConnections:
    def test_the_newest_connection_of_a_proxy_counts(self) -> None:
        data = {
            "totalClients": 3,
            "clients": [
                {"connectionId": "web-1.shop-9", "connectedAt": "2026-11-21T07:40:00Z"},
                {"connectionId": "web-1.shop-12", "connectedAt": "2026-11-21T07:45:00Z"},
                {"connectionId": "pay-1.pay-3", "connectedAt": "2026-11-21T07:41:00Z"},
            ],
        }
        found = parse_connections(json.dumps(data).encode())
        assert {name: time.minute for name, time in found.items()} == {
            "web-1.shop": 45,
            "pay-1.pay": 41,
        }

    def test_clients_without_a_time_are_left_out(self) -> None:
        data = {"clients": [{"connectionId": "web-1.shop-9"}, None]}
        assert parse_connections(json.dumps(data).encode()) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["proxy", "resources", "cluster_sent", "istio_version", "x"]), JSON
        )
        | JSON,
        max_size=4,
    )
)
def test_any_json_array_is_read_or_refused_and_every_pointer_resolves(document: list[Any]) -> None:
    try:
        found = parse_syncz(json.dumps(document).encode())
    except ParseError:
        found = ()
    for sync in found:
        assert isinstance(resolve_pointer(document, sync.pointer), dict)
        for item in sync.types:
            resolve_pointer(document, item.pointer)


@given(st.text(max_size=40))
def test_any_nonce_has_a_time_or_none(nonce: str) -> None:
    time = nonce_time(nonce)
    assert time is None or time.tzinfo is not None
