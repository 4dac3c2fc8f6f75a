"""What an exam looks like: small and comfortable, under way and over, and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functional.scene_exam import app_in, held_in, marked
from tests.functional.test_snapshots import SMALL, after, both_sizes
from tests.unit.drill.exams import mend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meshdoctor.app.exam_app import ExamApp

    Compare = Callable[..., bool]

POINTS = [100, 10, None, 90, 90, 100, 0, 75, 90, 100, 55, None, 100, 100, 85, 60]
PASSED = [100, 90, 75, 90, 90, 100, 50, 75, 90, 100, 55, None, 100, 100, 85, 60]


def under_way(folder: Path) -> ExamApp:
    """An hour in: one task done, one opened, two marked for later."""
    held = held_in(folder)
    sitting = held.begin()
    mend(sitting, 0)
    held.clock.seconds += 400
    sitting.open(1)
    held.clock.seconds += 95
    sitting.leave()
    sitting.flag(1)
    sitting.flag(4)
    held.clock.seconds += 3000
    return app_in(held, sitting)


def over(folder: Path, points: list[int | None]) -> ExamApp:
    held = held_in(folder)
    return app_in(held, marked(held.begin(), points))


@both_sizes
def test_under_way(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(under_way(tmp_path), terminal_size=size, run_before=after())


def test_little_time_is_left(snap_compare: Compare, tmp_path: Path) -> None:
    app = under_way(tmp_path)
    app.sitting._clock.seconds += 3000  # type: ignore[attr-defined]  # the clock of the tests
    assert snap_compare(app, terminal_size=SMALL, run_before=after())


def test_the_end_is_asked_for(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(under_way(tmp_path), terminal_size=SMALL, run_before=after("E"))


@both_sizes
def test_not_passed(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(over(tmp_path, POINTS), terminal_size=size, run_before=after())


def test_passed(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(over(tmp_path, PASSED), terminal_size=SMALL, run_before=after())


def test_review_of_a_task(snap_compare: Compare, tmp_path: Path) -> None:
    app = over(tmp_path, POINTS)
    assert snap_compare(app, terminal_size=SMALL, run_before=after("j", "enter"))


@pytest.mark.parametrize("screen", ["tasks", "result"])
def test_without_colour(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = under_way(tmp_path) if screen == "tasks" else over(tmp_path, POINTS)
    assert snap_compare(app, terminal_size=SMALL, run_before=after())
