from __future__ import annotations

import pytest

from meshdoctor.intent.outbound_capture import (
    EXCLUDE_OUTBOUND_PORTS,
    EXCLUDE_OUTBOUND_RANGES,
    INCLUDE_OUTBOUND_PORTS,
    INCLUDE_OUTBOUND_RANGES,
    passed_by,
)
from tests.build import pod, resources

MODE = "sidecar.istio.io/interceptionMode"


@pytest.mark.parametrize(
    ("annotations", "annotation"),
    [
        ({}, ""),
        ({EXCLUDE_OUTBOUND_PORTS: "3306, 8080"}, EXCLUDE_OUTBOUND_PORTS),
        ({EXCLUDE_OUTBOUND_PORTS: "3306"}, ""),
        ({EXCLUDE_OUTBOUND_RANGES: "10.96.0.0/12"}, EXCLUDE_OUTBOUND_RANGES),
        ({EXCLUDE_OUTBOUND_RANGES: "10.97.0.0/16,garbled"}, ""),
        ({INCLUDE_OUTBOUND_RANGES: "10.96.0.0/12"}, ""),
        ({INCLUDE_OUTBOUND_RANGES: "10.97.0.0/16"}, INCLUDE_OUTBOUND_RANGES),
        ({INCLUDE_OUTBOUND_RANGES: ""}, INCLUDE_OUTBOUND_RANGES),
        ({INCLUDE_OUTBOUND_RANGES: "", INCLUDE_OUTBOUND_PORTS: "8080"}, ""),
        ({INCLUDE_OUTBOUND_PORTS: "8080", EXCLUDE_OUTBOUND_PORTS: "8080"}, EXCLUDE_OUTBOUND_PORTS),
        ({MODE: "NONE"}, MODE),
        ({MODE: "TPROXY"}, ""),
    ],
)
def test_the_annotation_by_which_a_call_avoids_the_sidecar(
    annotations: dict[str, str], annotation: str
) -> None:
    found = pod("a")
    found["metadata"]["annotations"] |= annotations
    assert passed_by(resources([found])[0], "10.96.0.10", 8080) == (annotation or None)


@pytest.mark.parametrize(
    ("annotations", "annotation"),
    [
        ({EXCLUDE_OUTBOUND_RANGES: "10.96.0.0/12"}, None),
        ({INCLUDE_OUTBOUND_RANGES: "10.96.0.0/12"}, None),
        ({INCLUDE_OUTBOUND_RANGES: ""}, INCLUDE_OUTBOUND_RANGES),
    ],
)
def test_an_address_that_is_not_known_counts_as_captured_unless_none_is(
    annotations: dict[str, str], annotation: str | None
) -> None:
    found = pod("a")
    found["metadata"]["annotations"] |= annotations
    assert passed_by(resources([found])[0], "", 8080) == annotation
