from __future__ import annotations

import json
import weakref
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.parse.envoy import parse_clusters, parse_config_dump, sharing
from meshdoctor.parse.envoy.sharing import TIMES, entry_key, open_pool, shared
from tests.unit.parse.envoy.dumps import (
    active,
    assignment,
    cluster,
    clusters,
    document,
    endpoints,
    host,
    http,
    lb_endpoint,
    listener,
    read,
    route_config,
    routes,
    section,
    socket,
    to,
    whole_dump,
)
from tests.unit.parse.envoy.test_envoy_config_dump import VALUES, broken, camel

WHOLE = {"configs": whole_dump()}


@pytest.fixture(autouse=True)
def forget() -> None:
    """Let no dump that another test holds on to take part."""
    sharing._latest = weakref.ref(sharing.Pool())


def entry(time: str, **fields: Any) -> dict[str, Any]:
    return {"last_updated": time, **fields}


def cds(time: str, *names: str) -> dict[str, Any]:
    entries = [entry(time, version_info=time, cluster=cluster(name)) for name in names]
    return section("Clusters", dynamic_active_clusters=entries)


def lds(time: str, version: str) -> dict[str, Any]:
    state = entry(time, listener=listener("a", 80), version_info=version)
    return section("Listeners", dynamic_listeners=[{"name": "a", "active_state": state}])


def statuses(*values: dict[str, Any]) -> bytes:
    return json.dumps({"cluster_statuses": values}).encode()


def host_status(requests: int) -> dict[str, Any]:
    return {
        "address": socket("10.0.0.1", 80),
        "stats": [{"name": "rq_total", "value": str(requests)}],
    }


def test_what_two_proxies_hold_alike_is_kept_once() -> None:
    endpoint = endpoints(assignment("a", lb_endpoint(socket("10.0.0.1", 80))))
    config = routes(route_config("80", host("a", to("a"))))
    one = read(cds("t1", "a", "b"), endpoint, config)
    other = read(cds("t2", "a", "b"), endpoint, config)
    assert one == other
    assert all(x is y for x, y in zip(one.clusters, other.clusters, strict=True))
    assert one.endpoints[0] is other.endpoints[0]
    assert one.routes[0] is other.routes[0]


def test_an_entry_that_stands_elsewhere_has_pointers_of_its_own() -> None:
    one, other = read(cds("t", "a", "b")), read(cds("t", "b"))
    assert [item.pointer for item in one.clusters + other.clusters] == [
        "/configs/0/dynamic_active_clusters/0",
        "/configs/0/dynamic_active_clusters/1",
        "/configs/0/dynamic_active_clusters/0",
    ]


def test_an_entry_that_stands_elsewhere_shares_its_parts() -> None:
    held = to("a", retry_policy={"retry_on": "5xx"})
    one = read(routes(route_config("80", host("a", held))))
    other = read(routes(route_config("", host("x")), route_config("80", host("a", held))))
    route, moved = one.routes[0].virtual_hosts[0].routes[0], other.routes[1].virtual_hosts[0]
    assert route.match is moved.routes[0].match
    assert route.clusters is moved.routes[0].clusters


def test_entries_that_differ_in_anything_that_is_read_are_kept_apart() -> None:
    one = read(clusters(cluster("a", type="EDS")))
    other = read(clusters(cluster("a", type="STATIC")))
    assert [item.clusters[0].type for item in (one, other)] == ["EDS", "STATIC"]


def test_a_listener_keeps_its_version_but_not_its_time() -> None:
    dumps = [read(lds("t1", "v1")), read(lds("t2", "v1")), read(lds("t2", "v2"))]
    first, same, newer = (dump.listeners[0] for dump in dumps)
    assert first is same
    assert (first.version, newer.version) == ("v1", "v2")


def test_a_state_of_a_dump_in_camel_case_is_not_taken_for_one_in_snake_case() -> None:
    plain = [clusters(cluster("a"))]
    spelt = camel(plain)
    spelt[0]["dynamicActiveClusters"] = plain[0]["dynamic_active_clusters"]
    one, other = parse_config_dump(document(*plain)), parse_config_dump(document(*spelt))
    assert resolve_pointer({"configs": plain}, one.clusters[0].pointer)
    assert resolve_pointer({"configs": spelt}, other.clusters[0].pointer)


def test_a_garbled_entry_is_named_for_every_proxy_that_holds_it() -> None:
    garbled = section("Endpoints", dynamic_endpoint_configs=[{"endpoint_config": {}}])
    one, other = read(garbled), read(garbled)
    place = "/configs/0/dynamic_endpoint_configs/0: no cluster_name"
    assert one.errors == other.errors == (place,)


