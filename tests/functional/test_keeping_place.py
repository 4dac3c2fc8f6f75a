"""A newer snapshot arrives: cursor, filter, scrolled place, tab and choice stay where they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.widgets import Input, TabbedContent

from screens.diagnosis import DiagnosisScreen
from screens.proxy import ProxyScreen
from screens.state import Following
from screens.widgets.rows_table import RowsTable
from tests import build
from tests.functional.scene import broken, cause, diagnosis, finding, recorded
from tests.functional.scene_live import END, LiveMade, LiveSession, keys, live_app, until

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from meshdoctor.app import MeshdoctorApp
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot


def table(app: MeshdoctorApp, name: str) -> RowsTable:
    return app.screen.query_one(f"#{name}", RowsTable)


def key_at(app: MeshdoctorApp, name: str) -> str:
    current = table(app, name).current
    assert current is not None
    return current.key


def following(seen: Snapshot | None = None) -> LiveSession:
    session = LiveSession(LiveMade(seen) if seen else LiveMade())
    session.source.reads.put(END)
    return session


async def arrives(
    pilot: Pilot[None],
    app: MeshdoctorApp,
    session: LiveSession,
    snapshot: Snapshot,
    made: Diagnosis | None = None,
) -> None:
    if made is not None:
        session.made[snapshot] = made
    session.source.follows.put(snapshot)
    await until(pilot, lambda: app.state.snapshot is snapshot)


async def test_on_the_overview_the_cursor_follows_its_row_and_the_filter_stays() -> None:
    session = following()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "slash", *"ratings|reviews", "enter", "j")
        assert key_at(app, "wrong").endswith("reviews")
        new = replace(cause("payments"), id="application-error", rank=1)
        made = replace(broken(), root_causes=(new, *broken().root_causes))
        await arrives(pilot, app, session, build.mesh([]), made)
        assert key_at(app, "wrong").endswith("reviews")
        assert "</ratings|reviews>" in str(table(app, "wrong").border_title)


async def test_a_row_that_is_gone_leaves_the_cursor_at_its_place() -> None:
    session = following()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "j")
        gone = replace(broken(), root_causes=broken().root_causes[:1])
        await arrives(pilot, app, session, build.mesh([]), gone)
        assert table(app, "wrong").grid.cursor_row == 1
        assert key_at(app, "wrong").startswith("MD0119")


async def test_a_long_table_stays_scrolled_where_it_was() -> None:
    items = tuple(finding("MD0119", f"Pod {n} is not ready.", f"Pod shop/p-{n}") for n in range(80))
    session = following()
    session.usual = diagnosis(findings=items)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, *["pagedown"] * 4)
        grid = table(app, "wrong").grid
        scrolled, key = grid.scroll_y, key_at(app, "wrong")
        assert scrolled > 10
        more = (finding("MD0119", "One more.", "Pod shop/p-new"), *items[:-1])
        await arrives(pilot, app, session, build.mesh([]), diagnosis(findings=more))
        assert grid.scroll_y == scrolled
        assert key_at(app, "wrong") == key


async def test_the_chosen_root_cause_its_tab_and_the_step_under_the_cursor_stay() -> None:
    session = following()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "j", "enter", "right", "k")
        assert app.screen.query_one(TabbedContent).active == "tab-walk"
        assert key_at(app, "walk") == "port-known"
        turned = tuple(
            replace(each, summary="Newer words.") for each in reversed(broken().root_causes)
        )
        await arrives(pilot, app, session, build.mesh([]), diagnosis(*turned))
        screen = app.screen
        assert isinstance(screen, DiagnosisScreen)
        assert key_at(app, "causes").endswith("reviews")
        assert screen.query_one(TabbedContent).active == "tab-walk"
        assert key_at(app, "walk") == "port-known"
        assert screen.focused is table(app, "walk").grid
        await keys(pilot, "left")
        assert "Newer words." in str(screen.query_one("#cause-summary").render())


async def test_a_chosen_root_cause_that_was_mended_gives_way_to_the_next() -> None:
    session = following()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "v", "j")
        await arrives(pilot, app, session, build.mesh([]), diagnosis(cause()))
        assert key_at(app, "causes").endswith("Service shop/ratings")
        await arrives(pilot, app, session, build.mesh([]), diagnosis())
        assert "No root cause was found" in str(app.screen.query_one("#cause-summary").render())
        assert table(app, "walk").shown == ()


async def test_a_proxys_tab_cursor_filter_and_half_typed_filter_stay() -> None:
    seen = recorded("service-selector-mismatch")
    session = following(seen)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "x", "j", "j", "enter", "right", "right", "j", "j", "j")
        screen = app.screen
        assert isinstance(screen, ProxyScreen)
        kept = key_at(app, "routes")
        await keys(pilot, "slash", *"80")
        newer = replace(seen)
        await arrives(pilot, app, session, newer)
        assert app.screen is screen
        assert screen.query_one(TabbedContent).active == "tab-routes"
        assert isinstance(app.focused, Input)
        assert app.focused.value == "80"
        await keys(pilot, "escape")
        assert key_at(app, "routes") == kept


async def test_a_proxy_that_is_gone_says_that_it_was_not_collected() -> None:
    seen = recorded("service-selector-mismatch")
    session = following(seen)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "x", "j", "j", "enter")
        assert table(app, "clusters").shown
        await arrives(pilot, app, session, replace(seen, proxies={}))
        await until(pilot, lambda: not table(app, "clusters").shown)
        assert table(app, "clusters").nothing.startswith("? Not collected: clusters")


def from_the_third_line(proxy: Proxy) -> Proxy:
    assert proxy.log is not None
    kept = tuple(replace(each, line=each.line - 2) for each in proxy.log.access[2:])
    return replace(proxy, log=replace(proxy.log, access=kept))


async def test_the_log_keeps_its_line_when_it_is_read_again_from_elsewhere() -> None:
    seen = recorded("service-selector-mismatch")
    session = following(seen)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "x", "j", "j", "l", *["j"] * 5)
        line = table(app, "log").current
        assert line is not None
        proxies = {name: from_the_third_line(each) for name, each in seen.proxies.items()}
        await arrives(pilot, app, session, replace(seen, proxies=proxies))
        now = table(app, "log").current
        assert now is not None
        assert now.value.text == line.value.text
