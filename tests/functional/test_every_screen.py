"""Every screen, on real recordings, in a small and in a comfortable terminal."""

from __future__ import annotations

import pytest
from textual.widgets import Footer

from screens.istiod_logs import IstiodLogsScreen
from screens.mesh_screen import MeshScreen
from screens.namespace import NamespaceScreen
from screens.places import PLACES
from screens.proxy import ProxyScreen
from screens.widgets.rows_table import RowsTable
from tests.functional.scene import HandMade, app_on, press, recorded, settled

_PLACES = tuple(place.key for place in PLACES.values())
_ALL = (
    *_PLACES,
    *("x", "enter", *["right"] * 6, "enter", "escape", "o"),
    *("n", "G", "enter", "l", "right", "right", "h", "enter", "escape"),
    *("v", *["right"] * 7, "question_mark", "escape"),
)


def visible(screen: MeshScreen) -> list[RowsTable]:
    return [table for table in screen.query(RowsTable) if table.size.height]


@pytest.mark.parametrize(
    ("name", "size", "walk"),
    [
        ("envoyfilter-rejected", (80, 24), _ALL),
        ("envoyfilter-rejected", (120, 36), _ALL),
        ("istiod-down", (80, 24), _PLACES),
    ],
)
async def test_no_screen_is_cut_at_its_edges(
    name: str, size: tuple[int, int], walk: tuple[str, ...]
) -> None:
    app = app_on(HandMade(seen=recorded(name)))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in walk:
            await press(pilot, key)
            if isinstance(app.screen, MeshScreen):
                screen = app.screen
                assert screen.virtual_size.height <= size[1]
                assert screen.query_one(Footer).region.bottom == size[1]
                for table in visible(screen):
                    assert table.region.right <= size[0]
                    assert table.grid.virtual_size.width <= table.grid.size.width
        assert app.return_code is None


async def test_a_table_at_full_width_scrolls_sideways_and_fits_again() -> None:
    app = app_on(HandMade(seen=recorded("envoyfilter-rejected")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x")
        table = app.screen.query_one("#proxies", RowsTable)
        fitted = table.grid.virtual_size.width
        assert "columns hidden" in str(table.border_subtitle)
        await press(pilot, "ctrl+w", "right")
        assert table.grid.virtual_size.width > table.grid.size.width
        assert table.grid.scroll_x > 0
        assert str(table.border_subtitle) == ""
        await press(pilot, "ctrl+w")
        assert table.grid.virtual_size.width == fitted


async def test_a_refused_push_is_marked_and_its_reason_is_shown_whole() -> None:
    app = app_on(HandMade(seen=recorded("envoyfilter-rejected")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "x", "ctrl+z")
        table = app.screen.query_one("#proxies", RowsTable)
        assert {str(row.cells[0]) for row in table.shown} == {"✗ ERROR"}
        assert "MaxRequestBytes: value is required" in table.detail_of(table.shown[0])


async def test_a_proxys_parts_are_made_when_their_tab_is_opened_not_before() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "enter")
        screen = app.screen
        assert isinstance(screen, ProxyScreen)
        assert screen.query_one("#clusters", RowsTable).shown
        assert screen.query_one("#routes", RowsTable).nothing == "Loading…"
        for _ in range(2):
            await press(pilot, "right")
        assert screen.query_one("#routes", RowsTable).shown


async def test_copying_a_cluster_takes_the_command_that_shows_it_live() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"client", "enter", "enter", "c")
        assert app.clipboard.startswith("istioctl proxy-config cluster client-v1-")


async def test_l_on_a_proxy_opens_its_log_and_flags_are_explained() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"client", "enter", "l", "slash", *"UH", "enter", "enter")
        assert "UH: The cluster has no host that may be used." in app.screen.text  # type: ignore[attr-defined]


async def test_istiods_log_counts_levels_and_explains_the_lines_that_matter() -> None:
    app = app_on(HandMade(seen=recorded("envoyfilter-rejected")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "l")
        screen = app.screen
        assert isinstance(screen, IstiodLogsScreen)
        matters = screen.query_one("#matters", RowsTable)
        assert "A proxy refused the configuration" in matters.shown[0].plain
        total = len(app.state.snapshot.istiods[0].log.lines)  # type: ignore[union-attr]
        assert len(screen.query_one("#lines", RowsTable).shown) == total
        await press(pilot, "enter")
        assert "→" in app.screen.text  # type: ignore[attr-defined]


async def test_a_namespace_opens_its_pods_with_the_reason_each_has_or_lacks_a_proxy() -> None:
    app = app_on(HandMade(seen=recorded("missing-sidecar")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "n", "slash", *"^shop", "enter", "enter")
        assert isinstance(app.screen, NamespaceScreen)
        pods = app.screen.query_one("#pods", RowsTable).shown
        lacking = [row for row in pods if row.value.proxy != "sidecar"]
        assert lacking
        assert all("neither istio-injection nor istio.io/rev" in row.plain for row in lacking)


async def test_a_pod_with_a_proxy_opens_it() -> None:
    app = app_on(HandMade(seen=recorded("service-selector-mismatch")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "n", "slash", *"^pay", "enter", "enter", "enter")
        assert isinstance(app.screen, ProxyScreen)
        assert app.screen.crumb.endswith(".pay")