def test_an_entry_that_is_no_text_costs_only_itself() -> None:
    data = document(clusters(cluster("bad"), cluster("good")))
    dump = parse_config_dump(data.replace(b'"bad"', b'"b\x80d"'))
    assert [item.name for item in dump.clusters] == ["good"]
    assert dump.errors[0].startswith("/configs/0/dynamic_active_clusters/0: not valid JSON")


def test_a_list_that_is_null_is_empty() -> None:
    dump = read(section("Clusters", dynamic_active_clusters=None))
    assert (dump.clusters, dump.errors) == ((), ())


def test_hosts_are_shared_until_their_counters_differ() -> None:
    idle, busy = host_status(0), host_status(7)
    one = parse_clusters(statuses({"name": "a", "host_statuses": [idle]}))
    same = parse_clusters(statuses({"name": "a", "host_statuses": [idle]}))
    other = parse_clusters(statuses({"name": "a", "host_statuses": [busy]}))
    assert one.clusters[0] is same.clusters[0]
    assert [item.rq_total for item in (*one.hosts_of("a"), *other.hosts_of("a"))] == [0, 7]


def test_nothing_is_kept_when_no_proxy_is() -> None:
    dump = read(cds("t", "a"))
    hosts = parse_clusters(statuses({"name": "a"}))
    pool = weakref.ref(open_pool())
    del dump
    assert pool() is not None
    del hosts
    assert pool() is None


def test_without_a_proxy_a_part_is_itself() -> None:
    part = ("a", "b")
    assert shared(part) is part


def test_a_full_pool_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST", 2)
    names = ("a", "b", "c", "d")
    one, other = read(cds("t", *names)), read(cds("t", *names))
    assert one == other
    assert len(open_pool().entries("dynamic_active_clusters")) == 2


@given(st.integers(), st.lists(VALUES, min_size=1, max_size=6))
def test_what_was_read_before_changes_nothing(seed: int, wounds: list[Any]) -> None:
    damaged = broken(WHOLE, seed, wounds)
    sharing._latest = weakref.ref(sharing.Pool())
    try:
        data = json.dumps(damaged).encode()
        alone = repr(parse_config_dump(data))
    except (ValueError, UnicodeEncodeError):
        return
    before = parse_config_dump(json.dumps(WHOLE).encode())
    assert repr(parse_config_dump(data)) == alone
    assert before == parse_config_dump(json.dumps(WHOLE).encode())


FIELDS = st.dictionaries(
    st.text(max_size=3) | st.sampled_from(["active_state", "last_updated"]),
    st.recursive(VALUES, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_size=3,
)


def told(value: Any) -> Any:
    """An entry as its key tells it."""
    if not isinstance(value, dict):
        return value
    return {
        key: told(item) if key == "active_state" else item
        for key, item in value.items()
        if key not in TIMES
    }


def key_of(fields: Any) -> bytes | None:
    return entry_key("/0", msgspec.Raw(msgspec.json.encode(fields)), TIMES)


@given(FIELDS, FIELDS)
def test_two_entries_have_one_key_only_when_they_read_alike(one: Any, other: Any) -> None:
    first, second = key_of(one), key_of(other)
    if first is not None and first == second:
        assert msgspec.json.encode(told(one)) == msgspec.json.encode(told(other))
    if isinstance(one.get("active_state", {}), dict):
        assert first == key_of(one | {"last_updated": "later"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": "b"}, {"ab": ""}),
        ({"active_state": {"a": 1}, "b": 2}, {"active_state": {"a": 1, "b": 2}}),
        ({"active_state": {}}, {"active_state": {"active_state": {}}}),
    ],
)
def test_entries_with_the_same_values_under_other_names_have_keys_of_their_own(
    one: Any, other: Any
) -> None:
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"3", b'{"active_state":[]}', b'{"a":1 2}'])
def test_what_is_no_object_has_no_key(raw: bytes) -> None:
    assert entry_key("/0", msgspec.Raw(raw), TIMES) is None


def test_listeners_in_another_order_are_read_anew() -> None:
    first, second = (active(listener(name, 80, {"filters": [http(name)]})) for name in "ab")
    one = {"configs": [section("Listeners", dynamic_listeners=[first, second])]}
    other = {"configs": [section("Listeners", dynamic_listeners=[second, first])]}
    dumps = [(value, parse_config_dump(json.dumps(value).encode())) for value in (one, other)]
    for value, dump in dumps:
        for item in dump.listeners:
            assert resolve_pointer(value, item.at("name")) == item.name
