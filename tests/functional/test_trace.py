"""Trace: what it begins with, the path, its evidence, the fields, and the kinds of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from meshdoctor.model.finding import Affected
from meshdoctor.model.kinds import POD
from screens import trace_rows
from screens.diagnosis import DiagnosisScreen
from screens.proxy import ProxyScreen
from screens.trace import TraceScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests import build
from tests.functional.scene import (
    HandMade,
    app_on,
    cause,
    diagnosis,
    press,
    recorded,
    settled,
)
from tests.unit.views.test_trace_why import WEB, allow, principals, walked

if TYPE_CHECKING:
    from textual.app import App

    from meshdoctor.model.snapshot import Snapshot
    from screens.widgets.row import Row

SELECTOR = "service-selector-mismatch"


def locked() -> Snapshot:
    """The client calls a server that lets only another workload in."""
    return walked(allow(principals(WEB)))[0]


def rows(app: App[None]) -> tuple[Row, ...]:
    return app.screen.query_one("#hops", RowsTable).shown


def said(app: App[None], name: str) -> str:
    return str(app.screen.query_one(f"#{name}", PlainText).render())


def field(app: App[None], name: str) -> str:
    return app.screen.query_one(f"#{name}", Input).value


def nothing(app: App[None]) -> str:
    return app.screen.query_one("#hops", RowsTable).nothing


async def test_a_root_cause_leads_to_the_walk_of_what_it_affects_and_esc_back_again() -> None:
    app = app_on(HandMade(seen=recorded(SELECTOR), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "t")
        assert isinstance(app.screen, TraceScreen)
        assert (field(app, "source"), field(app, "to")) == (
            "deploy/client-v1.shop",
            "ratings.shop:8080",
        )
        assert "✗ 100%: 503 UH no_healthy_upstream  Service shop/ratings" in said(app, "outcome")
        assert [str(row.cells[0]) for row in rows(app)][-1] == "✗ fails"
        await press(pilot, "escape")
        assert isinstance(app.screen, DiagnosisScreen)


async def test_the_cursor_begins_where_it_fails_and_c_copies_what_shows_the_same_live() -> None:
    app = app_on(HandMade(seen=recorded(SELECTOR), made=diagnosis(cause())))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "v", "t", "c")
        current = app.screen.query_one("#hops", RowsTable).current
        assert current is not None
        assert current.value.what == "endpoints"
        assert app.clipboard == trace_rows.command_for(
            current.value.objects, current.value.evidence
        )
        assert app.clipboard.startswith("istioctl proxy-config endpoint client-v1-")
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "has no host" in app.screen.text
        await press(pilot, "escape", "y")
        assert '"verdict": "fails"' in app.screen.text


async def test_another_request_is_asked_in_the_fields_and_esc_leaves_them() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t", "f")
        field_to = app.screen.query_one("#to", Input)
        assert app.focused is field_to
        field_to.value = ""
        await press(pilot, *"svc/reviews:8080/x", "enter")
        assert {row.value.place.value for row in rows(app) if row.value} >= {"application"}
        assert "✓" in said(app, "outcome")
        assert "✗" not in said(app, "outcome")
        await press(pilot, "f", "escape")
        assert isinstance(app.screen, TraceScreen)
        assert not isinstance(app.focused, Input)
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_method_headers_and_claims_reach_the_walk() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t", "f", "tab")
        method = app.screen.query_one("#method", Input)
        method.value = ""
        await press(pilot, *"post", "tab", *"x-a: 1; x-b: 2;3", "tab", *"iss=me,sub=x", "enter")
        assert isinstance(app.screen, TraceScreen)
        request = [row.value for row in rows(app) if getattr(row.value, "what", "") == "route"]
        assert request
        assert request[0].because.startswith("POST ")
        copied = app.screen.text_of(None)
        assert copied == (
            "meshdoctor trace --from deploy/client-v1.shop --to ratings.shop:8080 --method POST "
            "--header 'x-a: 1' --header 'x-b: 2;3' --jwt-claims iss=me,sub=x"
        )


async def test_what_is_suggested_is_taken_with_right() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t", "f")
        app.screen.query_one("#to", Input).value = ""
        await press(pilot, *"pay", "right")
        assert field(app, "to") == "payments.pay:8080"


async def test_a_host_that_is_not_there_is_said_with_what_is_like_it() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause("rating"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "t")
        assert rows(app) == ()
        assert nothing(app).startswith("? No walk: no host called rating.shop is in what was read")
        assert "did you mean ratings.shop" in nothing(app)


async def test_where_pods_were_not_collected_that_is_said_rather_than_that_nobody_is_there() -> (
    None
):
    app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t")
        assert nothing(app).startswith("? Not collected: pods: kubernetes/core/pods denied")


async def test_without_a_destination_it_is_asked_for() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t")
        assert field(app, "source").startswith("deploy/")
        assert nothing(app).startswith("? No walk: Say what is asked for")


async def test_a_proxy_that_one_comes_from_is_the_caller() -> None:
    app = app_on(HandMade(seen=recorded("healthy")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"client", "enter", "enter")
        assert isinstance(app.screen, ProxyScreen)
        proxy = app.screen.crumb
        await press(pilot, "t")
        assert (field(app, "source"), field(app, "to")) == (proxy, "")
        await press(pilot, "escape")
        assert isinstance(app.screen, ProxyScreen)


async def test_a_row_of_proxies_and_a_namespace_lead_to_a_caller_of_theirs() -> None:
    app = app_on(HandMade(seen=recorded("healthy")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"payments", "enter", "t")
        assert field(app, "source").startswith("payments-v1-")
        await press(pilot, "n", "slash", *"^pay", "enter", "t")
        assert field(app, "source") == "deploy/payments-v1.pay"


async def test_a_walk_that_authorization_ends_names_policy_rule_field_and_identity() -> None:
    found = replace(cause(), affected=(Affected("Pod shop/client", "ratings:8080"),))
    app = app_on(HandMade(seen=locked(), made=diagnosis(found)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "v", "t")
        table = app.screen.query_one("#hops", RowsTable)
        assert table.current is not None
        text = table.detail_of(table.current)
        assert f"ALLOW AuthorizationPolicy shop/lock, rule 0: principals asks for {WEB}" in text
        assert 'the server takes it for: "cluster.local/ns/shop/sa/default"' in text


async def test_branches_are_told_apart_and_the_filter_leaves_what_fails() -> None:
    made = replace(
        cause(),
        affected=(Affected("Deployment shop/client-v1", "reviews.shop.svc.cluster.local:8080"),),
    )
    app = app_on(HandMade(seen=recorded("subset-not-defined"), made=diagnosis(made)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "v", "t")
        assert rows(app)
        await press(pilot, "ctrl+z")
        assert {str(row.cells[0])[0] for row in rows(app)} <= {"✗", "?", "!"}


async def test_a_terminal_without_glyphs_gets_ascii_and_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace_rows, "is_ascii_only", lambda: True)
    app = app_on(HandMade(seen=recorded(SELECTOR), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "t")
        assert [str(row.cells[0]) for row in rows(app)][-1] == "x fails"
        assert all(row.plain.isascii() for row in rows(app))
        assert said(app, "outcome").strip().isascii()


async def test_the_form_stays_when_the_mesh_is_read_again() -> None:
    app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause())))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "t", "f")
        app.screen.query_one("#to", Input).value = "payments.pay:8080"
        await press(pilot, "enter", "r")
        assert field(app, "to") == "payments.pay:8080"
        assert any("payments" in row.plain for row in rows(app))
