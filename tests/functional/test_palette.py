"""The palette goes everywhere: by name, by alias, to a namespace, a cause, a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from screens.certificates import CertificatesScreen
from screens.diagnosis import DiagnosisScreen
from screens.istiod_logs import IstiodLogsScreen
from screens.mesh_screen import MeshScreen
from screens.namespaces import NamespacesScreen
from screens.overview import OverviewScreen
from screens.places import PLACES
from screens.proxies import ProxiesScreen
from screens.proxy import ProxyScreen
from screens.revisions import RevisionsScreen
from screens.webhooks import WebhooksScreen
from screens.window import TextWindow
from tests.functional.scene import HandMade, app_on, press, recorded, settled

if TYPE_CHECKING:
    from textual.pilot import Pilot


async def choose(pilot: Pilot[None], typed: str, title: str) -> None:
    """Type into the palette, and press enter once it offers what is wanted first."""
    await press(pilot, "colon")
    palette = pilot.app.screen
    assert isinstance(palette, CommandPalette)
    await pilot.press(*typed)
    offered = palette.query_one(OptionList)
    for _ in range(500):
        first = offered.get_option_at_index(0).prompt if offered.option_count else ""
        if str(first).startswith(title):
            break
        await pilot.pause(0.02)
    await press(pilot, "enter")


@pytest.mark.parametrize(
    ("typed", "title", "screen"),
    [
        ("go: dia", "go: Diagnosis (dx)", DiagnosisScreen),
        ("px", "go: Proxies (px)", ProxiesScreen),
        ("go: ist", "go: istiod logs (log)", IstiodLogsScreen),
        ("wh", "go: Webhooks (wh)", WebhooksScreen),
        ("go: nam", "go: Namespaces (ns)", NamespacesScreen),
        ("rv", "go: Revisions (rv)", RevisionsScreen),
        ("go: cer", "go: Certificates (ce)", CertificatesScreen),
        ("cause: service", "cause: service-selector-mismatch", DiagnosisScreen),
        ("help", "help: Keys of this screen", TextWindow),
    ],
)
async def test_the_palette_goes_where_it_is_told(typed: str, title: str, screen: type) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await choose(pilot, typed, title)
        assert isinstance(app.screen, screen)


async def test_the_palette_limits_tables_to_a_namespace() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await choose(pilot, "ns pay", "filter: Namespace pay")
        assert app.state.namespace == "pay"


async def test_the_palette_opens_a_proxy_by_its_name() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await choose(pilot, "proxy: client", "proxy: client-v1-")
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
