"""What the screens of a drill look like: small and comfortable, and without colour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from meshdoctor.app.drill_app import DrillApp
from meshdoctor.drill import history
from meshdoctor.drill.library import drill_for, drills
from meshdoctor.drill.targets import parse_target
from screens import drill_list
from screens.drill_editor import DrillEditorScreen
from tests.functional.drilling import apply_text, go_to, press, quiet
from tests.functional.scene import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

    from meshdoctor.drill.drill import Drill

    Compare = Callable[..., bool]
    Run = Callable[[Pilot[None]], Awaitable[None]]

SMALL, COMFORTABLE = (80, 24), (120, 36)
both_sizes = pytest.mark.parametrize("size", [SMALL, COMFORTABLE], ids=["80x24", "120x36"])
REVIEWS = parse_target("VirtualService shop/reviews")
_LISTED = ("D01", "D08", "D24")
"""Others come and go; these three stay as they are."""


def drill(name: str = "D08") -> Drill:
    found = drill_for(name)
    assert found is not None
    return found


def solved() -> history.Result:
    ended = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    return history.Result("D08", ended, 90.0, 95, True, 1, None, None, "app")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three drills, one of them solved."""
    listed = tuple(one for one in drills() if one.id in _LISTED)
    monkeypatch.setattr(drill_list, "_read", lambda folder: (listed, (solved(),)))
    monkeypatch.setattr(history, "append", lambda result, folder=None: None)


def playing(*keys: str, fixed: bool = False) -> Run:
    """Open the drill, mend it where that is asked for, press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await quiet(pilot)
        if fixed:
            await _edit(pilot, "subset: v3", "subset: v2")
        await press(pilot, *keys)
        await _settle(pilot)

    return run


async def _edit(pilot: Pilot[None], old: str, new: str) -> None:
    await go_to(pilot, REVIEWS)
    await press(pilot, "enter")
    editor = pilot.app.screen
    assert isinstance(editor, DrillEditorScreen)
    await apply_text(pilot, editor.area.text.replace(old, new))


async def _settle(pilot: Pilot[None]) -> None:
    await settled(pilot)
    # Toasts come and go with the clock.
    pilot.app.clear_notifications()
    await settled(pilot)


def app_on(name: str = "D08") -> DrillApp:
    return DrillApp(drill(name), clock=lambda: 0.0)


@both_sizes
def test_the_list(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = DrillApp(clock=lambda: 0.0)
    assert snap_compare(app, terminal_size=size, run_before=playing("down"))


@both_sizes
def test_the_task_and_the_objects(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_on(), terminal_size=size, run_before=playing())


@both_sizes
def test_after_a_change(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_on(), terminal_size=size, run_before=playing(fixed=True))


def test_proxies_after_a_change(snap_compare: Compare) -> None:
    run = playing("x", fixed=True)
    assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)


@both_sizes
def test_the_editor(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("slash", *"VirtualService  shop/r", "enter", "enter")
    assert snap_compare(app_on(), terminal_size=size, run_before=playing(*keys))


@both_sizes
def test_an_error_of_the_text(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await quiet(pilot)
        await _edit(pilot, "  http:", "  http: [")
        await _settle(pilot)

    assert snap_compare(app_on(), terminal_size=size, run_before=run)


@both_sizes
def test_a_grade_that_is_no_pass(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_on("D01"), terminal_size=size, run_before=playing("F"))


@both_sizes
def test_a_grade_that_is_a_pass(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("H", "enter", "escape", "F")
    assert snap_compare(app_on(), terminal_size=size, run_before=playing(*keys, fixed=True))


@both_sizes
def test_the_causes(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_on("D01"), terminal_size=size, run_before=playing("C"))


def test_a_question(snap_compare: Compare) -> None:
    run = playing("Q", "1", "enter")
    assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)


def test_a_hint(snap_compare: Compare) -> None:
    run = playing("H", "enter", "escape", "H")
    assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)


@both_sizes
def test_the_end(snap_compare: Compare, size: tuple[int, int]) -> None:
    run = playing("F", "F", fixed=True)
    assert snap_compare(app_on(), terminal_size=size, run_before=run)


def test_the_help(snap_compare: Compare) -> None:
    run = playing("question_mark")
    assert snap_compare(app_on(), terminal_size=COMFORTABLE, run_before=run)


class TestWithoutColour:
    """Glyphs and words alone tell the states apart."""

    @pytest.fixture(autouse=True)
    def no_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

    def test_list(self, snap_compare: Compare) -> None:
        app = DrillApp(clock=lambda: 0.0)
        assert snap_compare(app, terminal_size=SMALL, run_before=playing())

    def test_play(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=playing(fixed=True))

    def test_error(self, snap_compare: Compare) -> None:
        async def run(pilot: Pilot[None]) -> None:
            await quiet(pilot)
            await _edit(pilot, "  http:", "  http: [")
            await _settle(pilot)

        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_grade(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on("D01"), terminal_size=SMALL, run_before=playing("F"))
