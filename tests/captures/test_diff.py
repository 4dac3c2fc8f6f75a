"""What changed since it worked: the healthy mesh against each capture of the same mesh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.diff.compare import compare
from meshdoctor.recording.reader import read_recording

if TYPE_CHECKING:
    from pathlib import Path

_SAME_MESH = (
    "authz-empty-policy-denies-all",
    "circuit-breaker-overflow",
    "destination-port-not-on-service",
    "dr-mutual-server-without-sidecar",
    "envoyfilter-rejected",
    "fault-injection-left-on",
    "gateway-selector-mismatch",
    "injector-webhook-deleted",
    "network-policy-blocks",
    "peerauth-conflict-two-namespace-wide",
    "port-named-tcp",
    "route-timeout",
    "scaled-to-zero",
    "subset-undefined",
    "svc-selector-matches-nothing",
    "wrong-target-port",
)


@pytest.mark.parametrize("name", _SAME_MESH)
def test_the_object_at_fault_ranks_first_among_the_changes(captures_root: Path, name: str) -> None:
    expected = json.loads((captures_root / "expected.json").read_text())[name]
    healthy = read_recording(captures_root / "healthy.tar.gz")
    found = compare(healthy, read_recording(captures_root / f"{name}.tar.gz"))
    [explained] = [item for item in found.explained if item.cause.id == expected["root_cause"]]
    change, _ = explained.changes[0]
    assert change.object in expected["objects"]
