"""A recording against a live mesh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.exit_codes import ExitCode
from tests.live.played import BROKEN, HEALTHY, RECORDINGS

if TYPE_CHECKING:
    from tests.live.played import Played


def test_what_broke_a_live_mesh_since_it_was_recorded_comes_first(broken: Played) -> None:
    result = broken.run("diff", str(RECORDINGS / f"{HEALTHY}.tar.gz"), "-o", "json")
    assert result.code == ExitCode.ROOT_CAUSE
    [cause] = json.loads(result.stdout)["root_causes"]["new"]
    assert cause["id"] == "subset-not-defined"
    assert cause["explained_by"][0]["object"] == "VirtualService shop/reviews"


def test_a_live_mesh_that_is_as_it_was_recorded_has_no_change(broken: Played) -> None:
    result = broken.run("diff", str(RECORDINGS / f"{BROKEN}.tar.gz"), "-o", "json")
    document = json.loads(result.stdout)
    assert [cause["id"] for cause in document["root_causes"]["still"]] == ["subset-not-defined"]
    assert document["objects"] == []
    assert document["proxies"] == []
    assert result.code in (ExitCode.OK, ExitCode.UNREAD)
