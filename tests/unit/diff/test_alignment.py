"""List items without a name: which became which, and where order means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.diff.fields import field_changes

_A = {"match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": {"host": "a"}}]}
_B = {"match": [{"uri": {"prefix": "/b"}}], "route": [{"destination": {"host": "b"}}]}
_FIRST = {"match": [{"uri": {"prefix": "/"}}], "route": [{"destination": {"host": "front"}}]}


def told(old: Any, new: Any, path: str) -> list[tuple[str, Any, Any]]:
    return [(item.path, item.old, item.new) for item in field_changes(old, new, path)]


def test_a_route_put_in_front_changes_none_behind_it() -> None:
    assert told([_A, _B], [_FIRST, _A, _B], "spec.http") == [("spec.http[0]", None, _FIRST)]


def test_a_route_put_in_front_is_told_apart_from_one_that_changed_too() -> None:
    slower = {**_A, "timeout": "5s"}
    assert told([_A], [_FIRST, slower], "spec.http") == [
        ("spec.http[0]", None, _FIRST),
        ("spec.http[1].timeout", None, "5s"),
    ]


def test_one_item_that_shares_nothing_with_its_successor_is_compared_by_field() -> None:
    assert told([{"a": 1}], [{"a": 2}], "spec.http") == [("spec.http[0].a", 1, 2)]


def test_two_items_that_share_nothing_with_two_others_went_and_came() -> None:
    old, new = [{"a": 1}, {"b": 1}], [{"c": 1}, {"d": 1}]
    assert sorted(told(old, new, "spec.http"), key=str) == sorted(
        [
            ("spec.http[0]", {"a": 1}, None),
            ("spec.http[1]", {"b": 1}, None),
            ("spec.http[0]", None, {"c": 1}),
            ("spec.http[1]", None, {"d": 1}),
        ],
        key=str,
    )


_ALLOW = {"from": [{"source": {"principals": ["a"]}}]}
_OTHER = {"from": [{"source": {"principals": ["b"]}}], "to": [{"operation": {"ports": ["80"]}}]}


@pytest.mark.parametrize("path", ["spec.rules", "spec.ingress", "spec.egress", "spec.jwtRules"])
def test_the_order_of_rules_that_allow_or_deny_means_nothing(path: str) -> None:
    assert told([_ALLOW, _OTHER], [_OTHER, _ALLOW], path) == []
    assert told([_ALLOW, _OTHER], [_OTHER], path) == [(f"{path}[0]", _ALLOW, None)]


@pytest.mark.parametrize("path", ["spec.http", "spec.rules"])
def test_the_order_of_rules_that_route_means_something(path: str) -> None:
    one = {"matches": [{"path": {"value": "/a"}}], "backendRefs": [{"name": "a"}]}
    two = {"matches": [{"path": {"value": "/b"}}], "backendRefs": [{"name": "b"}]}
    assert told([one, two], [two, one], path)


def test_a_long_list_is_compared_without_pairing_each_with_each() -> None:
    old = [{"x": number, "y": [1]} for number in range(200)]
    new = [{"x": number + 1000, "y": [1]} for number in range(200)]
    assert len(told(old, new, "spec.http")) == 200
