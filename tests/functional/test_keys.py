"""One registry of keys: described, documented, and all of them in the help."""

from __future__ import annotations

import re

import pytest
from textual.app import App
from textual.keys import format_key
from textual.screen import Screen
from textual.widgets import DataTable

from meshdoctor.app import MeshdoctorApp
from screens import keymap
from screens.mesh_screen import MeshScreen
from screens.places import PLACES
from screens.window import TextWindow
from tests.conftest import CHECKOUT
from tests.functional.scene import app_on, press, settled

_ROW = re.compile(r"^\| `([\w-]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_binding_has_an_id_of_its_own_a_description_and_a_tooltip() -> None:
    ids = [binding.id for binding in keymap.ALL]
    assert len(set(ids)) == len(ids)
    assert all(binding.id and binding.description and binding.tooltip for binding in keymap.ALL)


def test_the_documentation_lists_each_id_with_its_default_keys() -> None:
    page = (CHECKOUT / "docs" / "keys.md").read_text("utf-8")
    documented = {name: re.findall(r"`([^`]+)`", keys) for name, keys, _ in _ROW.findall(page)}
    assert documented == {
        binding.id: [format_key(key) for key in binding.key.split(",")] for binding in keymap.ALL
    }


@pytest.mark.parametrize("place", PLACES)
async def test_every_key_that_works_on_a_screen_comes_from_the_registry_and_is_in_its_help(
    place: str,
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, PLACES[place].key)
        assert isinstance(app.screen, PLACES[place].screen)
        registered = {binding.id for binding in keymap.ALL}
        own = {
            active.binding.id
            for active in app.screen.active_bindings.values()
            if isinstance(active.node, MeshScreen | MeshdoctorApp)
            and active.binding not in [*App.BINDINGS, *Screen.BINDINGS]
        }
        assert {name for name in own if name} <= registered
        shown = [item.binding for item in app.screen.active_bindings.values() if item.binding.show]
        assert len({binding.id for binding in shown if binding.id in registered}) <= 8
        tooltips = {
            item.binding.tooltip
            for item in app.screen.active_bindings.values()
            if item.binding.id in registered and not str(item.binding.id).startswith("namespace-")
        }
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert PLACES[place].screen.HELP in app.screen.text
        assert [words for words in tooltips if words not in app.screen.text] == []


async def test_help_names_the_namespaces_that_the_digits_stand_for() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert re.search(r"\n  0 +all namespaces\n  1 +shop\n  2 +pay", app.screen.text)


async def test_vim_keys_move_the_cursor() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        grid = app.screen.query_one("#wrong DataTable", DataTable)
        rows = []
        for key in ("j", "j", "k", "g", "G"):
            await press(pilot, key)
            rows.append(grid.cursor_row)
        assert rows == [1, 2, 1, 0, 2]


async def test_q_goes_back_and_leaves_the_app_from_the_overview() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "q")
        assert len(app.screen_stack) == 1
        assert app.is_running
        await pilot.press("q")
    assert app.return_code == 0


async def test_ctrl_c_leaves_at_once_even_from_a_window() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "question_mark")
        await pilot.press("ctrl+c")
    assert app.return_code == 0


async def test_letters_typed_into_the_filter_do_nothing_else() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"qxv?:0")
        assert len(app.screen_stack) == 1
        assert app.state.namespace == ""
