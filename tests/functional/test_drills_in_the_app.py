"""Every drill, played in the app: broken, mended wrongly, mended in each of the right ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual._compositor import Compositor
from textual.widgets import Footer

from meshdoctor.app.drill_app import DrillApp
from meshdoctor.drill import history
from meshdoctor.drill.drill import Role
from meshdoctor.drill.library import drills
from tests.functional.drilling import graded, make, play_screen, quiet, start_over
from tests.unit.drill.playing import shared_fixes

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch) -> list[history.Result]:
    """What would be kept; nothing reaches the user's folder."""
    kept: list[history.Result] = []
    monkeypatch.setattr(history, "append", lambda result, folder=None: kept.append(result))
    monkeypatch.setattr(history, "read", lambda folder=None: tuple(kept))
    return kept


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks: painting, and a footer made anew at every turn, would take half of the time."""
    monkeypatch.setattr(Footer, "compose", lambda self: ())
    monkeypatch.setattr(Compositor, "render_update", lambda self, **_: None)


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("drill", drills(), ids=lambda drill: drill.id)
async def test_a_drill_fails_untouched_and_with_wrong_fixes_and_passes_with_right_ones(
    drill: Drill, results: list[history.Result]
) -> None:
    app = DrillApp(drill, clock=lambda: 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await quiet(pilot)
        assert not (await graded(pilot)).passed
        screen = play_screen(pilot)
        for fix in shared_fixes(drill, first=True):
            await make(pilot, *fix.edits)
            grade = screen.desk.play.grade()
            assert grade.passed is (fix.role is not Role.WRONG), fix.says
            if fix.role is Role.WRONG:
                failed = {check.id for check in grade.checks if check.passed is False}
                assert failed >= set(fix.fails), fix.says
            else:
                assert (grade.points, grade.losses) == (100, ()), fix.says
            if fix.role is not Role.REFERENCE:
                await start_over(pilot)
                assert not screen.desk.play.grade().passed
        await pilot.press("F")
        await quiet(pilot)
        await pilot.press("F", "escape")
        await quiet(pilot)
        assert [(one.drill, one.passed, one.points) for one in results] == [(drill.id, True, 100)]
