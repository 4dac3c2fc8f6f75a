"""``w``: a report of what is shown, in the format that the file's ending names."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from screens.overview import OverviewScreen
from screens.report_window import ReportWindow
from screens.window import TextWindow
from tests.functional.scene import app_on, press, settled
from tests.functional.scene_live import LiveSession, keys, live_app

NAME = "meshdoctor-test-20261121T080000Z"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def test_enter_writes_markdown_beside_and_tells_where(tmp_path: Path) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "w")
        assert isinstance(app.screen, ReportWindow)
        name = app.screen.query_one(Input).value
        assert name.endswith(".md")
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert [note.message for note in app._notifications] == [name]
        assert isinstance(app.screen, OverviewScreen)
    text = (tmp_path / name).read_text("utf-8")
    assert text.startswith("# meshdoctor: ")
    assert "shop/ratings" in text


async def test_the_arrows_change_the_ending_and_the_mask_keeps_its_map(tmp_path: Path) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "w", "down", "down", "f2")
        chosen = str(app.screen.query_one("#chosen", Static).render())
        assert chosen == "Format: json\nNames: masked, the map beside it"
        name = app.screen.query_one(Input).value
        assert name == "meshdoctor-masked.json"
        await press(pilot, "f2", "f2", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
    told = json.loads((tmp_path / name).read_text("utf-8"))
    assert told["masked"] is True
    assert "shop/" not in json.dumps(told["root_causes"])
    assert stat.S_IMODE((tmp_path / f"{name}.map.json").stat().st_mode) == 0o600


async def test_a_file_that_exists_is_not_overwritten_and_a_free_name_is_offered(
    tmp_path: Path,
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "w")
        name = app.screen.query_one(Input).value
        (tmp_path / name).write_text("mine")
        await press(pilot, "enter")
        assert isinstance(app.screen, ReportWindow)
        assert app.screen.query_one(Input).value == name.replace(".md", "-2.md")
        complaint = str(app.screen.query_one("#complaint", Static).render())
        assert complaint.startswith(f"! {name} exists and is not overwritten.")
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "! A path is needed."),
        ("no/such/x.md", "! There is no folder"),
        ("x.pdf", "! The name must end as a format does."),
    ],
)
async def test_a_name_that_will_not_do_is_complained_about(
    typed: str, says: str, tmp_path: Path
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "w")
        app.screen.query_one(Input).value = typed
        await press(pilot, "enter")
        assert str(app.screen.query_one("#complaint", Static).render()).startswith(says)
        await press(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)
    assert not any(tmp_path.glob("*"))  # noqa: ASYNC240 - the app has been left


async def test_before_there_is_a_diagnosis_the_key_is_dim_and_says_why() -> None:
    app = live_app(LiveSession())
    async with app.run_test() as pilot:
        await keys(pilot, "w")
        assert not isinstance(app.screen, ReportWindow)
        assert [note.message for note in app._notifications] == ["there is no diagnosis yet"]
        await keys(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert "there is no diagnosis yet" in app.screen.text
