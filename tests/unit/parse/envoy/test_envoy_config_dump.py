from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.envoy import parse_cluster_name
from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.parse.envoy import parse_clusters, parse_config_dump
from meshdoctor.parse.envoy.camel_case import to_snake_case
from meshdoctor.parse.errors import ParseError
from tests.unit.parse.envoy.dumps import (
    cluster,
    clusters,
    endpoints,
    pointers,
    read,
    section,
    whole_dump,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=4), SCALARS)
WHOLE = {"configs": whole_dump()}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything below the root."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(*path, key) for key, _ in items]
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        if isinstance(value[key], dict | list):
            found += places(value[key], (*path, key))
    return found


def broken(document: Any, seed: int, wounds: list[Any]) -> Any:
    """The document with some of its parts replaced."""
    chooser = random.Random(seed)
    document = copy.deepcopy(document)
    for wound in wounds:
        *way, last = chooser.choice(places(document))
        at = document
        for key in way:
            at = at[key]
        at[last] = wound
    return document


def camel(value: Any) -> Any:
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_camel_key(key): camel(item) for key, item in value.items()}


def _camel_key(key: str) -> str:
    if not key.replace("_", "").isalnum() or "_" not in key:
        return key
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_the_whole_dump_is_read_without_a_complaint() -> None:
    dump = parse_config_dump(json.dumps(WHOLE).encode())
    assert dump.errors == ()
    assert [len(part) for part in (dump.clusters, dump.endpoints, dump.listeners)] == [2, 1, 1]
    assert [len(part) for part in (dump.routes, dump.secrets, dump.ecds)] == [2, 2, 1]


def test_every_pointer_leads_into_the_file() -> None:
    dump = parse_config_dump(json.dumps(WHOLE).encode())
    found = list(pointers(dump))
    assert len(found) > 30
    for pointer in found:
        resolve_pointer(WHOLE, pointer)


def test_every_pointer_of_a_camel_case_dump_leads_into_that_file() -> None:
    spelt = camel(WHOLE)
    dump = parse_config_dump(json.dumps(spelt).encode())
    assert dump.clusters[0].outlier_detection
    for pointer in pointers(dump):
        resolve_pointer(spelt, pointer)


def test_camel_case_metadata_keeps_its_keys() -> None:
    spelt = {
        "transportSocketMatches": [{"match": {"tlsMode": "istio"}}],
        "metadata": {"filterMetadata": {"istio": {"someThing": 1}}},
        "outlierDetection": {"consecutive5xx": 3},
    }
    assert to_snake_case(spelt) == {
        "transport_socket_matches": [{"match": {"tlsMode": "istio"}}],
        "metadata": {"filter_metadata": {"istio": {"someThing": 1}}},
        "outlier_detection": {"consecutive_5xx": 3},
    }


@given(st.integers(), st.lists(VALUES, min_size=1, max_size=6))
def test_a_damaged_dump_is_read_as_far_as_it_goes(seed: int, wounds: list[Any]) -> None:
    damaged = broken(WHOLE, seed, wounds)
    try:
        dump = parse_config_dump(json.dumps(damaged).encode())
    except (ParseError, UnicodeEncodeError):
        return
    for pointer in pointers(dump):
        resolve_pointer(damaged, pointer)


@given(st.integers(), st.lists(VALUES, min_size=1, max_size=6))
def test_damage_in_camel_case_is_survived_too(seed: int, wounds: list[Any]) -> None:
    try:
        parse_config_dump(json.dumps(broken(camel(WHOLE), seed, wounds)).encode())
    except (ParseError, UnicodeEncodeError):
        return


@given(st.binary(max_size=64), st.integers(min_value=0), st.integers(min_value=0, max_value=64))
def test_bytes_overwritten_anywhere_raise_nothing_but_a_parse_error(
    noise: bytes, at: int, cut: int
) -> None:
    data = json.dumps(WHOLE).encode()
    at %= len(data)
    message = ""
    try:
        parse_config_dump(data[:at] + noise + data[at + cut :])
    except ParseError as error:
        message = str(error)
    assert "\n" not in message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_dump_or_a_parse_error(data: bytes) -> None:
    for parse in (parse_config_dump, parse_clusters):
        try:
            parse(data)
        except ParseError:
            continue


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b'{"configs": {}}', b'{"configs": [', b"[" * 5000]
)
def test_what_is_no_config_dump_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_config_dump(data)


