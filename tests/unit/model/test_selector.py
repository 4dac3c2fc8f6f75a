"""Label selectors as the API server evaluates them."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.selector import matches_selector


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        (None, {}, True),
        ({}, {"a": "b"}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "b", "c": "d"}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "x"}, False),
        (expression("a", "In", "b", "c"), {"a": "c"}, True),
        (expression("a", "In", "b"), {}, False),
        (expression("a", "NotIn", "b"), {}, True),
        (expression("a", "NotIn", "b"), {"a": "b"}, False),
        (expression("a", "Exists"), {"a": ""}, True),
        (expression("a", "Exists"), {}, False),
        (expression("a", "DoesNotExist"), {}, True),
        (expression("a", "DoesNotExist"), {"a": "b"}, False),
        (expression("a", "Sometimes"), {"a": "b"}, False),
        ({"matchLabels": {"a": "b"}, **expression("c", "Exists")}, {"a": "b"}, False),
    ],
)
def test_every_operator(selector: object, labels: dict[str, str], matches: bool) -> None:
    assert matches_selector(selector, labels) is matches
