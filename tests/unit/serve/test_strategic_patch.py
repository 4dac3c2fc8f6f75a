"""Lists of built-in kinds, element by element (apimachinery's own cases, shortened)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from meshdoctor.serve.apply_patch import applied, fields_of, without
from meshdoctor.serve.json_patch import PatchError
from meshdoctor.serve.strategic_patch import strategic_patch

POD: dict[str, Any] = {
    "metadata": {"finalizers": ["a", "b"], "labels": {"x": "1"}},
    "spec": {
        "containers": [
            {"name": "app", "image": "a:1", "ports": [{"containerPort": 80, "name": "http"}]},
            {"name": "side", "image": "s:1", "args": ["one", "two"]},
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}


@pytest.mark.parametrize(
    ("patch", "path", "expected"),
    [
        ({"spec": {"nodeName": "n"}}, ("spec", "nodeName"), "n"),
        ({"metadata": {"labels": {"x": None}}}, ("metadata", "labels"), {}),
        (
            {"metadata": {"labels": {"$patch": "replace", "y": "2"}}},
            ("metadata", "labels"),
            {"y": "2"},
        ),
        ({"metadata": {"labels": {"$patch": "delete"}}}, ("metadata",), {"finalizers": ["a", "b"]}),
        ({"metadata": {"finalizers": ["b", "c"]}}, ("metadata", "finalizers"), ["a", "b", "c"]),
        (
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            ("metadata", "finalizers"),
            ["b"],
        ),
        (
            {"spec": {"containers": [{"name": "side", "args": ["three"]}]}},
            ("spec", "containers", 1),
            {"name": "side", "image": "s:1", "args": ["three"]},
        ),
        (
            {"spec": {"containers": [{"name": "app", "$patch": "delete"}]}},
            ("spec", "containers"),
            [POD["spec"]["containers"][1]],
        ),
        (
            {"spec": {"containers": [{"$patch": "replace"}, {"name": "only", "image": None}]}},
            ("spec", "containers"),
            [{"name": "only"}],
        ),
        (
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "new"}, {"name": "side"}],
                    "containers": [{"name": "new", "image": "n:1"}],
                }
            },
            ("spec", "containers"),
            [
                {"name": "new", "image": "n:1"},
                POD["spec"]["containers"][1],
                POD["spec"]["containers"][0],
            ],
        ),
        (
            {"spec": {"containers": [{"name": "app", "ports": [{"containerPort": 81}]}]}},
            ("spec", "containers", 0, "ports"),
            [{"containerPort": 80, "name": "http"}, {"containerPort": 81}],
        ),
        (
            {
                "spec": {
                    "volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {}}]
                }
            },
            ("spec", "volumes"),
            [{"name": "v", "hostPath": {}}],
        ),
        ({"spec": {"tolerations": [{"key": "k"}]}}, ("spec", "tolerations"), [{"key": "k"}]),
    ],
)
def test_a_strategic_patch_changes_what_it_names(
    patch: dict[str, Any], path: tuple[str | int, ...], expected: Any
) -> None:
    before = copy.deepcopy(POD)
    found: Any = strategic_patch(POD, patch)
    for part in path:
        found = found[part]
    assert found == expected
    assert before == POD


def test_ports_of_a_service_are_told_apart_by_their_number() -> None:
    service = {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81}]}}
    patched = strategic_patch(service, {"spec": {"ports": [{"port": 80, "name": "b"}]}})
    assert patched["spec"]["ports"] == [{"port": 80, "name": "b"}, {"port": 81}]


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"spec": {"containers": [{"image": "x"}]}},
        {"spec": {"$setElementOrder/containers": "x"}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": 1}},
    ],
)
def test_a_patch_that_cannot_be_read_is_an_error(patch: Any) -> None:
    with pytest.raises(PatchError):
        strategic_patch(POD, patch)


def test_what_is_applied_is_merged_by_keys_into_built_in_kinds_only() -> None:
    config = {"spec": {"containers": [{"name": "side", "image": "s:2"}]}}
    merged = applied(POD, config, builtin=True)
    assert [one["image"] for one in merged["spec"]["containers"]] == ["a:1", "s:2"]
    whole = applied(POD, config, builtin=False)
    assert whole["spec"]["containers"] == config["spec"]["containers"]


def test_fields_that_are_owned_are_written_as_kubernetes_does() -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "side", "args": ["1"]}]},
    }
    assert fields_of(config, builtin=True) == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}, "f:name": {}, "f:args": {}}}},
    }
    assert fields_of(config, builtin=False)["f:spec"] == {"f:containers": {}}


def test_what_is_owned_no_more_is_taken_away() -> None:
    owned = fields_of(
        {
            "metadata": {"labels": {"x": "1"}},
            "spec": {"containers": [{"name": "side"}], "volumes": []},
        },
        builtin=True,
    )
    left = without(POD, owned, fields_of({"spec": {"volumes": []}}, builtin=True))
    assert left["metadata"] == {"finalizers": ["a", "b"]}
    assert [one["name"] for one in left["spec"]["containers"]] == ["app"]
    assert left["spec"]["volumes"] == POD["spec"]["volumes"]
