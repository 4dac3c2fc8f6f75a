"""What goes wrong is said on the screen; it never kills the app."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest

from meshdoctor.model.source_error import SourceError
from meshdoctor.session import RecordingSource, Session
from screens.overview import OverviewScreen
from screens.widgets.rows_table import RowsTable
from tests.functional.scene import (
    HandMade,
    app_on,
    cause,
    diagnosis,
    press,
    recording,
    settled,
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SourceError("mesh.tar.gz ends in the middle"), "✗ mesh.tar.gz ends in the middle"),
        (RuntimeError("a fault of ours"), "✗ meshdoctor itself failed: RuntimeError('a fault"),
    ],
)
async def test_a_session_that_cannot_be_read_says_why_and_the_app_goes_on(
    error: Exception, words: str
) -> None:
    app = app_on(HandMade(error=error))
    async with app.run_test() as pilot:
        await settled(pilot)
        assert app.screen.query_one("#wrong", RowsTable).nothing.startswith(words)
        assert [note.severity for note in app._notifications] == ["error"]
        await press(pilot, "x")
        assert app.screen.query_one("#proxies", RowsTable).nothing.startswith(words)
        await press(pilot, "question_mark", "escape", "escape")
        assert isinstance(app.screen, OverviewScreen)


async def test_reading_again_after_a_failure_shows_the_mesh() -> None:
    session = HandMade(error=SourceError("not yet there"))
    app = app_on(session)
    async with app.run_test() as pilot:
        await settled(pilot)
        session.source.error = None
        await press(pilot, "r")
        assert len(app.screen.query_one("#wrong", RowsTable).shown) == 3


async def test_a_failure_to_read_again_keeps_what_was_shown_and_says_so() -> None:
    session = HandMade()
    app = app_on(session)
    async with app.run_test() as pilot:
        await settled(pilot)
        session.source.error = SourceError("gone")
        await press(pilot, "r")
        assert len(app.screen.query_one("#wrong", RowsTable).shown) == 3
        assert [note.message for note in app._notifications] == ["gone"]


@pytest.mark.parametrize(
    ("key", "view", "table"),
    [
        ("x", "meshdoctor.views.proxy_status.rows", "proxies"),
        ("h", "meshdoctor.views.webhooks.rows", "webhooks"),
        ("n", "meshdoctor.views.namespaces.rows", "namespaces-table"),
        ("u", "meshdoctor.views.revisions.rows", "revision-pods"),
        ("e", "meshdoctor.views.certificates.rows", "certificates"),
        ("l", "meshdoctor.views.istiod_logs.istiod_logs", "matters"),
        ("m", "meshdoctor.views.mtls.rows", "mtls"),
        ("a", "meshdoctor.views.refused_requests.rows", "refused"),
    ],
)
async def test_a_view_that_fails_says_so_on_its_own_screen(
    key: str, view: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("missing")

    monkeypatch.setattr(view, fail)
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, key)
        nothing = app.screen.query_one(f"#{table}", RowsTable).nothing
        assert nothing == "✗ meshdoctor itself failed to show this: KeyError('missing')"
        await press(pilot, "o")
        assert len(app.screen.query_one("#wrong", RowsTable).shown) == 3


async def test_an_overview_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("missing")

    monkeypatch.setattr("meshdoctor.views.summary.summarize", fail)
    app = app_on()
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "itself failed" in app.screen.query_one("#wrong", RowsTable).nothing


async def test_damage_found_while_reading_is_listed_on_the_overview() -> None:
    app = app_on(Session(RecordingSource(recording("proxy-cannot-reach-istiod"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        missing = app.screen.query_one("#not-read", RowsTable).shown
        assert [row.key for row in missing] == [item.what for item in app.state.diagnosis.not_read]  # type: ignore[union-attr]
        assert missing


async def test_words_of_a_hostile_recording_are_shown_letter_by_letter() -> None:
    evil = "\x1b]0;owned\x07[red]Service[/red] \x1b[2J[@click=app.quit]x[/]"
    made = diagnosis(replace(cause(), title=evil, summary=evil, objects=(f"Service shop/{evil}",)))
    app = app_on(HandMade(name=f"{evil}.tar.gz", made=made))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for keys in ((), ("v",), ("enter",), ("enter",), ("escape", "y"), ("escape", "c")):
            await press(pilot, *keys)
            picture = app.export_screenshot()
            assert "\x1b" not in picture
            assert "\x07" not in picture
        await press(pilot, "o", "1")
        shown = html.unescape(app.export_screenshot()).replace("\xa0", " ")
        assert "·]0;owned·[red]Service[/red]" in shown
