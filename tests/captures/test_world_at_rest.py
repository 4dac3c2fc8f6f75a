"""A recorded mesh is at rest: controllers find nothing to do until somebody writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.drill.edits import parse_edit
from meshdoctor.drill.world import World
from tests.captures.sharing import one_in
from tests.conftest import shared_folder

_ROOT = shared_folder("MESHDOCTOR_CAPTURES", "captures")
_EXPECTED: dict[str, Any] = (
    json.loads((_ROOT / "expected.json").read_text()) if (_ROOT / "expected.json").is_file() else {}
)


@pytest.mark.usefixtures("captures_root")
@pytest.mark.parametrize("name", one_in(2, sorted(_EXPECTED)))
def test_nothing_moves_in_a_capture_that_nobody_edits(name: str) -> None:
    world = World.from_recording(_ROOT / f"{name}.tar.gz")
    version = world.cluster.store.version
    world.settle()
    assert world.cluster.store.version == version
    assert not world.has_changed


@pytest.mark.usefixtures("captures_root")
@pytest.mark.parametrize("name", one_in(2, sorted(_EXPECTED), 1))
def test_an_edit_beside_the_fault_invents_no_other_cause(name: str) -> None:
    world = World.from_recording(_ROOT / f"{name}.tar.gz")
    edit = {"label": {"object": "Namespace shop", "set": {"beside": "it"}}}
    parse_edit(edit).apply(world.cluster)
    found = {cause.id for cause in diagnose(world.snapshot()).root_causes}
    assert found <= {_EXPECTED[name]["root_cause"]}
