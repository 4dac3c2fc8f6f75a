"""Rows as kubectl shows them, for states that are rare in recordings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.resources import recordings_root
from meshdoctor.serve.builtin_types import BUILTIN
from meshdoctor.serve.durations import age, human_duration
from meshdoctor.serve.json_path import find
from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.table import make_table, table_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.serve.resource_type import ResourceType

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-11-21T07:00:00Z"}}


def cells(group: str, plural: str, item: dict[str, Any]) -> dict[str, Any]:
    item = {"metadata": {"name": "x", "creationTimestamp": "2026-11-21T07:55:00Z"}, **item}
    table = make_table(BUILTIN[group, plural], [item], {}, "None", NOW)
    names = [column["name"] for column in table["columnDefinitions"]]
    return dict(zip(names, table["rows"][0]["cells"], strict=True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (121, "2m1s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 + 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400 + 3600, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400 + 86400, "9y"),
    ],
)
def test_ages_are_as_coarse_as_kubectls(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def test_an_age_that_cannot_be_known_is_unknown() -> None:
    assert age("nonsense", NOW) == age(None, NOW) == "<unknown>"


def status(name: str, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "restartCount": 0, "ready": False, **more}


def pod(
    containers: list[dict[str, Any]],
    inits: list[dict[str, Any]] | None = None,
    sidecars: tuple[str, ...] = (),
    phase: str = "Running",
    **more: Any,
) -> dict[str, Any]:
    specs = [
        {"name": one["name"]} | ({"restartPolicy": "Always"} if one["name"] in sidecars else {})
        for one in inits or []
    ]
    return {
        "spec": {
            "containers": [{"name": one["name"]} for one in containers],
            "initContainers": specs,
        },
        "status": {
            "phase": phase,
            "containerStatuses": containers,
            "initContainerStatuses": inits or [],
            **more,
        },
    }


FINE = status("app", RUNNING, ready=True)
WAITING = status("app", {"waiting": {"reason": "PodInitializing"}})


@pytest.mark.parametrize(
    ("item", "ready", "word"),
    [
        (pod([FINE]), "1/1", "Running"),
        (pod([], phase="Pending"), "0/0", "Pending"),
        (
            pod([status("app", {"waiting": {"reason": "CrashLoopBackOff"}})]),
            "0/1",
            "CrashLoopBackOff",
        ),
        (pod([status("app", {"terminated": {"reason": "OOMKilled"}})]), "0/1", "OOMKilled"),
        (pod([status("app", {"terminated": {"exitCode": 3}})]), "0/1", "ExitCode:3"),
        (pod([status("app", {"terminated": {"signal": 9}})]), "0/1", "Signal:9"),
        (
            pod([WAITING], [status("init", {"terminated": {"exitCode": 1}})], phase="Pending"),
            "0/1",
            "Init:ExitCode:1",
        ),
        (
            pod(
                [WAITING],
                [
                    status("init", {"terminated": {"exitCode": 0}}),
                    status("istio-proxy", RUNNING, started=False),
                ],
                ("istio-proxy",),
                "Pending",
            ),
            "0/2",
            "Init:1/2",
        ),
        (
            pod(
                [FINE], [status("istio-proxy", RUNNING, started=True, ready=True)], ("istio-proxy",)
            ),
            "2/2",
            "Running",
        ),
        (
            pod(
                [WAITING],
                [status("i", {"waiting": {"reason": "ImagePullBackOff"}})],
                phase="Pending",
            ),
            "0/1",
            "Init:ImagePullBackOff",
        ),
        (pod([FINE], phase="Failed", reason="Evicted"), "1/1", "Evicted"),
        (
            pod([FINE, status("done", {"terminated": {"reason": "Completed"}})]),
            "1/2",
            "NotReady",
        ),
        (
            pod(
                [],
                phase="Pending",
                conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}],
            ),
            "0/0",
            "SchedulingGated",
        ),
    ],
)
def test_a_pods_status_is_what_its_containers_tell(
    item: dict[str, Any], ready: str, word: str
) -> None:
    row = cells("", "pods", item)
    assert (row["Ready"], row["Status"]) == (ready, word)


def test_a_pod_that_is_deleted_terminates() -> None:
    metadata = {"name": "x", "deletionTimestamp": "2026-11-21T07:59:00Z"}
    assert cells("", "pods", pod([FINE]) | {"metadata": metadata})["Status"] == "Terminating"


def test_restarts_say_when_the_last_was() -> None:
    last = {"terminated": {"finishedAt": "2026-11-21T07:56:00Z"}}
    item = pod([status("app", RUNNING, ready=True, restartCount=3, lastState=last)])
    assert cells("", "pods", item)["Restarts"] == "3 (4m ago)"


@pytest.mark.parametrize(
    ("spec", "balancer", "expected"),
    [
        ({"type": "LoadBalancer"}, [], "<pending>"),
        ({"type": "LoadBalancer"}, [{"ip": "1.2.3.4"}, {"hostname": "h"}], "1.2.3.4,h"),
        ({"type": "ExternalName", "externalName": "example.com"}, [], "example.com"),
        ({"externalIPs": ["9.9.9.9"]}, [], "9.9.9.9"),
        ({}, [], "<none>"),
    ],
)
def test_a_service_shows_where_it_is_reached(
    spec: dict[str, Any], balancer: list[dict[str, str]], expected: str
) -> None:
    item = {"spec": spec, "status": {"loadBalancer": {"ingress": balancer}}}
    assert cells("", "services", item)["External-IP"] == expected


def test_a_node_that_takes_no_pods_says_so() -> None:
    item = {
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": True},
        "status": {"conditions": [{"type": "Ready", "status": "False"}]},
    }
    row = cells("", "nodes", item)
    assert (row["Status"], row["Roles"]) == ("NotReady,SchedulingDisabled", "control-plane")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, "Complete"),
        ({"status": {"conditions": [{"type": "Failed", "status": "True"}]}}, "Failed"),
        ({"spec": {"completions": 2}, "status": {"succeeded": 1}}, "Running"),
    ],
)
def test_a_job_shows_how_far_it_is(item: dict[str, Any], expected: str) -> None:
    assert cells("batch", "jobs", item)["Status"] == expected


JUNK: tuple[Any, ...] = (None, True, -1, "x", [], [[]], [{}], ["x"], {}, {"x": []}, [{"type": []}])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab0"), inner),
    max_leaves=10,
)


def spoiled(value: Any, depth: int) -> Iterator[Any]:
    """The value with each of its parts replaced by each kind of junk, one at a time."""
    yield from JUNK
    if depth == 0:
        return
    if isinstance(value, dict):
        for key, one in value.items():
            yield from ({**value, key: junk} for junk in spoiled(one, depth - 1))
    elif isinstance(value, list) and value:
        yield from ([junk, *value[1:]] for junk in spoiled(value[0], depth - 1))


@pytest.mark.parametrize("kind", BUILTIN.values(), ids=lambda kind: kind.plural)
def test_no_object_however_garbled_breaks_a_table(kind: ResourceType, healthy: Mesh) -> None:
    items = [item for one in healthy.objects if one.plural == kind.plural for item in one.items[:1]]
    shape = table_shape(kind)
    for item in items or [{"spec": {}, "status": {"conditions": [{}]}}]:
        for part in ("spec", "status", "subsets", "endpoints", "ports", "involvedObject", "data"):
            for junk in spoiled(item.get(part), 5):
                row = shape.cells({**item, "metadata": {"name": "x"}, part: junk}, NOW)
                assert len(row) == len(shape.columns)


@pytest.fixture(scope="module")
def healthy() -> Mesh:
    return Mesh.load(recordings_root() / "healthy.tar.gz")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.hosts", [["a", "b"]]),
        (".spec.hosts[*]", ["a", "b"]),
        (".spec.hosts[0]", ["a"]),
        (".spec.hosts[-1]", ["b"]),
        (".spec.hosts[7]", []),
        ("spec.host", ["h"]),
        (".metadata.annotations.example\\.com/x", ["y"]),
        (".metadata.annotations['example.com/x']", ["y"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.ok==true)].type", ["Live"]),
        (".status.conditions[*].type", ["Ready", "Live"]),
        (".nothing.at.all", []),
        ("..recursion", []),
        (".spec[?(@.x", []),
    ],
)
def test_printer_columns_find_what_kubectl_would(path: str, expected: list[Any]) -> None:
    item = {
        "metadata": {"annotations": {"example.com/x": "y"}},
        "spec": {"hosts": ["a", "b"], "host": "h"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Live", "ok": True}]
        },
    }
    assert find(item, path) == expected


@given(JSON, st.text(alphabet=".[]*?()@='\"ab0-\\", max_size=20))
def test_no_path_breaks_anything(value: Any, path: str) -> None:
    assert isinstance(find(value, path), list)
