"""The palette goes everywhere: by name, by alias, to a namespace, a cause, a proxy."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from screens.diagnosis import DiagnosisScreen
from screens.istiod_logs import IstiodLogsScreen
from screens.mesh_screen import MeshScreen
from screens.namespaces import NamespacesScreen
from screens.overview import OverviewScreen
from screens.places import PLACES
from screens.proxies import ProxiesScreen
from screens.proxy import ProxyScreen
from screens.webhooks import WebhooksScreen
from screens.window import TextWindow
from tests.functional.scene import HandMade, app_on, press, recorded, settled


@pytest.mark.parametrize(
    ("typed", "screen"),
    [
        ("go: dia", DiagnosisScreen),
        ("px", ProxiesScreen),
        ("go: ist", IstiodLogsScreen),
        ("wh", WebhooksScreen),
        ("go: nam", NamespacesScreen),
        ("cause: service", DiagnosisScreen),
        ("help", TextWindow),
    ],
)
async def test_the_palette_goes_where_it_is_told(typed: str, screen: type) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "colon")
        assert isinstance(app.screen, CommandPalette)
        await pilot.press(*(" " if letter == " " else letter for letter in typed))
        await pilot.pause(0.2)
        await press(pilot, "enter")
        assert isinstance(app.screen, screen)


async def test_the_palette_limits_tables_to_a_namespace() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p", *"ns pay")
        await pilot.pause(0.2)
        await press(pilot, "enter")
        assert app.state.namespace == "pay"


async def test_the_palette_opens_a_proxy_by_its_name() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "colon", *"proxy: client")
        await pilot.pause(0.2)
        await press(pilot, "enter")
        assert isinstance(app.screen, ProxyScreen)
        assert app.screen.crumb.startswith("client-v1-")


async def test_going_to_a_place_on_the_stack_goes_back_to_it() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "enter", "x")
        assert isinstance(app.screen, ProxiesScreen)
        assert len(app.screen_stack) == 2
        await press(pilot, "v", "o")
        assert isinstance(app.screen, OverviewScreen)
        assert len(app.screen_stack) == 1


async def test_crumbs_mirror_the_stack() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "enter")
        proxy = app.screen
        assert isinstance(proxy, MeshScreen)
        shown = str(proxy.query_one("#crumbs").render())
        assert shown == f"<overview> <proxies> <{proxy.crumb}>"


def test_the_keys_that_places_name_are_those_of_the_registry() -> None:
    from screens import keymap

    assert {name: place.key for name, place in PLACES.items()} == {
        binding.action.partition("'")[2].rstrip("')"): binding.key for binding in keymap.GO
    }