def test_a_section_that_nests_too_deeply_costs_only_itself() -> None:
    deep = (
        b'{"@type": "x.ClustersConfigDump", "static_clusters": ' + b"[" * 3000 + b"]" * 3000 + b"}"
    )
    good = json.dumps(endpoints({"cluster_name": "a"})).encode()
    try:
        dump = parse_config_dump(b'{"configs": [' + deep + b"," + good + b"]}")
    except ParseError:
        return
    assert [item.cluster_name for item in dump.endpoints] == ["a"]
    assert dump.errors


def test_a_garbled_section_is_named_and_the_others_are_read() -> None:
    dump = read(section("Bootstrap", bootstrap=3), clusters(cluster("a")))
    assert [item.name for item in dump.clusters] == ["a"]
    assert dump.has("BootstrapConfigDump")
    assert dump.bootstrap is None
    assert dump.errors[0].startswith("/configs/0: ")


def test_a_list_that_is_none_is_named_with_its_place() -> None:
    dump = read(section("Clusters", static_clusters="none", dynamic_active_clusters=[7]))
    assert dump.errors == (
        "/configs/0/dynamic_active_clusters/0: not an object",
        "/configs/0/static_clusters: not a list",
    )


def test_a_dump_without_endpoints_says_so() -> None:
    assert not read(clusters(cluster("a"))).has("EndpointsConfigDump")
    assert read(endpoints()).has("EndpointsConfigDump")


def test_sections_keep_their_version() -> None:
    dump = read(section("Clusters", version_info="2026-11-21T07:11:11Z/13"))
    assert dump.versions == {"ClustersConfigDump": "2026-11-21T07:11:11Z/13"}


def test_extensions_of_several_sections_are_joined() -> None:
    one = {"ecds_filter": {"name": "one", "typed_config": {"@type": "t/Wasm"}}}
    two = {"ecds_filter": {"name": "two"}, "error_state": {"details": "no code"}}
    dump = read(section("Ecds", ecds_filters=[one]), section("Ecds", ecds_filters=[two]))
    assert [(item.name, item.type_url, item.error) for item in dump.ecds] == [
        ("one", "t/Wasm", ""),
        ("two", "", "no code"),
    ]
    assert dump.ecds[1].pointer == "/configs/1/ecds_filters/0"


def test_a_serving_cluster_is_found_before_a_warming_one() -> None:
    dump = read(
        clusters(
            cluster("a", type="STATIC"),
            dynamic_warming_clusters=[{"cluster": cluster("a")}],
        )
    )
    assert [item.state for item in dump.clusters] == ["active", "warming"]
    found = dump.cluster("a")
    assert found
    assert found.state == "active"


def test_endpoints_are_found_by_the_name_eds_knows_the_cluster_by() -> None:
    dump = read(
        clusters(cluster("mine", eds_cluster_config={"service_name": "theirs"})),
        endpoints({"cluster_name": "theirs"}),
    )
    found = dump.load_assignment("mine")
    assert found
    assert found.cluster_name == "theirs"
    assert dump.load_assignment("nobody") is None


@given(st.text(max_size=40))
def test_any_name_is_a_cluster_name_or_none(name: str) -> None:
    parsed = parse_cluster_name(name)
    if parsed and "|" in name:
        assert name.count("|") == 3
        assert name == f"{parsed.direction}|{name.split('|')[1]}|{parsed.subset}|{parsed.host}"


def test_the_newest_part_of_a_section_and_every_listener_have_their_time() -> None:
    def entry(name: str, time: str) -> dict[str, Any]:
        return {"name": name, "active_state": {"listener": {"name": name}, "last_updated": time}}

    held = read(
        section(
            "Listeners",
            dynamic_listeners=[
                entry("a", "2026-11-21T07:11:10.123Z"),
                entry("b", "2026-11-21T07:12:10.456Z"),
                {"name": "c", "warming_state": {"last_updated": "2026-11-21T09:00:00Z"}},
                {"name": 7, "active_state": {"last_updated": "2026-11-21T09:00:00Z"}},
            ],
        ),
        clusters(cluster("x")),
    )
    assert dict(held.updated) == {
        "ListenersConfigDump": "2026-11-21T07:12:10Z",
        "a": "2026-11-21T07:11:10Z",
        "b": "2026-11-21T07:12:10Z",
        "ClustersConfigDump": "2026-11-21T07:11:10Z",
    }


def test_a_panic_threshold_is_off_when_empty_and_half_when_absent() -> None:
    names: dict[str, dict[str, Any]] = {
        "off": {"common_lb_config": {"healthy_panic_threshold": {}}},
        "own": {"common_lb_config": {"healthy_panic_threshold": {"value": 30}}},
        "default": {},
    }
    held = read(clusters(*(cluster(name, **more) for name, more in names.items())))
    assert [item.panic_threshold for item in held.clusters] == [0.0, 30.0, 50.0]
