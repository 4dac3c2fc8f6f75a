"""``ctrl+s``: a recording of the live mesh, where to, how far, and what is told at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, Static

from meshdoctor.app.recorder import default_name
from meshdoctor.model.source_error import SourceError
from meshdoctor.source import Progress
from screens.ask_window import AskWindow
from screens.overview import OverviewScreen
from screens.save_window import SaveWindow
from screens.state import Following
from screens.window import TextWindow
from tests.functional.scene import app_on, press, settled
from tests.functional.scene_live import (
    END,
    NOW,
    LiveSession,
    header,
    keys,
    live_app,
    quiet,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.app import MeshdoctorApp

DEFAULT = "meshdoctor-prod-eu-20261121T083000Z.tar.gz"
PROXIES = Progress("proxies", "client-0.shop", 14, 60)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ready() -> LiveSession:
    session = LiveSession()
    session.source.reads.put(END)
    return session


def messages(app: MeshdoctorApp) -> list[str]:
    return [note.message for note in app._notifications]


async def test_the_default_path_is_named_by_context_and_time_and_the_end_is_told(
    tmp_path: Path,
) -> None:
    session = ready()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s")
        assert isinstance(app.screen, SaveWindow)
        assert app.screen.query_one(Input).value == DEFAULT
        await keys(pilot, "enter")
        session.source.saves.put(PROXIES)
        await until(pilot, lambda: "REC 11 B proxies 14/60" in header(app))
        session.source.saves.put(END)
        await until(pilot, lambda: app.state.saving is None)
        assert messages(app) == [
            f"{DEFAULT}\n1.2 MB, 212 files, 14 secrets hidden, 3 things not read"
        ]
        assert (tmp_path / DEFAULT).is_file()
        assert "REC" not in header(app)
        assert app.state.following is Following.ON


async def test_a_file_that_exists_is_not_overwritten_and_a_free_name_is_offered(
    tmp_path: Path,
) -> None:
    (tmp_path / DEFAULT).write_text("older")
    session = ready()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter")
        assert isinstance(app.screen, SaveWindow)
        complaint = str(app.screen.query_one("#complaint", Static).render())
        assert (
            complaint == f"! {DEFAULT} exists and is not overwritten. Enter takes the name above."
        )
        assert app.screen.query_one(Input).value == DEFAULT.replace(".tar.gz", "-2.tar.gz")
        session.source.saves.put(END)
        await keys(pilot, "enter")
        await until(pilot, lambda: messages(app))
        assert (tmp_path / DEFAULT).read_text() == "older"
        assert (tmp_path / DEFAULT.replace(".tar.gz", "-2.tar.gz")).is_file()


@pytest.mark.parametrize(
    ("typed", "words"), [("", "! A path is needed."), ("no/such/x.tar.gz", "! There is no folder")]
)
async def test_a_path_that_will_not_do_is_complained_about(typed: str, words: str) -> None:
    app = live_app(ready())
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s")
        app.screen.query_one(Input).value = typed
        await keys(pilot, "enter")
        assert str(app.screen.query_one("#complaint", Static).render()).startswith(words)
        await keys(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)
        assert app.state.saving is None


async def test_esc_on_the_overview_stops_a_recording_and_says_so() -> None:
    app = live_app(ready())
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter", "x", "escape")
        assert app.state.saving is not None
        await keys(pilot, "escape")
        await until(pilot, lambda: app.state.saving is None)
        titles = [note.title for note in app._notifications]
        assert titles == ["", "Recorded, stopped before its end"]


async def test_the_key_again_asks_before_it_stops() -> None:
    app = live_app(ready())
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter", "ctrl+s")
        assert isinstance(app.screen, AskWindow)
        await keys(pilot, "escape")
        assert app.state.saving is not None
        await keys(pilot, "ctrl+s", "enter")
        await until(pilot, lambda: app.state.saving is None)


async def test_leaving_while_it_records_asks_once() -> None:
    app = live_app(ready())
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter", "q")
        assert isinstance(app.screen, AskWindow)
        assert DEFAULT in app.screen.question
        await keys(pilot, "n")
        assert app.state.saving is not None
        await keys(pilot, "ctrl+c")
        assert isinstance(app.screen, AskWindow)
        await pilot.press("ctrl+c")
    assert app.return_code == 0


async def test_a_recording_that_fails_says_why() -> None:
    session = ready()
    session.source.saves.put(SourceError("no space left on the disk"))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter")
        await until(pilot, lambda: messages(app))
        assert messages(app) == ["no space left on the disk"]
        assert app.state.saving is None
        await keys(pilot, "r")
        assert app.is_running


@pytest.mark.parametrize("key", ["ctrl+s", "space"])
async def test_on_a_recording_the_keys_of_a_live_mesh_are_dim_and_say_why(key: str) -> None:
    app = app_on()
    why = "hand-made.tar.gz is a recording already: it does not change"
    async with app.run_test() as pilot:
        await settled(pilot)
        assert app.screen.active_bindings[key].enabled is False
        await press(pilot, key)
        assert [note.message for note in app._notifications] == [why]
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert f"  (ctrl+s, space: not now, {why})\n" in app.screen.text


async def test_messages_that_were_dismissed_are_kept() -> None:
    session = ready()
    session.source.saves.put(SourceError("no space left on the disk"))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "ctrl+s", "enter")
        await until(pilot, lambda: messages(app))
        app.clear_notifications()
        await quiet(pilot)
        app.action_messages()
        await quiet(pilot)
        assert isinstance(app.screen, TextWindow)
        assert app.screen.text == "08:30:00Z  error\n    Not recorded: no space left on the disk"


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("arn:aws:eks:eu-1:42:cluster/prod", "meshdoctor-arn-aws-eks-eu-1-42-cluster-prod"),
        ("../../etc", "meshdoctor-etc"),
        ("§", "meshdoctor-mesh"),
    ],
)
def test_a_context_never_leads_the_path_elsewhere(context: str, name: str) -> None:
    assert default_name(context, NOW) == f"{name}-20261121T083000Z.tar.gz"
