"""The revisions screen, by its key, and from what the person was looking at."""

from __future__ import annotations

from functools import cache
from typing import Any

from meshdoctor.model.diagnosis import Diagnosis
from meshdoctor.model.kinds import POD
from meshdoctor.model.snapshot import Snapshot
from screens.proxy import ProxyScreen
from screens.revisions import RevisionsScreen
from screens.widgets.rows_table import RowsTable
from tests import build
from tests.functional.scene import HandMade, app_on, diagnosis, press, settled
from tests.unit.analyze.control_plane_build import (
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    sync,
    webhook,
)


@cache
def upgraded() -> Snapshot:
    """A mesh half way through an upgrade, with a webhook of a revision that is gone."""
    shop = build.namespace("shop")
    shop["metadata"]["labels"] = {"istio.io/rev": "canary"}
    pay = build.namespace("pay")
    pay["metadata"]["labels"] = {"istio-injection": "enabled"}
    planes: list[dict[str, Any]] = []
    for name in ("default", "canary"):
        planes += [istiod_deployment(name), istiod_pod(name), webhook(name)]
    return build.mesh(
        [
            *planes,
            webhook("old"),
            shop,
            pay,
            build.deployment("web"),
            build.deployment("bill", "pay"),
            injected("web-1", owner="web"),
            injected("bill-1", "pay", owner="bill"),
        ],
        proxies=[build.proxy("web-1")],
        istiods=[
            knowing(sync("web-1.shop"), sync("bill-1.pay")),
            knowing(sync("new-1.shop"), revision="canary"),
        ],
    )


def scene(made: Diagnosis | None = None) -> HandMade:
    return HandMade(seen=upgraded(), made=made) if made else HandMade(seen=upgraded())


def pods(app: Any) -> RowsTable:
    table: RowsTable = app.screen.query_one("#revision-pods", RowsTable)
    return table


async def test_u_shows_the_pods_that_lag_first() -> None:
    app = app_on(scene())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "u")
        assert isinstance(app.screen, RevisionsScreen)
        assert [str(row.cells[1]) for row in pods(app).shown] == ["✗ restart needed", "✓ in order"]
        await press(pilot, "ctrl+z")
        assert [row.key for row in pods(app).shown] == ["web-1.shop"]


async def test_enter_on_a_pod_opens_its_proxy() -> None:
    app = app_on(scene())
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "u", "enter")
        assert isinstance(app.screen, ProxyScreen)
        assert app.screen.crumb.startswith("web-1")


async def test_from_a_proxy_the_cursor_is_on_its_pod() -> None:
    app = app_on(scene())
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"bill", "enter", "enter")
        assert isinstance(app.screen, ProxyScreen)
        await press(pilot, "u")
        current = pods(app).current
        assert current is not None
        assert current.key == "bill-1.pay"


async def test_what_is_left_behind_says_how_to_take_it_away() -> None:
    app = app_on(scene())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "u", "right")
        left = app.screen.query_one("#left-behind", RowsTable)
        assert [row.key for row in left.shown] == [
            "MutatingWebhookConfiguration istio-sidecar-injector-old"
        ]
        await press(pilot, "c")
        assert app.clipboard == (
            "kubectl delete mutatingwebhookconfiguration istio-sidecar-injector-old"
        )
        await press(pilot, "enter")
        assert "pods that it selects are refused" in app.screen.text  # type: ignore[attr-defined]


async def test_control_planes_are_listed_with_those_who_use_them() -> None:
    app = app_on(scene())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "u", "left")
        planes = app.screen.query_one("#control-planes", RowsTable)
        assert [row.key for row in planes.shown] == ["canary", "default"]


async def test_pods_that_were_not_read_are_not_none() -> None:
    app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "u")
        assert pods(app).nothing.startswith("? Not collected: pods")
        left = app.screen.query_one("#left-behind", RowsTable)
        assert left.nothing.startswith("? Unknown")
