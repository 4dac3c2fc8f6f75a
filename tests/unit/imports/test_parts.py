"""The parts that read foreign text: YAML, tables, Envoy's text forms, times."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from meshdoctor.imports.container_sections import sections
from meshdoctor.imports.documents import documents, to_json
from meshdoctor.imports.envoy_text import clusters_json, listeners_json
from meshdoctor.imports.event_table import events_of_table
from meshdoctor.imports.kubectl_get import is_manifest
from meshdoctor.imports.newest_time import newest_in_json, newest_in_log
from meshdoctor.imports.proxy_config import is_config_dump
from meshdoctor.imports.yaml_documents import yaml_documents
from meshdoctor.parse.envoy import parse_clusters, parse_listeners


class TestYaml:
    def test_scalars_are_what_kubernetes_takes_them_for(self) -> None:
        text = b'a: 2026-11-21T07:01:57Z\nb: 80:80\nc: "1"\nd: 1e3\ne: =\nf: yes\ng: ~\nh: 0x1f\n'
        [found], damage = yaml_documents(text)
        assert not damage
        assert found == {
            "a": "2026-11-21T07:01:57Z",
            "b": "80:80",
            "c": "1",
            "d": 1000.0,
            "e": "=",
            "f": True,
            "g": None,
            "h": 31,
        }

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (b"[" * 200_000, "too deeply"),
            (b"- " * 50_000, "too deeply"),
            (b"a: &x [1]\nb: [*x, *x]\n", "aliases"),
            (b"a: {<<: {b: 1}}\n", "merge keys"),
            (b"? [a]\n: b\n", "key that is no word"),
            (b"a: \xff\xfe\n", "not valid YAML"),
            (b"a: b: c\n", "not valid YAML"),
            (b"items:\nkind: [\n", "not valid YAML"),
        ],
        ids=[
            "brackets",
            "dashes",
            "aliases",
            "merge",
            "complex key",
            "bytes",
            "nonsense",
            "no items",
        ],
    )
    def test_hostile_yaml_is_refused_with_a_reason(self, text: bytes, words: str) -> None:
        found, damage = yaml_documents(text)
        assert words in damage
        assert not found

    def test_of_a_damaged_list_the_sound_items_are_kept(self) -> None:
        text = b"kind: List\nitems:\n- kind: A\n- kind: [\n- kind: C\n"
        found, damage = yaml_documents(text)
        assert damage
        assert found == [{"kind": "List", "items": [{"kind": "A"}, {"kind": "C"}]}]

    def test_numbers_past_64_bits_and_half_characters_can_be_written(self) -> None:
        [found], damage = documents(b'{"a": 123456789012345678901234567890, "b": "\\ud800"} ')
        assert not damage
        assert json.loads(to_json(found))["b"] == "\ud800"

    def test_json_that_is_cut_keeps_its_whole_items(self) -> None:
        found, damage = documents(b'{"kind": "PodList", "items": [{"a": 1}, {"b": 2}, {"c"')
        assert damage
        assert found == [{"kind": "PodList", "items": [{"a": 1}, {"b": 2}]}]


class TestEnvoyText:
    def test_hosts_carry_their_health_and_counters(self) -> None:
        text = (
            b"outbound|80|v1|a.b.svc::default_priority::max_connections::7\n"
            b"outbound|80|v1|a.b.svc::added_via_api::true\n"
            b"outbound|80|v1|a.b.svc::10.0.0.1:8080::cx_total::3\n"
            b"outbound|80|v1|a.b.svc::10.0.0.1:8080::health_flags::/failed_outlier_check\n"
            b"outbound|80|v1|a.b.svc::[fd00::1]:8080::health_flags::/failed_eds_health\n"
            b"outbound|80|v1|a.b.svc::[fd00::1]:8080::region::eu\n"
        )
        [cluster] = parse_clusters(clusters_json(text)).clusters
        first, second = cluster.hosts
        assert (first.address, first.port, first.cx_total) == ("10.0.0.1", 8080, 3)
        assert first.failed_outlier_check
        assert (second.address, second.eds_health) == ("fd00::1", "UNHEALTHY")
        assert not second.failed_outlier_check

    def test_json_stays_as_it_is(self) -> None:
        assert clusters_json(b'{"cluster_statuses": []}') == b'{"cluster_statuses": []}'
        assert listeners_json(b'{"x": 1}') == b'{"x": 1}'

    def test_what_is_neither_stays_and_is_refused_by_the_parser(self) -> None:
        assert clusters_json(b"404 page not found\n") == b"404 page not found\n"
        assert listeners_json(b"404 page not found\n") == b"404 page not found\n"

    def test_listeners_have_names_and_ports(self) -> None:
        found = parse_listeners(listeners_json(b"0.0.0.0_80::0.0.0.0:80\nv6::[::]:15001\n"))
        assert [(item.name, item.port) for item in found] == [("0.0.0.0_80", 80), ("v6", 15001)]


class TestEventTable:
    _NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def test_rows_become_events_with_times(self) -> None:
        table = (
            b"NAMESPACE   LAST SEEN   TYPE      REASON         OBJECT        MESSAGE       NAME\n"
            b"shop        2m10s       Warning   FailedCreate   replicaset/a  no quota: x   a.1\n"
        )
        [event] = events_of_table(table, self._NOW)
        assert event["involvedObject"]["kind"] == "ReplicaSet"
        assert event["message"] == "no quota: x"
        assert event["lastTimestamp"] == "2026-01-01T11:57:50Z"

    def test_another_table_gives_none(self) -> None:
        assert not list(events_of_table(b"NAME  READY\na  1/1\n", self._NOW))

    def test_an_age_past_all_time_is_no_time(self) -> None:
        table = (
            b"NAMESPACE   LAST SEEN       REASON   OBJECT   MESSAGE\n"
            b"shop        99999999999d    X        pod/a    m\n"
        )
        [event] = events_of_table(table, self._NOW)
        assert event["lastTimestamp"] is None


class TestNewestTime:
    def test_only_times_of_what_happened_count(self) -> None:
        text = b'{"creationTimestamp": "2026-01-01T00:00:00Z", "notAfter": "2036-01-01T00:00:00Z"}'
        assert newest_in_json(text) == datetime(2026, 1, 1, tzinfo=UTC)

    def test_only_times_at_the_start_of_a_line_count(self) -> None:
        text = b"2026-01-01T00:00:00Z info until 2036-01-01T00:00:00Z\n[2026-01-02T00:00:00.5Z] x\n"
        assert newest_in_log(text) == datetime(2026, 1, 2, 0, 0, 0, 500_000, tzinfo=UTC)
        assert newest_in_log(b"no time\n") is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "data",
    [b"\n" * 300_000, b" " * 300_000, b"::" * 300_000, b"{" * 300_000, b"- " * 150_000],
    ids=["newlines", "spaces", "colons", "braces", "dashes"],
)
def test_no_input_takes_long_to_refuse(data: bytes) -> None:
    assert not is_manifest(data)
    assert not is_config_dump(data)
    clusters_json(data)
    listeners_json(data)
    documents(data)
    assert not list(events_of_table(data, datetime(2026, 1, 1, tzinfo=UTC)))
    assert newest_in_log(data) is None


def test_a_pods_logs_are_told_apart() -> None:
    text = (
        b"==== START logs for container istio-proxy of pod shop/a-1 ====\none\n"
        b"==== END logs for container istio-proxy of pod shop/a-1 ====\n"
        b"==== START logs for container app of pod shop/a-1 ====\ntwo\n"
    )
    found = [(item.container, item.namespace, item.pod, item.data) for item in sections(text)]
    assert found == [("istio-proxy", "shop", "a-1", b"one\n"), ("app", "shop", "a-1", b"two\n")]
