"""Ambient namespaces are noted as not examined; others are not."""

from __future__ import annotations

from meshdoctor.analyze.ambient_coverage import ANALYZER, NOT_EXAMINED
from tests.build import mesh, namespace


def test_only_an_ambient_namespace_is_noted() -> None:
    found = mesh(
        [
            namespace("amb", istio__io_dataplane_mode="x"),
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "real", "labels": {"istio.io/dataplane-mode": "ambient"}},
            },
            namespace("shop", istio_injection="enabled"),
        ]
    )
    assert {(f.code, f.resource, f.root) for f in ANALYZER.analyze(found)} == {
        (NOT_EXAMINED, "Namespace real", False)
    }
