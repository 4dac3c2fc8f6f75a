"""From a recording to its root cause, with keys only."""

from __future__ import annotations

import pytest
from textual.widgets import TabbedContent

from meshdoctor.session import RecordingSource, Session
from screens.diagnosis import DiagnosisScreen
from screens.overview import OverviewScreen
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests.functional.scene import COMMAND, HandMade, app_on, press, recording, settled


def table(app: object, name: str) -> RowsTable:
    found = app.screen.query_one(f"#{name}", RowsTable)  # type: ignore[attr-defined]
    assert isinstance(found, RowsTable)
    return found


async def test_a_recording_leads_to_its_root_cause_and_the_command_with_four_keys() -> None:
    app = app_on(Session(RecordingSource(recording("service-selector-mismatch"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        assert table(app, "wrong").shown[0].cells[0].text == "✗ error"  # type: ignore[union-attr]
        await press(pilot, "enter")
        assert isinstance(app.screen, DiagnosisScreen)
        await press(pilot, "enter")
        walked = table(app, "walk").current
        assert walked is not None
        assert "app=rating" in walked.plain
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "kubernetes/core/v1/services.json" in app.screen.text
        await press(pilot, "escape", "right", "right", "c")
        assert app.clipboard.startswith("kubectl patch service ratings -n shop")


async def test_the_walk_opens_at_the_step_that_decided_and_shows_its_evidence() -> None:
    async with app_on().run_test() as pilot:
        await settled(pilot)
        await press(pilot, "enter", "enter", "enter")
        assert isinstance(pilot.app.screen, TextWindow)
        assert "fail: Service shop/ratings selects app=rating" in pilot.app.screen.text
        assert "evidence 1 of 2" in pilot.app.screen.text


@pytest.mark.parametrize("keys", [("c",), ("enter", "c"), ("v", "right", "right", "right", "c")])
async def test_copy_puts_the_command_of_the_fix_on_the_clipboard_and_says_so(
    keys: tuple[str, ...],
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        assert app.clipboard == COMMAND
        assert [note.message for note in app._notifications][-1].startswith("Copied: kubectl")


async def test_the_second_root_cause_has_its_own_tabs() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "j", "enter")
        chosen = table(app, "causes").current
        assert chosen is not None
        assert chosen.key.endswith("Service shop/reviews")
        await press(pilot, "right")
        assert app.screen.query_one(TabbedContent).active == "tab-walk"


async def test_every_tab_of_the_diagnosis_is_reached_with_arrows_and_shows_rows_or_why_not() -> (
    None
):
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v")
        seen = []
        for _ in range(8):
            seen.append(app.screen.query_one(TabbedContent).active)
            await press(pilot, "right")
        assert len(set(seen)) == 8
        assert app.screen.query_one(TabbedContent).active == seen[0]
        names = ("walk", "evidence", "fix", "follows", "ruled-out", "unknown", "walks")
        assert all(table(app, name).shown for name in names)


async def test_findings_that_a_root_cause_explains_are_folded_beneath_it() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        keys = [row.key for row in table(app, "wrong").shown]
        assert [key.split()[0] for key in keys] == [
            "service-selector-mismatch",
            "service-selector-mismatch",
            "MD0119",
        ]
        await press(pilot, "v")
        assert [row.cells[0] for row in table(app, "follows").shown] == ["MD0113"]


async def test_raw_is_what_the_command_line_prints() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "y")
        assert isinstance(app.screen, TextWindow)
        assert '"id": "service-selector-mismatch"' in app.screen.text


async def test_reading_again_keeps_the_cursor_and_the_filter() -> None:
    session = HandMade()
    app = app_on(session)
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "slash", "s", "h", "o", "p", "enter", "j")
        before = table(app, "wrong").current
        await press(pilot, "r")
        await settled(pilot)
        assert session.source.times_read == 2
        assert isinstance(app.screen, OverviewScreen)
        assert before is not None
        assert table(app, "wrong").current == before
        assert "</shop>" in str(table(app, "wrong").border_title)
