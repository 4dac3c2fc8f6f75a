"""What counts as a change inside an object."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.diff.fields import comparable, field_changes


def paths(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    return [(found.path, found.old, found.new) for found in field_changes(old, new)]


def test_a_field_is_told_by_its_path() -> None:
    old = {"spec": {"http": [{"route": [{"destination": {"subset": "v1"}}]}]}}
    new = {"spec": {"http": [{"route": [{"destination": {"subset": "v3"}}]}]}}
    assert paths(old, new) == [("spec.http[0].route[0].destination.subset", "v1", "v3")]


def test_the_order_of_a_keyed_list_is_nothing() -> None:
    old = {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}
    new = {"ports": [{"name": "b", "port": 2}, {"name": "a", "port": 9}]}
    assert paths(old, new) == [("ports[name=a].port", 1, 9)]


def test_the_order_of_words_is_nothing_but_of_a_command_it_is() -> None:
    assert not paths({"hosts": ["a", "b"]}, {"hosts": ["b", "a"]})
    assert paths({"args": ["a", "b"]}, {"args": ["b", "a"]})


def test_the_order_of_routes_is_a_change() -> None:
    first, second = {"match": [{"uri": {"prefix": "/"}}]}, {"match": [{"uri": {"prefix": "/a"}}]}
    assert paths({"http": [first, second]}, {"http": [second, first]})


def test_a_route_put_in_front_is_one_change() -> None:
    one, two = {"match": [{"uri": {"prefix": "/a"}}]}, {"match": [{"uri": {"prefix": "/b"}}]}
    assert paths({"http": [two]}, {"http": [one, two]}) == [("http[0]", None, one)]


def test_absent_and_empty_are_alike() -> None:
    assert not paths({"spec": {"selector": {}}}, {"spec": {}})
    assert not paths({"spec": {}}, {"spec": {"hosts": []}})


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"resourceVersion": "2", "generation": 7, "uid": "b"}},
        {"metadata": {"managedFields": [{"manager": "x"}]}},
        {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "9"}}},
        {"status": {"observedGeneration": 3}},
        {"status": {"conditions": [{"type": "Ready", "lastProbeTime": "2026-01-01T00:00:00Z"}]}},
    ],
    ids=["versions", "managed fields", "revision", "observed", "probe time"],
)
def test_bookkeeping_is_no_change(change: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "metadata": {"name": "a"},
        "status": {"conditions": [{"type": "Ready"}]},
    }
    other = {key: {**plain[key], **change.get(key, {})} for key in plain}
    assert not paths(comparable(plain), comparable(other))


def test_labels_and_readiness_are_changes() -> None:
    old = {"metadata": {"labels": {"app.io/x": "1"}}, "status": {"readyReplicas": 2}}
    new = {"metadata": {"labels": {"app.io/x": "2"}}, "status": {"readyReplicas": 0}}
    assert paths(comparable(old), comparable(new)) == [
        ("metadata.labels[app.io/x]", "1", "2"),
        ("status.readyReplicas", 2, 0),
    ]
