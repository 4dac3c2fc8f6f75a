"""mTLS and why 403: reached by key, from a root cause and from a proxy; the kinds of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.model.finding import Affected
from meshdoctor.model.kinds import DESTINATION_RULE, POD
from screens.diagnosis import DiagnosisScreen
from screens.mtls import MtlsHereScreen, MtlsScreen
from screens.why_403 import Why403HereScreen, Why403Screen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests import build
from tests.functional.scene import HandMade, app_on, cause, diagnosis, press, recorded, settled
from tests.unit.analyze.authorization_build import bank, policy, refused, source
from tests.unit.analyze.mtls_build import LEGACY_IP, rule
from tests.unit.analyze.mtls_build import policy as peer_policy

if TYPE_CHECKING:
    from textual.app import App

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.snapshot import Snapshot
    from screens.widgets.row import Row

TO = "payments.pay.svc.cluster.local:8080"


def lock() -> Snapshot:
    """Only shop may call payments; legacy tried."""
    allow = policy(rules=[source(namespaces=["shop"])])
    lines = [refused(ip=LEGACY_IP), refused(ip=LEGACY_IP, path="/other")]
    return bank(allow, lines=lines, istiods=[build.istiod()])


def strict() -> Snapshot:
    """A DestinationRule that disables TLS towards a STRICT server."""
    return bank(rule(), peer_policy(), lines=[], istiods=[build.istiod()])


def about_payments() -> RootCause:
    found = cause()
    affected = (Affected("Deployment legacy/legacy-v1", TO),)
    return replace(found, objects=("AuthorizationPolicy pay/payments",), affected=affected)


def kind_of_screen(app: App[None]) -> type:
    return type(app.screen)


def rows(app: App[None], name: str) -> tuple[Row, ...]:
    return app.screen.query_one(f"#{name}", RowsTable).shown


async def test_what_fails_stands_first_and_enter_names_every_client_and_server() -> None:
    app = app_on(HandMade(seen=strict(), made=diagnosis()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        assert isinstance(app.screen, MtlsScreen)
        table = app.screen.query_one("#mtls", RowsTable)
        assert [str(row.cells[0]) for row in table.shown][:2] == ["✗ fails", "✗ fails"]
        await press(pilot, "ctrl+z")
        assert {str(row.cells[0]) for row in table.shown} == {"✗ fails"}
        await press(pilot, "slash", *"sidecar", "enter", "enter")
        assert isinstance(app.screen, TextWindow)
        assert "DestinationRule shop/payments (tls DISABLE)" in app.screen.text
        assert "  Deployment shop/client-v1" in app.screen.text
        assert "Servers (1)\n  Deployment pay/payments-v1" in app.screen.text
        await press(pilot, "escape", "c")
        assert app.clipboard == (
            "kubectl get destinationrules.networking.istio.io payments -n shop -o yaml"
        )


async def test_a_digit_leaves_rows_of_which_either_end_is_in_the_namespace() -> None:
    app = app_on(HandMade(seen=strict(), made=diagnosis()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        assert len(rows(app, "mtls")) == 3
        number = app.state.namespaces.index("legacy") + 1
        await press(pilot, str(number))
        assert {row.value.kind for row in rows(app, "mtls")} == {"no proxy"}
        await press(pilot, "0")
        assert len(rows(app, "mtls")) == 3


async def test_a_root_cause_leads_to_the_mtls_of_what_it_affects_and_esc_back_again() -> None:
    app = app_on(HandMade(seen=recorded("mtls-conflict"), made=diagnosis(about_payments())))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "v", "m")
        assert isinstance(app.screen, MtlsHereScreen)
        assert {row.value.to_text for row in rows(app, "mtls")} == {"payments.pay:8080"}
        await press(pilot, "m")
        assert type(app.screen) is MtlsScreen
        assert len({row.value.to_text for row in rows(app, "mtls")}) > 1
        await press(pilot, "v", "m", "escape")
        assert isinstance(app.screen, DiagnosisScreen)


async def test_without_a_root_cause_the_keys_lead_to_everything() -> None:
    app = app_on(HandMade(seen=strict(), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "m")
        assert kind_of_screen(app) is MtlsScreen
        await press(pilot, "v", "a")
        assert kind_of_screen(app) is Why403Screen


async def test_a_proxy_leads_to_its_mtls_as_client_and_as_server() -> None:
    app = app_on(HandMade(seen=recorded("mtls-conflict")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"payments", "enter", "enter", "m")
        assert isinstance(app.screen, MtlsHereScreen)
        found = [row.value for row in rows(app, "mtls")]
        name = "Deployment pay/payments-v1"
        assert any(row.clients == (name,) for row in found)
        assert all(name in (*row.clients, *row.servers) for row in found)


async def test_mtls_that_was_not_collected_is_unknown_and_says_so() -> None:
    app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "m")
        nothing = app.screen.query_one("#mtls", RowsTable).nothing
        assert nothing.startswith("? Not collected: objects: kubernetes/core/pods denied")


async def test_where_only_rules_were_not_read_rows_are_unknown_and_the_gap_is_named() -> None:
    found = bank(peer_policy(), unread=[DESTINATION_RULE], istiods=[build.istiod()])
    app = app_on(HandMade(seen=found, made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "m")
        marks = {str(row.cells[0]) for row in rows(app, "mtls")}
        assert marks == {"? unknown", "✗ fails"}
        gap = str(app.screen.query_one("#unread", PlainText).render())
        assert "destinationrules" in gap


async def test_a_mesh_without_pods_says_that_everything_was_read() -> None:
    app = app_on(HandMade(seen=build.mesh([]), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "m")
        assert app.screen.query_one("#mtls", RowsTable).nothing.startswith("✓ No client meets")


async def test_a_refused_request_shows_each_field_and_whom_the_server_took_it_for() -> None:
    app = app_on(HandMade(seen=lock(), made=diagnosis()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "a")
        assert isinstance(app.screen, Why403Screen)
        assert len(rows(app, "refused")) == 2
        fields = app.screen.query_one("#rules", RowsTable).shown
        assert [(row.value.field, row.value.seen, row.value.matches) for row in fields] == [
            ("namespaces", "none", "no")
        ]
        verdict = str(app.screen.query_one("#verdict", PlainText).render())
        assert "nearest is rule 0 of AuthorizationPolicy pay/payments" in verdict
        assert "the server takes it for: none" in verdict
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "Deployment legacy/legacy-v1 -> Deployment pay/payments-v1" in app.screen.text


async def test_a_root_cause_leads_to_the_requests_that_its_policy_refuses() -> None:
    app = app_on(HandMade(seen=lock(), made=diagnosis(about_payments())))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "v", "a")
        assert isinstance(app.screen, Why403HereScreen)
        assert len(rows(app, "refused")) == 2


async def test_without_a_log_the_callers_of_a_root_cause_are_judged_by_configuration() -> None:
    allow = policy(rules=[source(namespaces=["shop"])])
    found = bank(allow, lines=None, istiods=[build.istiod()])
    app = app_on(HandMade(seen=found, made=diagnosis(about_payments())))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "a")
        assert app.screen.query_one("#refused", RowsTable).nothing.startswith("? The access logs")
        await press(pilot, "v", "a")
        shown = rows(app, "refused")
        assert [row.value.source for row in shown] == ["Deployment legacy/legacy-v1"]
        assert shown[0].value.reason.startswith("denied: no ALLOW rule matches")


async def test_a_proxy_leads_to_what_it_refuses() -> None:
    app = app_on(HandMade(seen=lock(), made=diagnosis()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"payments", "enter", "enter", "a")
        assert isinstance(app.screen, Why403HereScreen)
        assert len(rows(app, "refused")) == 2
        await press(pilot, "escape", "escape", "escape")
        await press(pilot, "slash", *"client", "enter", "enter", "a")
        assert rows(app, "refused") == ()
