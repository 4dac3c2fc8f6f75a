"""Garbled objects: no analyzer and no view may fall over, and evidence still resolves."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from meshdoctor.analyze import (
    injection_labels,
    injection_pods,
    injection_restart,
    injection_revision,
    injection_webhook,
)
from meshdoctor.model.evidence import excerpt_of, resolve_pointer
from meshdoctor.views import namespaces, webhooks
from tests.build import kind_of, mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    REV,
    app,
    control_plane,
    injector,
    injector_values,
    labelled,
)

ANALYZERS = [
    module.ANALYZER
    for module in (
        injection_labels,
        injection_pods,
        injection_restart,
        injection_revision,
        injection_webhook,
    )
]
VALUES = st.sampled_from(["enabled", "disabled", "true", "false", "default", "canary", "", "x"])
LABELS = st.dictionaries(
    st.sampled_from([INJECTION, REV, INJECT, "istio.io/dataplane-mode", "istio.io/tag", "app"]),
    VALUES | st.none() | st.integers(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(VALUES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def clusters(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A mesh like any other, with some of its parts replaced by whatever JSON there is."""
    objects = [
        *control_plane(),
        injector(),
        injector("canary", tag=draw(VALUES)),
        injector_values(),
        labelled("shop"),
        labelled("pay"),
        *app("ratings"),
        *app("payments", "pay", proxy=draw(st.sampled_from(["native", "classic", None]))),
    ]
    for item in objects:
        if draw(st.booleans()):
            item["metadata"]["labels"] = draw(LABELS)
        for key in ("webhooks", "data", "spec"):
            if key in item and draw(st.integers(0, 3)) == 0:
                item[key] = draw(JSON)
        for entry in item["webhooks"] if isinstance(item.get("webhooks"), list) else ():
            if isinstance(entry, dict) and "rules" in entry and draw(st.integers(0, 3)) == 0:
                key = draw(st.sampled_from(sorted(entry)))
                entry[key] = (
                    f"{draw(VALUES)}sidecar-injector.istio.io" if key == "name" else draw(JSON)
                )
    return objects


@settings(deadline=None, max_examples=150)
@given(clusters())
def test_garbled_objects_give_findings_whose_evidence_resolves(
    objects: list[dict[str, Any]],
) -> None:
    files: dict[str, Any] = {}
    for item in json.loads(json.dumps(objects)):
        kind = kind_of(item)
        source = f"kubernetes/{kind.group}/v1/{kind.plural}.json"
        files.setdefault(source, {"items": []})["items"].append(item)
    snapshot = mesh(objects)
    pieces = [
        piece
        for analyzer in ANALYZERS
        for finding in analyzer.analyze(snapshot)
        for piece in finding.evidence
    ]
    for piece in pieces:
        assert piece.pointer is not None
        assert excerpt_of(resolve_pointer(files[piece.source], piece.pointer)) == piece.excerpt
    assert json.dumps([webhooks.to_json(row) for row in webhooks.rows(snapshot)])
    assert json.dumps([namespaces.to_json(row) for row in namespaces.rows(snapshot)])
