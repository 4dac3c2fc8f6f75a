"""An exam in the app, from the first task to the review, by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill import history
from meshdoctor.drill.exam import Ending, TaskState, resumed
from meshdoctor.model.source_error import SourceError
from screens.ask_window import AskWindow
from screens.drill_play import DrillPlayScreen
from screens.exam import ExamScreen
from screens.exam_result import ExamResultScreen
from screens.widgets.header import MeshHeader
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests.functional.scene import press, settled
from tests.functional.scene_exam import app_in, held_in, marked, mend

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.app.exam_app import ExamApp
    from meshdoctor.drill.drill import Drill


def header(app: ExamApp) -> str:
    return str(app.screen.query_one("#header", PlainText).render())


def rows(app: ExamApp) -> list[str]:
    return [row.plain for row in app.screen.query_one(RowsTable).shown]


async def test_tasks_are_opened_marked_and_handed_in_and_points_come_at_the_end(
    tmp_path: Path,
) -> None:
    held = held_in(tmp_path)
    app = app_in(held)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ExamScreen)
        assert len(rows(app)) == 16
        assert "0 of 16 done" in header(app)
        assert header(app).endswith("2:00:00 left")
        await press(pilot, "enter")
        assert isinstance(app.screen, DrillPlayScreen)
        assert "exam · task 1 of 16 · 2:00:00 left" in str(
            app.screen.query_one(MeshHeader).render()
        )
        await mend(pilot)
        held.clock.seconds += 600
        await press(pilot, "F", "enter")
        assert isinstance(app.screen, ExamScreen)
        assert "✓ done" in rows(app)[0]
        assert "1 of 16 done" in header(app)
        await press(pilot, "j", "M", "enter")
        await press(pilot, "q", "enter")
        assert isinstance(app.screen, ExamScreen)
        assert "… opened" in rows(app)[1]
        assert "! later" in rows(app)[1]
        assert not any("points" in row for row in rows(app))
        await press(pilot, "E")
        assert isinstance(app.screen, AskWindow)
        assert app.screen.question.startswith("14 tasks not opened, 1 marked for later, 1:50:00")
        await press(pilot, "enter")
        assert isinstance(app.screen, ExamResultScreen)
        assert "✓ 100 points" in rows(app)[0]
        assert "✗ 0 points" in rows(app)[1]
        assert "– not opened" in rows(app)[2]
    assert [result.points for result in history.read(tmp_path)] == [100, 0]


async def test_neither_hints_nor_grades_are_shown_while_it_runs(tmp_path: Path) -> None:
    app = app_in(held_in(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "H")
        assert isinstance(app.screen, DrillPlayScreen)
        offered = {each.binding.action for each in app.screen.active_bindings.values()}
        assert offered & {"hint", "questions", "finish"} == {"finish"}
        await press(pilot, "F", "enter")
        assert isinstance(app.screen, ExamScreen)
        assert "points" not in app.said.text()


async def test_time_up_ends_it_from_whatever_is_open_and_warns_before(tmp_path: Path) -> None:
    held = held_in(tmp_path)
    app = app_in(held)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter")
        await mend(pilot)
        await press(pilot, "question_mark")
        held.clock.seconds += 7200 - 899
        app.look_at_clock()
        app.look_at_clock()
        await settled(pilot)
        assert app.said.text().count("15 minutes left") == 1
        held.clock.seconds += 899
        app.look_at_clock()
        await settled(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, ExamResultScreen)
        assert "✓ 100 points" in rows(app)[0]
        assert "Time is up" in app.said.text()
    assert held.files.latest(over=True).ending is Ending.TIME_UP


async def test_leaving_asks_once_and_the_exam_goes_on_where_it_was(tmp_path: Path) -> None:
    held = held_in(tmp_path)
    app = app_in(held)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter")
        await mend(pilot)
        await press(pilot, "ctrl+c")
        assert isinstance(app.screen, AskWindow)
        assert "--resume" in app.screen.question
        await press(pilot, "escape")
        assert isinstance(app.screen, DrillPlayScreen)
        held.clock.seconds += 60
        await press(pilot, "ctrl+c")
        await pilot.press("enter")
    assert app.return_code == 0
    left = held.files.latest(over=False)
    assert left.tasks[0].state is TaskState.OPENED
    again = app_in(held, held.sit(resumed(left)))
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert header(again).endswith("1:59:00 left")
        await press(pilot, "E", "enter")
        assert "✓ 100 points" in rows(again)[0]
        await pilot.press("q")
    assert again.return_code == 0


async def test_each_task_is_reviewed_with_what_failed_why_and_what_mends_it(
    tmp_path: Path,
) -> None:
    held = held_in(tmp_path)
    app = app_in(held, marked(held.begin(), [100, 30, None, *[90] * 13]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ExamResultScreen)
        await press(pilot, "ctrl+z")
        assert len(rows(app)) == 15
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        text = app.screen.text
        assert "30 of 100 points" in text
        assert "failed  The client reaches reviews" in text
        assert "503: no healthy upstream" in text
        assert "-10 points  Workloads were restarted" in text
        drill = app.sitting.drill_of(1)
        assert drill.title in text
        assert drill.explanation in text
        assert "kubectl patch" in text
        await press(pilot, "escape", "j", "enter")
        assert isinstance(app.screen, TextWindow)
        assert "It was not opened, and counts nothing." in app.screen.text
        await press(pilot, "escape", "q")
    assert app.return_code == 0


@pytest.mark.parametrize("key", ["o", "v", "t", "w", "p", "r"])
async def test_keys_that_look_at_a_mesh_do_nothing_among_the_tasks(
    tmp_path: Path, key: str
) -> None:
    app = app_in(held_in(tmp_path))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, key)
        assert isinstance(app.screen, ExamScreen)
        assert len(app.screen_stack) == 1
        assert "Open a task first" in app.said.text()


async def test_the_help_has_every_key_of_the_exam(tmp_path: Path) -> None:
    app = app_in(held_in(tmp_path))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        for words in (ExamScreen.HELP, "Mark the task for later", "End the exam; asks first"):
            assert words in app.screen.text


async def test_the_palette_offers_what_an_exam_has(tmp_path: Path) -> None:
    app = app_in(held_in(tmp_path))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "colon", *"exam end", "enter")
        await settled(pilot)
        assert isinstance(app.screen, AskWindow)


async def test_a_disk_that_is_full_is_said_once_and_the_exam_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = held_in(tmp_path)
    app = app_in(held)
    async with app.run_test() as pilot:
        await settled(pilot)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("meshdoctor.drill.exam_files.ExamFiles.save", full)
        for _ in range(3):
            held.clock.seconds += 10
            app.look_at_clock()
        await settled(pilot)
        assert app.said.text().count("The exam is not kept") == 1
        await press(pilot, "E", "enter")
        assert isinstance(app.screen, ExamResultScreen)


async def test_a_task_that_cannot_be_opened_is_said_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_in(held_in(tmp_path))
    async with app.run_test() as pilot:
        await settled(pilot)

        def broken(drill: Drill) -> None:
            raise SourceError(f"{drill.recording} ends in the middle")

        with monkeypatch.context() as patch:
            patch.setattr("meshdoctor.drill.sitting.beginning", broken)
            await press(pilot, "enter")
        assert isinstance(app.screen, ExamScreen)
        assert "ends in the middle" in app.said.text()
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, DrillPlayScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_nothing_is_cut_at_the_edges(tmp_path: Path, size: tuple[int, int]) -> None:
    held = held_in(tmp_path)
    for app in (app_in(held), app_in(held, marked(held.begin(), [50] * 16))):
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            table = app.screen.query_one(RowsTable)
            assert table.region.right <= size[0]
            assert table.size.height >= 8
            assert table.grid.virtual_size.width <= table.grid.size.width
            assert app.screen.query_one("Footer").region.bottom == size[1]
