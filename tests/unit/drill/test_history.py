"""The history keeps every attempt, and a damaged line costs that line only."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill.history import Result, append, damages, data_folder, read

if TYPE_CHECKING:
    from pathlib import Path

FIRST = Result(
    drill="D08",
    ended=datetime(2026, 11, 21, 8, tzinfo=UTC),
    seconds=312.5,
    points=85,
    passed=True,
    hints=1,
    hypothesis="subset-not-defined",
    right_hypothesis=True,
    mode="app",
)
SECOND = replace(
    FIRST,
    drill="D24",
    ended=FIRST.ended + timedelta(hours=1),
    points=0,
    passed=False,
    hypothesis=None,
    right_hypothesis=None,
    mode="kubectl",
)


def test_what_is_appended_is_read_back_the_oldest_first(tmp_path: Path) -> None:
    append(SECOND, tmp_path)
    append(FIRST, tmp_path)
    assert read(tmp_path) == (FIRST, SECOND)
    assert damages(tmp_path) == ()


def test_without_a_history_nothing_was_practised(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == ()
    assert damages(tmp_path / "none") == ()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    append(FIRST, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"drill": "D08", "ended"', "Input data was truncated"),
        (b"[1, 2]", "Expected `object`, got `array`"),
        (b'{"drill": "D08"}', "missing required field `ended`"),
        (b"\xff\xfe", "malformed"),
    ],
)
def test_a_damaged_line_is_skipped_and_said_and_stays(
    tmp_path: Path, broken: bytes, reason: str
) -> None:
    append(FIRST, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + broken + b"\n")
    append(SECOND, tmp_path)
    assert read(tmp_path) == (FIRST, SECOND)
    (damage,) = damages(tmp_path)
    assert damage.line == 2
    assert reason in damage.reason
    assert broken in file.read_bytes()


def test_a_line_that_was_cut_off_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    append(FIRST, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b'{"drill": "D0')
    append(SECOND, tmp_path)
    assert read(tmp_path) == (FIRST, SECOND)
    assert [damage.line for damage in damages(tmp_path)] == [2]


def test_a_time_without_a_zone_is_damage_and_other_zones_become_utc(tmp_path: Path) -> None:
    east = timezone(timedelta(hours=5))
    append(replace(FIRST, ended=FIRST.ended.astimezone(east)), tmp_path)
    assert read(tmp_path)[0].ended.tzinfo is UTC
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().replace(b"Z", b""))
    assert read(tmp_path) == ()
    assert "time zone" in damages(tmp_path)[0].reason


def test_the_environment_names_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path))
    append(FIRST)
    assert read() == read(tmp_path) == (FIRST,)
    monkeypatch.delenv("MESHDOCTOR_DATA")
    assert data_folder().name == "meshdoctor"
