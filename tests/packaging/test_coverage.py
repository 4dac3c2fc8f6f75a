"""docs/coverage.md speaks of playbooks, causes, findings and captures that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from meshdoctor.analyze.codes import codes
from meshdoctor.diagnose.library import causes, playbooks
from tests.conftest import CHECKOUT

TEXT = (CHECKOUT / "docs" / "coverage.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| S\d\d ", line)
]
CAUSE_IN_CODE = re.compile(r"`([a-z0-9-]+)`")


def test_every_symptom_has_one_row() -> None:
    assert [row[0] for row in ROWS] == [f"S{number:02}" for number in range(1, 61)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_what_there_is_or_gives_a_reason(row: list[str]) -> None:
    _, _, walked, found, decides, proven, source = row
    named = CAUSE_IN_CODE.findall(walked)
    assert set(named) <= {playbook.id for playbook in playbooks()}
    ids = {item for item in CAUSE_IN_CODE.findall(found) if item in causes()}
    assert set(CAUSE_IN_CODE.findall(found)) <= ids | {"--log-line"}
    assert set(re.findall(r"MD\d{4}", found)) <= set(codes())
    reached = {
        cause for playbook in playbooks() if playbook.id in named for cause in playbook.causes
    }
    if named and "Out of scope" not in found and "for any client" not in found:
        assert not ids or ids & reached, (ids, named)
    assert ids or "Out of scope" in found or re.search(r"MD\d{4}|no root cause|other flag", found)
    assert decides
    assert source
    assert proven


def test_every_cause_stands_in_the_table() -> None:
    assert sorted(set(causes()) - set(CAUSE_IN_CODE.findall(TEXT))) == []


def test_recordings_that_prove_are_captures(captures_root: Path) -> None:
    known = set(json.loads((captures_root / "expected.json").read_text()))
    for row in ROWS:
        names = re.sub(r"\((edited|unit)\)", "", row[5]).split(",")
        assert {name.strip() for name in names} - {"", "-"} <= known, row[0]
