"""What is recorded is what is answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.resources import bundled_recordings
from meshdoctor.serve.mesh import Mesh
from tests.unit.serve.small_mesh import api

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", bundled_recordings(), ids=lambda path: path.name)
async def test_every_list_is_answered_as_it_was_recorded(path: Path) -> None:
    mesh = Mesh.load(path)
    async with api(mesh) as (_, client):
        for one in mesh.objects:
            group = one.group or "core"
            root = f"/apis/{group}/{one.version}" if one.group else f"/api/{one.version}"
            answer = (await client.get(f"{root}/{one.plural}")).json()
            file = mesh.files[f"kubernetes/{group}/{one.version}/{one.plural}.json"]
            recorded = json.loads(file)
            assert answer["items"] == recorded["items"]
            assert (answer["kind"], answer["apiVersion"]) == (
                recorded["kind"],
                recorded["apiVersion"],
            )
    assert len(mesh.objects) > 30
