"""Four kinds of nothing: loading, not collected, filtered out, and truly none."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from textual.widgets import Static

from meshdoctor.model.diagnosis import Unknown
from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.not_read import NotRead, NotReadStatus
from screens.diagnosis import DiagnosisScreen
from screens.proxy import ProxyScreen
from screens.widgets.rows_table import RowsTable
from tests import build
from tests.functional.scene import HandMade, app_on, broken, diagnosis, mesh, press, settled


def said(app: object, name: str) -> str:
    widget = app.screen.query_one(f"#{name}", Static)  # type: ignore[attr-defined]
    return str(widget.render())


async def test_while_it_is_read_every_table_says_what_was_read_last_and_how_to_stop() -> None:
    gate = Event()
    app = app_on(HandMade(gate=gate))
    async with app.run_test() as pilot:
        table = app.screen.query_one("#wrong", RowsTable)
        while "8 files" not in table.nothing:
            await pilot.pause(0.01)
        assert table.nothing == (
            "Reading hand-made.tar.gz: 8 files, 0s (esc cancels)\nkubernetes/core/v1/pods.json"
        )
        await pilot.press("v")
        await pilot.pause(0.05)
        assert isinstance(app.screen, DiagnosisScreen)
        assert app.screen.query_one("#causes", RowsTable).nothing.startswith("Reading hand-made")
        gate.set()
        await settled(pilot)
        assert len(app.screen.query_one("#causes", RowsTable).shown) == 2


async def test_esc_stops_reading_and_r_begins_again() -> None:
    gate = Event()
    app = app_on(HandMade(gate=gate))
    async with app.run_test() as pilot:
        while app.state.files_read < 8:
            await pilot.pause(0.01)
        await press(pilot, "escape")
        table = app.screen.query_one("#wrong", RowsTable)
        assert "Stopped after 8 files" in table.nothing
        gate.set()
        await press(pilot, "r")
        assert len(table.shown) == 3


async def test_a_mesh_without_faults_says_what_was_looked_at() -> None:
    app = app_on(HandMade(made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        nothing = app.screen.query_one("#wrong", RowsTable).nothing
        assert nothing.startswith("✓ Nothing is wrong that meshdoctor knows of")
        assert "1 walk over all that was read, 2 of 2 proxies included" in nothing
        assert app.screen.query_one("#not-read", RowsTable).nothing == (
            "✓ Everything asked for was read."
        )


async def test_where_something_was_not_read_silence_is_unknown_and_never_fine() -> None:
    gap = Unknown("pods-not-ready", ("kubernetes/core/events",), "events: denied (forbidden)")
    app = app_on(HandMade(made=diagnosis(unknown=(gap,))))
    async with app.run_test() as pilot:
        await settled(pilot)
        nothing = app.screen.query_one("#wrong", RowsTable).nothing
        assert nothing.startswith("? ")
        assert "what 1 cause would need was not read: that is unknown, not fine" in nothing
        await press(pilot, "v")
        assert app.screen.query_one("#causes", RowsTable).nothing.startswith("? ")
        assert [row.key for row in app.screen.query_one("#unknown", RowsTable).shown] == [
            "pods-not-ready"
        ]


async def test_what_was_not_read_opens_with_the_causes_it_leaves_unknown() -> None:
    app = app_on(HandMade(made=replace(broken(), root_causes=(), findings=())))
    async with app.run_test() as pilot:
        await settled(pilot)
        app.screen.query_one("#not-read", RowsTable).grid.focus()
        await press(pilot, "enter")
        text = app.screen.text  # type: ignore[attr-defined]
        assert "denied" in text
        assert "? pods-not-ready" in text


@pytest.mark.parametrize(
    ("key", "table", "kind", "cause"),
    [
        ("h", "webhooks", MUTATING_WEBHOOK, "injection-webhook-missing"),
        ("n", "namespaces-table", NAMESPACE, "namespace-not-labelled-for-injection"),
    ],
)
async def test_a_view_whose_objects_were_not_read_says_why_and_what_that_leaves_unknown(
    key: str, table: str, kind: object, cause: str
) -> None:
    seen = build.mesh([], unread=[kind])  # type: ignore[list-item]
    gap = Unknown(cause, (kind.input,), "forbidden")  # type: ignore[attr-defined]
    app = app_on(HandMade(seen=seen, made=diagnosis(unknown=(gap,))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, key)
        nothing = app.screen.query_one(f"#{table}", RowsTable).nothing
        assert nothing.startswith("? Not collected:")
        assert "denied (forbidden)" in nothing
        assert nothing.endswith(f"Unknown for want of it: {cause}.")


async def test_proxies_are_not_collected_when_pods_were_not_read() -> None:
    app = app_on(HandMade(seen=build.mesh([], unread=[POD])))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x")
        assert app.screen.query_one("#proxies", RowsTable).nothing.startswith("? Not collected")
        assert "? Not collected: pods" in said(app, "unread")


async def test_each_part_of_a_proxy_that_was_not_read_says_so() -> None:
    why = NotRead("proxies/shop/client-0", NotReadStatus.TIMEOUT, "no answer in 10 s")
    seen = build.mesh([build.pod("client-0")], istiods=[build.istiod()], not_read=[why])
    app = app_on(HandMade(seen=seen))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "enter")
        assert isinstance(app.screen, ProxyScreen)
        for name in ("clusters", "listeners", "routes", "endpoints", "secrets", "log"):
            nothing = app.screen.query_one(f"#{name}", RowsTable).nothing
            assert nothing.startswith(f"? Not collected: {name}: proxies/shop/client-0 timeout")
            await press(pilot, "right")


async def test_istiods_log_says_whether_it_was_not_read_or_there_was_no_istiod() -> None:
    gap = NotRead("istiod/istio-system/istiod-0/discovery.log", NotReadStatus.DENIED, "no logs")
    for seen, words in (
        (build.mesh([], istiods=[build.istiod()], not_read=[gap]), "? Not collected: istiod's log"),
        (build.mesh([]), "? No istiod was read: no istiod pod was running"),
    ):
        app = app_on(HandMade(seen=seen))
        async with app.run_test() as pilot:
            await settled(pilot)
            await press(pilot, "l")
            assert app.screen.query_one("#matters", RowsTable).nothing.startswith(words)


async def test_a_namespace_without_pods_says_that_all_were_read() -> None:
    app = app_on(HandMade(seen=mesh()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "n")
        keys = [row.key for row in app.screen.query_one("#namespaces-table", RowsTable).shown]
        assert keys == ["legacy", "shop"]
        await press(pilot, "enter")
        pods = app.screen.query_one("#pods", RowsTable)
        assert [(row.key, str(row.cells[1])) for row in pods.shown] == [("old-0", "– none")]
