"""Evidence: pointers that lead to excerpts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.evidence import excerpt_of, join_pointer, resolve_pointer
from tests.build import resources, service

KEYS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def every_path(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, item in inner for found in every_path(item, (*path, key)))]


@given(JSON)
def test_a_pointer_made_of_any_path_leads_back_to_the_value(document: Any) -> None:
    for path in every_path(document):
        value = document
        for part in path:
            value = value[part]
        assert resolve_pointer(document, join_pointer("", path)) == value


@pytest.mark.parametrize("pointer", ["/a/b", "/list/x", "/list/7", "/text/0"])
def test_a_pointer_that_leads_nowhere_is_a_lookup_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        resolve_pointer({"list": [1], "text": "x"}, pointer)


def test_an_excerpt_is_the_string_itself_or_json() -> None:
    assert excerpt_of("web") == "web"
    assert excerpt_of({"app": "wëb"}) == '{"app": "wëb"}'
    assert excerpt_of(None) == "null"


def test_evidence_of_what_is_absent_is_its_nearest_parent() -> None:
    (resource,) = resources([service("ratings")])
    evidence = resource.evidence("spec", "selector", "tier")
    assert evidence.pointer == "/items/0/spec/selector"
    assert json.loads(evidence.excerpt) == {"app": "ratings"}
    assert evidence.command == (
        "kubectl get services ratings -n shop -o jsonpath='{.spec.selector}'"
    )


def test_evidence_never_quotes_what_the_reader_trims() -> None:
    (resource,) = resources([service("ratings")])
    assert resource.evidence("metadata", "annotations", "x").excerpt == "ratings"
    assert resource.evidence().excerpt == "ratings"
