"""From a root cause to every view that tells more about it, limited to what the cause is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshdoctor.model.finding import Affected
from screens.certificates import CertificatesHereScreen, CertificatesScreen
from screens.diagnosis import DiagnosisScreen
from screens.mtls import MtlsHereScreen
from screens.related import hint
from screens.revisions import RevisionsHereScreen, RevisionsScreen
from screens.trace import TraceScreen
from screens.why_403 import Why403HereScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from tests.functional.scene import HandMade, app_on, cause, diagnosis, press, recorded, settled

if TYPE_CHECKING:
    from textual.app import App

    from meshdoctor.model.diagnosis import RootCause

TO = "payments.pay.svc.cluster.local:8080"
PAIR = (Affected("Deployment shop/client-v1", TO),)


def a_cause(
    name: str,
    domain: str,
    playbook: str,
    *objects: str,
    affected: tuple[Affected, ...] = (),
) -> RootCause:
    return replace(
        cause(),
        id=name,
        domain=domain,
        playbook=playbook,
        objects=objects or ("Deployment pay/payments-v1",),
        affected=affected,
    )


def values(app: App[None], name: str) -> list[object]:
    return [row.value for row in app.screen.query_one(f"#{name}", RowsTable).shown]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (a_cause("pods-not-ready", "traffic", "503", affected=PAIR), "t trace"),
        (
            a_cause(
                "plaintext-client-to-strict-server", "security", "mtls-conflict", affected=PAIR
            ),
            "t trace · m mTLS",
        ),
        (
            a_cause("conflicting-peerauthentications", "security", "mtls-not-enforced"),
            "m mTLS",
        ),
        (
            a_cause(
                "authorizationpolicy-no-rule-matches",
                "security",
                "403",
                "AuthorizationPolicy pay/lock",
                affected=PAIR,
            ),
            "t trace · a why 403",
        ),
        (
            a_cause(
                "authorizationpolicy-needs-mtls-identity",
                "security",
                "403",
                "Deployment legacy/x",
                "AuthorizationPolicy pay/lock",
            ),
            "m mTLS · a why 403",
        ),
        (a_cause("pod-opted-out-of-injection", "injection", "missing-sidecar"), "u revisions"),
        (
            a_cause("data-plane-not-restarted-after-upgrade", "upgrade", "stale-proxy"),
            "u revisions",
        ),
        (a_cause("root-certificate-mismatch", "security", "certificates"), "e certificates"),
        (a_cause("gateway-credential-invalid", "gateway", "gateway-tls"), "e certificates"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_a_root_cause_names_the_views_that_concern_it_and_no_other(
    found: RootCause, says: str
) -> None:
    assert hint(found) == f"More about it: {says}"


def test_where_no_view_tells_more_nothing_is_offered() -> None:
    assert hint(a_cause("istiod-down", "control-plane", "stale-proxy")) == ""
    assert hint(None) == ""


async def test_the_hint_follows_the_chosen_root_cause_and_goes_with_the_last() -> None:
    first = a_cause("pods-not-ready", "traffic", "503", affected=PAIR)
    second = a_cause(
        "istiod-down", "control-plane", "stale-proxy", "Deployment istio-system/istiod"
    )
    app = app_on(HandMade(made=diagnosis(first, second)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v")
        line = app.screen.query_one("#related", PlainText)
        assert line.display
        assert str(line.render()) == "More about it: t trace"
        await press(pilot, "j")
        assert not line.display


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("t", TraceScreen),
        ("m", MtlsHereScreen),
        ("a", Why403HereScreen),
        ("u", RevisionsHereScreen),
        ("e", CertificatesHereScreen),
    ],
)
async def test_every_view_is_reached_from_a_root_cause_and_esc_leads_back(
    key: str, screen: type
) -> None:
    found = a_cause("mesh-certificate-expired", "security", "certificates", affected=PAIR)
    app = app_on(HandMade(seen=recorded("mtls-conflict"), made=diagnosis(found)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", key)
        assert type(app.screen) is screen
        await press(pilot, "escape")
        assert isinstance(app.screen, DiagnosisScreen)


async def test_revisions_are_those_of_the_workloads_at_fault_else_of_their_namespace() -> None:
    own = a_cause("pod-opted-out-of-injection", "injection", "missing-sidecar")
    space = a_cause("injection-labels-conflict", "injection", "missing-sidecar", "Namespace pay")
    gone = a_cause("quota", "injection", "pods-do-not-appear", "ResourceQuota pay/small")
    for found in (own, space, gone):
        app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(found)))
        async with app.run_test() as pilot:
            await settled(pilot)
            await press(pilot, "v", "u")
            rows = values(app, "revision-pods")
            assert {row.namespace for row in rows} == {"pay"}  # type: ignore[attr-defined]
            await press(pilot, "u")
            assert type(app.screen) is RevisionsScreen
            assert len(values(app, "revision-pods")) > len(rows)


async def test_certificates_are_those_of_the_proxies_at_fault_beside_the_ca() -> None:
    found = a_cause("root-certificate-mismatch", "security", "certificates")
    app = app_on(HandMade(seen=recorded("root-certificate-mismatch"), made=diagnosis(found)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "e")
        rows = values(app, "certificates")
        proxies = {row.proxy for row in rows if row.proxy}  # type: ignore[attr-defined]
        assert proxies
        assert all(name.startswith("payments-v1-") for name in proxies)
        assert "CA" in {row.what for row in rows}  # type: ignore[attr-defined]
        await press(pilot, "e")
        assert type(app.screen) is CertificatesScreen
        assert len(values(app, "certificates")) > len(rows)


async def test_mtls_without_a_destination_is_that_of_the_servers_affected() -> None:
    alone = (Affected("Deployment pay/payments-v1", ""),)
    found = a_cause(
        "peerauthentication-selector-in-root-namespace",
        "security",
        "mtls-not-enforced",
        affected=alone,
    )
    app = app_on(HandMade(seen=recorded("mtls-conflict"), made=diagnosis(found)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "v", "m")
        assert isinstance(app.screen, MtlsHereScreen)
        servers = {row.servers for row in values(app, "mtls")}  # type: ignore[attr-defined]
        assert servers == {("Deployment pay/payments-v1",)}


async def test_a_proxy_leads_to_its_own_revisions_and_certificates() -> None:
    app = app_on(HandMade(seen=recorded("healthy")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "x", "slash", *"payments", "enter", "enter", "u")
        pods = [row.pod for row in values(app, "revision-pods")]  # type: ignore[attr-defined]
        assert len(pods) == 1
        await press(pilot, "escape", "e")
        held = {row.proxy for row in values(app, "certificates")}  # type: ignore[attr-defined]
        assert held == {*pods, ""}
