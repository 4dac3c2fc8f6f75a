"""A pasted line: explained in a window, and from there to what it is a symptom of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from screens.diagnosis import DiagnosisScreen
from screens.paste_window import PasteWindow
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from tests.functional.scene import HandMade, app_on, cause, diagnosis, press, settled
from tests.functional.test_palette import choose
from tests.unit.views.test_pasted_line import request

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot


async def paste(pilot: Pilot[None], line: str) -> None:
    """Put a line into the window, as a terminal that pastes does."""
    pilot.app.screen.query_one("#line", Input).value = line
    await press(pilot, "enter")


def said(app: App[None]) -> str:
    return str(app.screen.query_one("#explanation", PlainText).render())


async def test_a_line_is_explained_and_enter_goes_to_its_root_cause() -> None:
    app = app_on(HandMade(made=diagnosis(cause("reviews"), cause("ratings", 2))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "p")
        assert isinstance(app.screen, PasteWindow)
        await paste(pilot, request(503, "UH", "no_healthy_upstream"))
        assert "RESPONSE_FLAGS: UH" in said(app)
        assert "enter goes to the playbook 503" in said(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, DiagnosisScreen)
        current = app.screen.query_one("#causes", RowsTable).current
        assert current is not None
        assert current.value.playbook == "503"


async def test_where_its_playbook_found_nothing_its_walks_are_shown() -> None:
    app = app_on(HandMade(made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "p")
        await paste(pilot, request(503, "UH", "no_healthy_upstream"))
        await press(pilot, "enter")
        assert isinstance(app.screen, DiagnosisScreen)
        assert app.screen.tabs.active == "tab-walks"
        walks = app.screen.query_one("#walks", RowsTable).shown
        assert {row.value.playbook for row in walks} == {"503"}


async def test_a_line_that_nothing_explains_leads_to_the_whole_diagnosis() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "p")
        await paste(pilot, "good morning")
        assert "Nothing in the library explains this line." in said(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, DiagnosisScreen)


async def test_another_line_is_explained_before_anything_else_and_esc_goes_nowhere() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "p", "enter")
        assert said(app) == "! There is no line to explain."
        await paste(pilot, request(503, "UH", "no_healthy_upstream"))
        await paste(pilot, "curl: (56) Recv failure: Connection reset by peer")
        assert isinstance(app.screen, PasteWindow)
        assert said(app).startswith("message of a client")
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_the_palette_opens_it() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await choose(pilot, "paste", "app: Paste a line")
        assert isinstance(app.screen, PasteWindow)
