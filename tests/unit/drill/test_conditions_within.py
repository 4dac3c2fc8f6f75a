"""Conditions look into YAML that a ConfigMap holds, and at what a sidecar became."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.drill.conditions import parse_condition
from tests.unit.drill.playing import RATINGS, play

MESH = "ConfigMap istio-system/istio"


@pytest.mark.parametrize(
    ("settings", "holds"),
    [
        ({"path": ["data", "mesh", "rootNamespace"], "equals": "istio-system"}, True),
        ({"path": ["data", "mesh", "rootNamespace"], "equals": "elsewhere"}, False),
        ({"path": ["data", "mesh", "defaultConfig", "discoveryAddress"]}, True),
        ({"path": ["data", "mesh", "accessLogEncoding"], "absent": True}, True),
        ({"path": ["data", "mesh", "accessLogFile", "further"], "absent": True}, True),
    ],
)
def test_a_path_goes_on_into_the_yaml_of_a_text(settings: dict[str, Any], *, holds: bool) -> None:
    world = play("healthy")
    condition = parse_condition({"field": {"object": MESH, **settings}})
    assert condition.holds(world.start, world.objects).holds is holds


@pytest.mark.parametrize(
    ("settings", "holds"),
    [
        ({"path": [], "contains": {"metadata": {"name": "ratings-v1"}}}, True),
        ({"path": [], "contains": [{"spec": {"replicas": 7}}, {"metadata": {}}]}, True),
        ({"path": [], "contains": [{"spec": {"replicas": 7}}, {"status": {"x": 1}}]}, False),
        ({"path": ["spec", "template", "spec", "containers"], "mentions": "lab/app"}, True),
        ({"path": ["spec", "template", "spec", "containers"], "mentions": "lab/web"}, False),
        ({"path": ["spec", "nothing"], "mentions": "object"}, False),
    ],
)
def test_a_field_may_hold_one_of_several_and_mention_a_text(
    settings: dict[str, Any], *, holds: bool
) -> None:
    world = play("healthy")
    condition = parse_condition({"field": {"object": RATINGS, **settings}})
    assert condition.holds(world.start, world.objects).holds is holds


def test_a_text_that_is_no_yaml_has_nothing_in_it() -> None:
    world = play("healthy", f'- patch: {{object: {MESH}, patch: {{data: {{mesh: "a: ["}}}}}}')
    asked = {"object": MESH, "path": ["data", "mesh", "rootNamespace"]}
    assert not parse_condition({"field": asked}).holds(world.start, world.objects).holds
    assert not parse_condition({"unchanged": asked}).holds(world.start, world.objects).holds


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"proxy": {"resources": {"requests": {"cpu": "10m"}}}}, True),
        ({"proxy": {"resources": {"requests": {"cpu": "0.01"}}}}, True),
        ({"proxy": {"resources": {"requests": {"cpu": "20m"}}}}, False),
        ({"proxy": {"resources": {"claims": []}}}, False),
        ({"waits": False}, True),
        ({"waits": True}, False),
    ],
)
def test_pods_are_asked_about_their_sidecars(wanted: dict[str, Any], *, holds: bool) -> None:
    world = play("classic-sidecars-healthy")
    condition = parse_condition({"pods": {"object": RATINGS, **wanted}})
    assert condition.holds(world.start, world.objects).holds is holds
