"""Filtering: what is shown, what the title says, and what esc undoes, one step each."""

from __future__ import annotations

import re

import pytest
from textual.widgets import Static, TabbedContent

from meshdoctor.model.finding import Severity
from screens.overview import OverviewScreen
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests.functional.scene import HandMade, app_on, broken, diagnosis, finding, press, settled


def titles(table: RowsTable) -> str:
    return str(table.border_title)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("reviews", 1),
        ("REVIEWS", 1),
        ("^.*rating", 2),
        ("!rating", 1),
        ("(unbalanced", 0),
        ("!", 3),
        ("ratings|payments", 2),
    ],
)
async def test_a_filter_is_a_regular_expression_that_an_exclamation_mark_inverts(
    typed: str, shown: int
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await pilot.press(*typed)
        await press(pilot, "enter")
        table = app.screen.query_one("#wrong", RowsTable)
        assert len(table.shown) == shown
        assert f"</{typed}>" in titles(table)
        assert (f"({shown}/3)" if shown != 3 else "(3)") in titles(table)


async def test_esc_closes_the_window_then_clears_the_filter_then_goes_back_then_does_nothing() -> (
    None
):
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "right", "slash", *"Service", "enter", "enter")
        assert isinstance(app.screen, TextWindow)
        await press(pilot, "escape")
        table = app.screen.query_one("#walk", RowsTable)
        assert "</Service>" in titles(table)
        await press(pilot, "escape")
        assert titles(table) == "Walk(3) · 1 not in order"
        assert app.screen.query_one(TabbedContent).active == "tab-walk"
        await press(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)
        await press(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)
        assert app.is_running


async def test_esc_while_typing_a_filter_clears_it_and_gives_the_table_the_focus_back() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"zzz", "escape", "j")
        table = app.screen.query_one("#wrong", RowsTable)
        assert titles(table) == "What is wrong(3)"
        assert table.grid.cursor_row == 1


async def test_nothing_that_matches_says_so_and_which_key_helps() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"zzz", "enter")
        table = app.screen.query_one("#wrong", RowsTable)
        assert table.nothing == "No rows match </zzz>. esc clears the filter."
        await press(pilot, "escape")
        assert len(table.shown) == 3


async def test_digits_limit_every_screen_to_a_namespace_the_one_with_most_faults_first() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        table = app.screen.query_one("#wrong", RowsTable)
        await press(pilot, "2")
        assert app.state.namespace == "pay"
        assert [row.namespace for row in table.shown] == ["pay"]
        await press(pilot, "1")
        assert [row.namespace for row in table.shown] == ["shop", "shop"]
        await press(pilot, "3")
        assert (
            table.nothing == f"No rows match <ns {app.state.namespace}>. 0 shows every namespace."
        )
        await press(pilot, "x")
        assert app.screen.query_one("#proxies", RowsTable).shown == ()
        await press(pilot, "0")
        assert len(app.screen.query_one("#proxies", RowsTable).shown) == 2


async def test_a_digit_without_a_namespace_does_nothing() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "9")
        assert app.state.namespace == ""
        assert len(app.screen.query_one("#wrong", RowsTable).shown) == 3


async def test_faults_only_leaves_out_what_is_in_order_and_esc_brings_it_back() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "right", "ctrl+z")
        table = app.screen.query_one("#walk", RowsTable)
        assert [row.key for row in table.shown] == ["service-selects-pods"]
        assert "<faults>" in titles(table)
        await press(pilot, "escape")
        assert len(table.shown) == 3


async def test_notes_are_hidden_until_they_are_asked_for() -> None:
    said = "Namespace legacy is not labelled."
    note = finding("MD0301", said, "Namespace legacy", severity=Severity.INFO)
    app = app_on(HandMade(made=diagnosis(findings=(note,))))
    async with app.run_test() as pilot:
        await settled(pilot)
        table = app.screen.query_one("#wrong", RowsTable)
        assert re.search(r"1 note.*key i", table.nothing)
        await press(pilot, "i")
        assert [row.value for row in table.shown] == [note]
        await press(pilot, "i")
        assert table.shown == ()


async def test_the_cursor_stays_on_its_row_when_others_disappear() -> None:
    app = app_on(HandMade(made=broken()))
    async with app.run_test() as pilot:
        await settled(pilot)
        table = app.screen.query_one("#wrong", RowsTable)
        await press(pilot, "j")
        kept = table.current
        await press(pilot, "slash", *"reviews", "enter")
        assert kept is not None
        assert table.current == kept
        await press(pilot, "escape")
        assert table.current == kept
        assert table.grid.cursor_row == 1


@pytest.mark.parametrize("keys", [("2",), ("slash", *"zzz", "enter")])
async def test_what_hides_every_root_cause_hides_what_is_told_of_it(keys: tuple[str, ...]) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "tab", "shift+tab", *keys)
        causes = app.screen.query_one("#causes", RowsTable)
        assert causes.shown == ()
        summary = str(app.screen.query_one("#cause-summary", Static).render())
        assert summary == causes.nothing
        assert "No rows match" in summary
        assert app.screen.query_one("#fix", RowsTable).nothing == causes.nothing
        await press(pilot, "escape" if len(keys) > 1 else "0")
        assert "ratings" in str(app.screen.query_one("#cause-summary", Static).render())


@pytest.mark.parametrize("way", [("x", "enter"), ("n", "enter")])
async def test_inside_one_proxy_or_namespace_digits_are_not_offered(way: tuple[str, ...]) -> None:
    app = app_on()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *way, "1")
        assert app.state.namespace == ""
        assert not app.screen.query("#namespaces")
        assert "1" not in app.screen.active_bindings
        await press(pilot, "question_mark")
        assert "Namespaces\n  0" not in app.screen.text  # type: ignore[attr-defined]
