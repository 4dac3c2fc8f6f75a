"""Two faults in one mesh are two root causes; a healthy neighbour changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.captures.editing import Copy, named
from tests.captures.merging import merge, other_name
from tests.captures.test_every_capture import _EXPECTED

if TYPE_CHECKING:
    from pathlib import Path

_PAIRS = [
    ("subset-undefined", "healthy"),
    ("healthy", "subset-undefined"),
    ("svc-selector-matches-nothing", "strict-server-dr-disable"),
    ("outlier-ejection", "gateway-credential-missing"),
    ("pod-opted-out", "istiod-scaled-to-zero"),
    ("authz-principal-wrong", "route-timeout"),
    ("scaled-to-zero", "subset-undefined"),
    ("subset-undefined", "subset-undefined"),
    ("dr-mutual-server-without-sidecar", "envoyfilter-rejected"),
    ("fault-injection-left-on", "wrong-target-port"),
    ("namespace-not-labelled", "old-data-plane"),
    ("jwt-missing-token", "gateway-selector-mismatch"),
    ("destination-port-not-on-service", "serviceentry-shadows-service"),
    ("port-named-tcp", "destinationrule-in-third-namespace"),
    ("serviceentry-dns-unresolvable", "svc-selector-matches-nothing"),
    ("dr-san-mismatch", "outbound-port-excluded"),
    ("inbound-port-excluded", "dr-san-mismatch"),
]


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize(("first", "second"), _PAIRS)
def test_both_faults_are_named_and_nothing_else(first: str, second: str, tmp_path: Path) -> None:
    merge(first, second, tmp_path)
    found = named(Copy(tmp_path).answer())
    wanted = [
        (said["root_cause"], [rename(item) for item in said["objects"]])
        for said, rename in ((_EXPECTED[first], other_name), (_EXPECTED[second], str))
        if said["root_cause"] != "none"
    ]
    assert len(found) == len(wanted)
    for cause, objects in wanted:
        assert [item for item in found if item[0] == cause and item[1] in objects], found
