"""Bundled recordings compared: one where nothing is wrong with others where something is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from meshdoctor.diff.change import Change, Comparison
from meshdoctor.diff.compare import compare
from meshdoctor.diff.document import comparison_json
from meshdoctor.diff.text import comparison_lines, side
from meshdoctor.imports.reading import read
from meshdoctor.model.snapshot import Snapshot
from tests.unit.imports.archives import RECORDINGS, cluster_info_dump, folder, recorded

_FAULTS = {
    "service-selector-mismatch": "Service shop/ratings",
    "subset-not-defined": "VirtualService shop/reviews",
    "application-binds-to-localhost": "Deployment shop/ratings-v1",
    "mtls-conflict": None,
    "envoyfilter-rejected": "EnvoyFilter shop/bad-filter",
    "istiod-down": "Deployment istio-system/istiod",
}


@cache
def snapshot(name: str) -> Snapshot:
    return read(RECORDINGS / f"{name}.tar.gz")


def compared(old: str, new: str) -> Comparison:
    return compare(snapshot(old), snapshot(new))


def test_a_mesh_does_not_differ_from_itself() -> None:
    found = compared("healthy", "healthy")
    assert found.same
    assert not (found.objects)
    assert not (found.proxies)
    assert not (found.certificates)
    assert not found.explained


@pytest.mark.parametrize("name", sorted(_FAULTS))
def test_the_change_that_broke_it_comes_first(name: str) -> None:
    found = compared("healthy", name)
    assert found.explained
    first = found.explained[0]
    assert first.changes
    assert first.changes[0][0].object in first.cause.objects
    expected = _FAULTS[name]
    assert expected is None or first.changes[0][0].object == expected


@pytest.mark.parametrize("name", sorted(_FAULTS))
def test_the_other_way_round_the_root_cause_is_gone(name: str) -> None:
    found = compared(name, "healthy")
    assert found.gone
    assert not found.explained


def test_the_same_fault_on_both_sides_is_still_there() -> None:
    found = compared("subset-not-defined", "subset-not-defined")
    assert found.still
    assert not found.explained
    assert not found.gone
    assert found.same


def test_fields_and_proxies_tell_what_became_of_them() -> None:
    found = compared("healthy", "subset-not-defined")
    [change] = [item for item in found.objects if item.object == "VirtualService shop/reviews"]
    assert change.change is Change.CHANGED
    subset = "spec.http[0].route[0].destination.subset"
    assert [(f.old, f.new) for f in change.fields if f.path == subset] == [("v1", "v3")]
    client = next(item for item in found.proxies if item.proxy == "Deployment shop/client-v1")
    assert {(part.part, part.change) for part in client.parts} == {("route", Change.CHANGED)}


def test_a_namespace_bounds_what_is_shown() -> None:
    found = compare(snapshot("healthy"), snapshot("istiod-down"), ("pay",))
    assert all(item.namespace in ("", "pay") for item in found.objects)
    assert all(item.proxy.startswith("Deployment pay/") for item in found.proxies)


def test_what_one_side_did_not_read_is_neither_gone_nor_changed(tmp_path: Path) -> None:
    namespaces = (
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "istio-system",
        "shop",
    )
    dump = folder(tmp_path / "dump", cluster_info_dump(recorded(), namespaces))
    found = compare(snapshot("subset-not-defined"), read(dump))
    assert found.incomplete
    assert not found.gone
    assert [cause.id for cause in found.untold] == ["subset-not-defined"]
    assert not [item for item in found.objects if item.object.startswith("VirtualService")]
    assert ("kubernetes/networking.istio.io/virtualservices", "the second") in found.not_compared


def test_a_root_cause_that_the_first_could_not_tell_about_says_so(tmp_path: Path) -> None:
    namespaces = (
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "istio-system",
        "shop",
    )
    dump = folder(tmp_path / "dump", cluster_info_dump(recorded("healthy"), namespaces))
    found = compare(read(dump), snapshot("subset-not-defined"))
    assert [item.known_before for item in found.explained] == [False]
    assert any("A cannot tell" in line.plain for line in comparison_lines(found))


def test_the_document_and_the_text_are_the_same_every_time() -> None:
    once, again = (compared("healthy", "mtls-conflict") for _ in range(2))
    assert comparison_json(once) == comparison_json(again)
    assert [line.plain for line in comparison_lines(once)] == [
        line.plain for line in comparison_lines(again)
    ]


def test_the_document_names_the_change_and_why() -> None:
    document = comparison_json(compared("healthy", "subset-not-defined"))
    [cause] = document["root_causes"]["new"]
    assert cause["id"] == "subset-not-defined"
    assert cause["explained_by"][0] == {
        "object": "VirtualService shop/reviews",
        "change": "changed",
        "why": "the object to mend",
    }
    assert document["same"] is False


def test_the_text_says_which_side_is_live() -> None:
    found = compared("healthy", "subset-not-defined")
    assert " live " not in next(comparison_lines(found)).plain + side(found.new)
    assert side(replace(found.new, source="live")).startswith("live subset-not-defined")
