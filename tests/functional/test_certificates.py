"""The certificates' screen: whose root differs, what is not read, where a row leads."""

from __future__ import annotations

from meshdoctor.model.kinds import SECRET
from screens.certificates import CertificatesScreen
from screens.proxy import ProxyScreen
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests import build
from tests.functional.scene import HandMade, app_on, diagnosis, press, recorded, settled

BROKEN = "root-certificate-mismatch"


async def test_faults_only_are_the_proxies_that_hold_another_root() -> None:
    app = app_on(HandMade(seen=recorded(BROKEN)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "e", "ctrl+z")
        assert isinstance(app.screen, CertificatesScreen)
        rows = app.screen.query_one("#certificates", RowsTable).shown
        assert len(rows) == 6
        assert all(row.value.what == "proxy" and "✗ differs" in row.plain for row in rows)


async def test_a_proxys_row_opens_its_secrets() -> None:
    app = app_on(HandMade(seen=recorded(BROKEN)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "e", "slash", *"^client", "enter", "enter")
        assert isinstance(app.screen, ProxyScreen)
        assert app.screen.query_one("#secrets", RowsTable).shown


async def test_an_objects_row_opens_its_chain_and_copies_its_command() -> None:
    app = app_on(HandMade(seen=recorded(BROKEN)))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "e", "c")
        assert app.clipboard.startswith("kubectl get secrets istio-ca-secret -n istio-system")
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "SHA-256" in app.screen.text


async def test_the_digits_keep_what_lies_in_a_namespace() -> None:
    app = app_on(HandMade(seen=recorded(BROKEN)))
    async with app.run_test() as pilot:
        await settled(pilot)
        number = app.state.namespaces.index("shop") + 1
        await press(pilot, "e", str(number))
        rows = app.screen.query_one("#certificates", RowsTable).shown
        assert {row.value.namespace for row in rows} == {"", "shop"}


async def test_unread_secrets_are_unknown_and_never_fine() -> None:
    app = app_on(HandMade(seen=build.mesh([], unread=[SECRET]), made=diagnosis()))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "e")
        table = app.screen.query_one("#certificates", RowsTable)
        (row,) = table.shown
        assert "? not read" in row.plain
        assert "✓" not in row.plain
        assert "denied (forbidden)" in table.detail_of(row)
