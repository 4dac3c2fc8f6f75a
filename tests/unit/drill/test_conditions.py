"""Conditions on the state of objects."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.drill.conditions import parse_condition
from tests.unit.drill.playing import play

ENTRY = """
- apply:
    apiVersion: networking.istio.io/v1
    kind: WorkloadEntry
    metadata: {name: vm, namespace: shop}
    spec: {address: 10.20.0.15, labels: {app: inventory, version: v1}}
"""


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        ({"address": "10.20.0.15"}, True),
        ({"labels": {"app": "inventory"}}, True),
        ({"address": "10.20.0.15", "labels": {"app": "inventory", "version": "v1"}}, True),
        ({"labels": {"app": "other"}}, False),
        ({"labels": {"app": "inventory", "zone": "a"}}, False),
        ({"address": "10.20.0.16", "labels": {"app": "inventory"}}, False),
    ],
)
def test_a_mapping_contains_what_is_asked_and_may_hold_more(
    wanted: dict[str, Any], held: bool
) -> None:
    world = play("healthy", ENTRY)
    field = {"object": "WorkloadEntry shop/*", "path": ["spec"], "contains": wanted}
    assert parse_condition({"field": field}).holds(world.start, world.objects).holds is held
