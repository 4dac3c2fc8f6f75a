"""What counts as a change, and which of several explains a root cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshdoctor.diff.change import Change, ObjectChange
from meshdoctor.diff.commands import showing
from meshdoctor.diff.explain import GONE, SAME_NAMESPACE, explain
from meshdoctor.diff.field_lines import field_lines
from meshdoctor.diff.fields import FieldChange
from meshdoctor.diff.objects import object_changes
from meshdoctor.model.evidence import Evidence
from tests import build
from tests.functional.scene import cause

RESTARTED = FieldChange(
    "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]", None, "2026"
)


def settings(text: str) -> Any:
    metadata = {"name": "istio", "namespace": "istio-system"}
    return build.mesh([{"kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}])


def changed(name: str, *fields: FieldChange, **parts: Any) -> ObjectChange:
    made: dict[str, Any] = {"derived": False, "words": frozenset(), "at": None, **parts}
    return ObjectChange(name, made.pop("change", Change.CHANGED), fields, **made)


def test_mesh_configuration_is_compared_by_its_settings() -> None:
    before = "enableTracing: true\noutboundTrafficPolicy:\n  mode: ALLOW_ANY\n"
    after = "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\nenableTracing: true\n"
    [change] = object_changes(settings(before), settings(after))
    assert [(item.path, item.old, item.new) for item in change.fields] == [
        ("data.mesh.outboundTrafficPolicy.mode", "ALLOW_ANY", "REGISTRY_ONLY")
    ]


def test_a_comment_and_the_order_of_settings_are_no_change() -> None:
    before, after = "a: 1\nb: 2\n", "# as it was\nb: 2\na: 1\n"
    assert object_changes(settings(before), settings(after)) == ()


def test_text_that_is_no_yaml_or_has_anchors_is_compared_as_it_stands() -> None:
    for before, after in (("a: [", "a: {"), ("a: &x 1\nb: *x\n", "a: &x 2\nb: *x\n")):
        [change] = object_changes(settings(before), settings(after))
        assert [item.path for item in change.fields] == ["data.mesh"]


def test_what_the_evidence_names_and_is_gone_comes_before_what_is_merely_near() -> None:
    found = replace(
        cause(), evidence=(Evidence("namespaces.json", '"canary"', "kubectl get ns", pointer="/x"),)
    )
    gone = changed(
        "Deployment istio-system/istiod-canary",
        change=Change.REMOVED,
        words=frozenset({"canary"}),
    )
    other = changed("Deployment mesh/other", change=Change.REMOVED, words=frozenset({"other"}))
    near = changed("Deployment shop/near", FieldChange("spec.replicas", 1, 2))
    explained = explain(found, (other, near, gone), build.mesh([]))
    assert [(item.object, why) for item, why in explained.changes[:2]] == [
        (gone.object, GONE),
        (near.object, SAME_NAMESPACE),
    ]


def test_a_mere_restart_stands_behind_what_was_written() -> None:
    restart = changed("Deployment shop/a-restarted", RESTARTED)
    written = changed("Deployment shop/b-written", FieldChange("spec.replicas", 1, 2))
    explained = explain(cause(), (restart, written), build.mesh([]))
    assert [item.object for item, _ in explained.changes] == [written.object, restart.object]


def test_a_field_stands_before_and_after_line_by_line() -> None:
    old, new = {"host": "a", "port": 80}, {"host": "a", "port": 81}
    lines = [f"{sign}{line}" for sign, line in field_lines([FieldChange("spec.to", old, new)])]
    assert lines == [
        "@spec.to",
        " {",
        '   "host": "a",',
        '-  "port": 80',
        '+  "port": 81',
        " }",
    ]


def test_a_field_that_came_has_no_line_before() -> None:
    assert list(field_lines([FieldChange("spec.x", None, "y")])) == [("@", "spec.x"), ("+", "y")]


def test_the_command_of_an_object_that_is_gone_asks_no_cluster_for_it() -> None:
    here = changed("Service shop/a", command="kubectl get services a -n shop -o yaml")
    assert showing(here, "") == ("kubectl get services a -n shop -o yaml",)
    assert showing(replace(here, change=Change.REMOVED), "") == ()
    assert showing(here, "meshdoctor diff a b")[0] == (
        "meshdoctor diff a b -o json | jq '.objects[] | select(.object == \"Service shop/a\")'"
    )
