"""The table of releases, and Kubernetes' version held against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshdoctor.analyze.upgrade_version import parse_version
from meshdoctor.check.kubernetes_api import _version
from meshdoctor.check.releases import AS_OF, NEWEST, OLDEST, RELEASES, release_of
from meshdoctor.model.finding import Outcome
from tests.unit.check.whole_mesh import snapshot, whole


def test_the_table_is_in_order_without_gaps() -> None:
    assert [item.minor for item in RELEASES] == list(range(NEWEST, OLDEST - 1, -1))
    for item in RELEASES:
        oldest, newest = item.kubernetes
        assert item.tested_from <= oldest <= newest
    ends = [item.end for item in RELEASES if item.end is not None]
    assert ends == sorted(ends, reverse=True)
    assert all(item.end <= AS_OF for item in RELEASES if item.end and not item.is_end_expected)


def test_a_release_is_found_by_its_minor_version_of_major_1() -> None:
    version = parse_version("1.30.2")
    assert version is not None
    found = release_of(version)
    assert found is not None
    assert found.kubernetes == (32, 36)
    assert release_of(replace(version, numbers=(2, 30, 0))) is None


@pytest.mark.parametrize(
    ("kubernetes", "outcome", "says"),
    [
        ("v1.33.1", Outcome.PASS, "Kubernetes 1.33; Istio 1.30.2 supports Kubernetes 1.32 to 1.36"),
        ("v1.32.0-eks-1", Outcome.PASS, "Kubernetes 1.32"),
        ("v1.31.0", Outcome.WARN, "Istio 1.30.2 supports Kubernetes 1.32 to 1.36; it was tested"),
        ("v1.37.0", Outcome.WARN, "Istio 1.30.2 supports Kubernetes 1.32 to 1.36; 1.37 is newer"),
        ("v1.26.0", Outcome.FAIL, "Istio 1.30.2 supports Kubernetes 1.32 to 1.36; 1.26 is too old"),
        ("", Outcome.UNKNOWN, "which version the API server runs is not known"),
    ],
)
def test_kubernetes_is_judged_by_the_row_of_the_installed_istio(
    kubernetes: str, outcome: Outcome, says: str
) -> None:
    made = snapshot(whole())
    result = _version(replace(made, about=replace(made.about, kubernetes=kubernetes)))
    assert result.outcome is outcome
    assert result.message.startswith(says)
