"""A drill from a recording: what a diagnosis knows is filled in, the rest is left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import parse_drill
from meshdoctor.drill.lint import by_playing, lint_files
from meshdoctor.drill.scaffold import scaffold
from meshdoctor.drill.world import World
from meshdoctor.resources import bundled_recordings, recordings_root

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = [path.name.removesuffix(".tar.gz") for path in bundled_recordings()]


def written(recording: str) -> str:
    world = World.from_recording(recordings_root() / f"{recording}.tar.gz")
    return scaffold("X-1", recording, diagnose(world.snapshot()), lambda: world)


def document(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(written(recording))
    return found


@pytest.mark.parametrize("recording", RECORDINGS)
def test_lint_refuses_nothing_of_a_scaffold_but_what_is_left_to_do(
    recording: str, tmp_path: Path
) -> None:
    file = tmp_path / "X-1.yaml"
    file.write_text(written(recording))
    problems = lint_files([file])
    assert problems
    assert [line for line in problems if not line.endswith("still says TODO")] == []


def test_a_diagnosis_fills_in_what_it_knows() -> None:
    found = document("mtls-conflict")
    assert found["causes"] == ["destinationrule-disables-tls-to-strict-server"]
    assert found["domain"] == "securing-workloads"
    assert found["seen"]["namespaces"] == ["pay", "shop"]
    assert found["checks"][0]["request"] == {
        "from": "deploy/client-v1",
        "namespace": "shop",
        "to": "http://payments.pay.svc.cluster.local:8080/",
    }
    assert [fix["role"] for fix in found["fixes"]] == ["reference", "alternative", "wrong"]
    assert found["fixes"][0]["edits"][0]["patch"]["object"] == "DestinationRule shop/payments-plain"
    assert "permissive" in [guard["id"] for guard in found["guards"]]
    assert all(page.startswith("https://istio.io/") for page in found["documents"])


@pytest.mark.parametrize("recording", ["mtls-conflict", "subset-not-defined", "route-timeout"])
def test_the_fixes_that_are_filled_in_pass_and_nobody_passes_without(recording: str) -> None:
    drill = parse_drill(document(recording))
    right = [line for line in by_playing("X-1.yaml", drill, Grader()) if "TODO" not in line]
    assert right == []


def test_a_fix_that_does_not_mend_the_request_is_not_proposed() -> None:
    """To define the subset for pods that there are not makes NC UH."""
    (reference, alternative, _) = document("subset-not-defined")["fixes"]
    assert reference["edits"][0]["patch"]["object"] == "VirtualService shop/reviews"
    assert "TODO" in alternative["says"]


def test_steps_belong_together_where_no_request_tells_which_of_them_counts() -> None:
    reference = document("missing-sidecar")["fixes"][0]
    assert [next(iter(edit)) for edit in reference["edits"]] == ["label", "restart"]


def test_the_caller_that_a_fix_helps_is_the_one_that_is_asked_of() -> None:
    found = document("authz-principal-wrong")
    assert found["checks"][0]["request"]["from"] == "deploy/client-v1"


def test_callers_from_outside_come_by_the_gateway() -> None:
    found = document("gateway-selector-mismatch")
    assert found["checks"][0]["request"] == {"from": "gateway", "to": "http://shop.example.com:80/"}


def test_where_nothing_is_wrong_the_writer_breaks_it() -> None:
    found = document("healthy")
    assert "TODO" in str(found["setup"])
    assert "TODO" in str(found["causes"])


def test_no_guard_costs_points_before_anybody_did_anything() -> None:
    for recording in ("jwks-unreachable", "authz-empty-policy-denies-all", "mtls-conflict"):
        drill = parse_drill(document(recording))
        world = World.from_recording(recordings_root() / f"{recording}.tar.gz")
        assert Grader().grade(drill, world).losses == ()
