"""The table of rights: complete, explained, the same in the docs, and without a single write."""

from __future__ import annotations

import pytest

from meshdoctor.collect.rights import CLUSTER_SCOPED, RIGHTS, URLS, Right, Use, chosen
from meshdoctor.collect.rights_reasons import REASONS
from meshdoctor.model.kinds import ALL, SECRET
from tests.conftest import CHECKOUT

DOCS = (CHECKOUT / "docs" / "rights.md").read_text("utf-8")
READING = {"get", "list", "watch"}
STREAMS = {("pods", "portforward"), ("pods", "exec")}


def row(right: Right) -> str:
    """The right as the docs list it."""
    needed = "yes" if right.needed else "no"
    name = f"`{','.join(right.verbs)} {right.name}`"
    return f"| {name} | {needed} | {right.why} | {right.needed_for} | {right.without_it} |"


def test_every_kind_that_is_read_has_a_reason_and_a_right() -> None:
    assert set(REASONS) == set(ALL)
    listed = {(r.group or "core", r.resource) for r in RIGHTS if r.use is Use.OBJECTS}
    assert listed == {(kind.group, kind.plural) for kind in ALL if kind is not SECRET}


def test_every_kind_that_is_listed_is_watched_and_no_secret_is() -> None:
    watched = {(r.group, r.resource) for r in RIGHTS if r.use is Use.WATCH}
    assert watched == {(r.group, r.resource) for r in RIGHTS if r.use is Use.OBJECTS}
    assert [r.verbs for r in RIGHTS if r.resource == "secrets"] == [("get",)]


def test_nothing_is_asked_for_that_could_change_an_object() -> None:
    for right in RIGHTS:
        beyond = set(right.verbs) - READING
        if (right.resource, right.subresource) in STREAMS or right.use is Use.SELF:
            assert beyond == {"create"}
        else:
            assert beyond == set()
        assert "*" not in (*right.verbs, right.resource, right.group)


@pytest.mark.parametrize("use", [Use.PORT_FORWARD, Use.EXEC])
def test_a_way_into_pods_needs_get_and_create(use: Use) -> None:
    assert [right.verbs for right in RIGHTS if right.use is use] == [("get", "create")]


def test_a_variant_leaves_out_what_it_does_not_use() -> None:
    assert Use.EXEC not in {right.use for right in chosen()}
    without = {right.use for right in chosen(port_forward=False, secrets=False)}
    assert without == set(Use) - {Use.PORT_FORWARD, Use.SECRETS}


def test_only_kinds_of_the_cluster_are_cluster_scoped() -> None:
    assert {kind.name for kind in CLUSTER_SCOPED} == {
        "Namespace",
        "Node",
        "CustomResourceDefinition",
        "GatewayClass",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    }


@pytest.mark.parametrize(
    "right", [item for item in RIGHTS if item.use is not Use.WATCH], ids=lambda item: item.name
)
def test_every_right_stands_in_the_docs_as_it_is(right: Right) -> None:
    assert row(right) in DOCS.splitlines()


def test_the_docs_list_no_right_that_is_not_asked_for() -> None:
    rows = [line for line in DOCS.splitlines() if line.startswith("| `")]
    documented = [line for line in rows if "| no |" in line or "| yes |" in line]
    assert set(documented) == {row(right) for right in RIGHTS if right.use is not Use.WATCH}
    assert all(f"`{path}`" in DOCS for url in URLS for path in url.paths)
