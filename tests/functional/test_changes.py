"""``d``: what changed against another recording, the live cluster, or the mesh as it was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from meshdoctor.app import MeshdoctorApp
from meshdoctor.app.offered import completions, recordings_near
from meshdoctor.live.source import LiveSource
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from meshdoctor.model.source_error import SourceError
from meshdoctor.session import RecordingSource, Session
from meshdoctor.source import Progress
from screens import keymap
from screens.changes import ChangesScreen
from screens.compare_window import CompareWindow, Offer
from screens.diagnosis import DiagnosisScreen
from screens.mesh_screen import MeshScreen
from screens.overview import OverviewScreen
from screens.state import MOST_KEPT
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests import build
from tests.functional.scene import HandMade, app_on, diagnosis, press, recorded, recording, settled
from tests.functional.scene_live import LiveMade, LiveSession, keys, live_app, until
from tests.functional.test_palette import choose

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener


def broken_app(name: str = "subset-not-defined") -> MeshdoctorApp:
    """The app on a bundled recording."""
    return app_on(Session(RecordingSource(recording(name))))


async def compare_with(pilot: Pilot[None], typed: object) -> None:
    """Ask what changed, and answer with a path."""
    await press(pilot, "d")
    pilot.app.screen.query_one(Input).value = str(typed)
    await press(pilot, "enter")


def shown(app: App[None], name: str) -> list[str]:
    return [row.plain for row in app.screen.query_one(f"#{name}", RowsTable).shown]


def complaint(app: App[None]) -> str:
    assert isinstance(app.screen, CompareWindow)
    return str(app.screen.query_one("#complaint", Static).render()).strip()


async def test_opened_with_a_recording_to_compare_with_it_shows_what_changed_first() -> None:
    app = broken_app()
    app.compared_with = recorded("healthy"), recording("healthy")
    async with app.run_test() as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ChangesScreen)
        assert shown(app, "verdicts")[0].startswith("✗ new")
        await press(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)


async def test_what_is_offered_after_the_window_was_closed_does_no_harm() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "d")
        window = app.screen
        assert isinstance(window, CompareWindow)
        await press(pilot, "escape")
        window.offer(())
        window.offer((Offer("a.tar.gz", "late"),))
        assert isinstance(app.screen, OverviewScreen)


async def test_a_new_root_cause_stands_first_with_the_change_that_explains_it() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        assert isinstance(app.screen, ChangesScreen)
        [verdict] = shown(app, "verdicts")
        assert verdict.startswith("✗ new  VirtualService shop/reviews routes to subset v3")
        first = shown(app, "explains")[0]
        assert first.startswith("1  ~ changed  VirtualService shop/reviews  the object to mend")
        assert "v1 → v3" in first
        sides = str(app.screen.query_one("#sides", Static).render())
        assert sides.startswith("A, before: healthy.tar.gz")
        assert "B, after:  subset-not-defined.tar.gz" in sides


async def test_enter_on_the_root_cause_opens_it_in_the_diagnosis_and_d_comes_back() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        await press(pilot, "enter")
        assert isinstance(app.screen, DiagnosisScreen)
        assert "VirtualService shop/reviews" in app.screen.concerns()
        await press(pilot, "d")
        assert isinstance(app.screen, ChangesScreen)
        assert shown(app, "verdicts")
        await press(pilot, "d")
        assert isinstance(app.screen, CompareWindow)


async def test_a_change_opens_with_its_fields_before_and_after_and_its_command_is_copied() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        await press(pilot, "tab", "enter")
        assert isinstance(app.screen, TextWindow)
        assert "Listed here because the object to mend." in app.screen.text
        path = "spec.http[0].route[0].destination.subset"
        assert f"\n{path}\n  - v1\n  + v3\n" in app.screen.text
        await press(pilot, "c")
        command = f"meshdoctor diff {recording('healthy')} {recording('subset-not-defined')}"
        chosen = '.objects[] | select(.object == "VirtualService shop/reviews")'
        assert app.clipboard == f"{command} -o json | jq '{chosen}'\n".strip()


async def test_an_object_that_is_new_opens_with_what_it_is() -> None:
    app = broken_app("envoyfilter-rejected")
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        await press(pilot, "tab", "enter")
        assert isinstance(app.screen, TextWindow)
        assert "EnvoyFilter shop/bad-filter added" in app.screen.text
        assert '\n+   "spec": {' in app.screen.text


async def test_swapped_the_root_cause_is_gone_and_opens_as_one_of_the_other_side() -> None:
    app = app_on(Session(RecordingSource(recording("healthy"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("subset-not-defined"))
        # The older one counts as before, whichever is open.
        assert shown(app, "verdicts")[0].startswith("✗ new")
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "subset-not-defined, proven" in app.screen.text
        await press(pilot, "escape", "s")
        assert shown(app, "verdicts")[0].startswith("✓ gone")
        assert shown(app, "explains") == []
        await press(pilot, "s")
        assert shown(app, "verdicts")[0].startswith("✗ new")


async def test_the_same_recording_twice_says_that_nothing_changed(tmp_path: Path) -> None:
    copy = shutil.copy(recording("healthy"), tmp_path / "again.tar.gz")
    app = app_on(Session(RecordingSource(recording("healthy"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, copy)
        headline = str(app.screen.query_one("#headline", Static).render())
        assert headline.startswith("Nothing changed")
        for name in ("objects-changed", "proxies-changed", "certificates-changed"):
            assert shown(app, name) == []
        assert app.screen.query_one("#objects-changed", RowsTable).nothing == "✓ No object differs."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        (b"no recording at all", "is no archive"),
        (b"\x1f\x8b\x08\x00broken", "recording"),
    ],
    ids=["none", "text", "damaged"],
)
async def test_what_cannot_be_read_is_one_line_in_the_window_that_asks(
    content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.tar.gz"
    if content is not None:
        path.write_bytes(content)
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, path)
        said = complaint(app)
        assert said.startswith("! ")
        assert says in said
        assert "\n" not in said
        # Another can be typed at once.
        app.screen.query_one(Input).value = str(recording("healthy"))
        await press(pilot, "enter")
        assert isinstance(app.screen, ChangesScreen)


async def test_of_a_truncated_recording_the_rest_is_not_compared(tmp_path: Path) -> None:
    whole = recording("healthy").read_bytes()
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, path)
        assert isinstance(app.screen, ChangesScreen)
        assert shown(app, "not-compared")
        headline = str(app.screen.query_one("#headline", Static).render())
        assert "Nothing changed" not in headline


async def test_an_empty_path_is_complained_about_and_esc_leads_back() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, "  ")
        assert complaint(app) == "! A path is needed."
        await press(pilot, "escape")
        assert isinstance(app.screen, OverviewScreen)


async def test_reading_is_told_in_the_window_and_esc_stops_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Event()

    def slow(source: RecordingSource, listener: Listener) -> Snapshot:
        listener.progress(Progress("files", "kubernetes/core/v1/pods.json", 8))
        while not gate.wait(0.01):
            if listener.wants_to_stop():
                raise SourceError("stopped")
        return recorded("healthy")

    app = app_on(HandMade(seen=recorded("subset-not-defined")))
    monkeypatch.setattr(RecordingSource, "read", slow)
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "d")
        app.screen.query_one(Input).value = "x.tar.gz"
        await pilot.press("enter")
        while "files 8" not in complaint(app):
            await pilot.pause(0.01)
        assert complaint(app) == "Reading: files 8 (esc stops)"
        await press(pilot, "escape")
        assert complaint(app) == "! Reading was stopped."
        gate.set()
        await settled(pilot)
        assert isinstance(app.screen, CompareWindow)
        await press(pilot, "enter")
        assert isinstance(app.screen, ChangesScreen)


async def test_recordings_beside_the_open_one_are_offered_and_the_arrows_choose(
    tmp_path: Path,
) -> None:
    for name in ("healthy", "subset-not-defined"):
        shutil.copy(recording(name), tmp_path)
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "gone.tar.gz").symlink_to(tmp_path / "nowhere")
    app = app_on(Session(RecordingSource(tmp_path / "subset-not-defined.tar.gz")))
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "d")
        field = app.screen.query_one(Input)
        assert field.value == str(tmp_path / "healthy.tar.gz")
        await press(pilot, "down")
        assert field.value == "live"
        await press(pilot, "up", "enter")
        assert isinstance(app.screen, ChangesScreen)


def test_paths_are_completed_folders_with_a_slash(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "before.tar.gz").touch()
    (tmp_path / ".hidden").touch()
    found = [f"{tmp_path}/before.tar.gz", f"{tmp_path}/before/"]
    assert completions(f"{tmp_path}/be") == found
    assert f"{tmp_path}/.hidden" not in completions(f"{tmp_path}/")
    assert completions(f"{tmp_path}/no/such") == []
    assert recordings_near(tmp_path / "no" / "such") == []


async def test_the_live_cluster_is_read_as_what_came_after(monkeypatch: pytest.MonkeyPatch) -> None:
    now = recorded("subset-not-defined")
    monkeypatch.setattr(LiveSource, "read", lambda self, listener: now)
    monkeypatch.setattr(LiveSource, "name", "prod-eu")
    app = app_on(Session(RecordingSource(recording("healthy"))))
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, "live")
        assert shown(app, "verdicts")[0].startswith("✗ new")
        await press(pilot, "c")
        assert app.clipboard == f"meshdoctor diff {recording('healthy')}"


async def test_a_cluster_that_cannot_be_reached_is_one_line_in_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(source: LiveSource, listener: Listener) -> Snapshot:
        raise SourceError("the API server does not answer")

    monkeypatch.setattr(LiveSource, "read", refuse)
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, "live")
        assert complaint(app) == "! the API server does not answer"


async def test_a_live_mesh_is_compared_with_what_it_was_when_it_was_opened() -> None:
    source = LiveMade(seen=recorded("healthy"))
    session = LiveSession(source)
    session.usual = diagnosis()
    app = live_app(session)
    async with app.run_test() as pilot:
        source.reads.put("end")
        await until(pilot, lambda: app.state.is_whole)
        await keys(pilot, "d")
        await until(pilot, lambda: app.screen.query_one(Input).value == "opened")
        await keys(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
        headline = app.screen.query_one("#headline", Static)
        await until(pilot, lambda: "Nothing changed" in str(headline.render()))
        source.follows.put(recorded("subset-not-defined"))
        await until(pilot, lambda: shown(app, "objects-changed"))
        assert "VirtualService shop/reviews" in shown(app, "objects-changed")[0]
        # No command line names what was never written.
        await keys(pilot, "right", "c")
        assert app.clipboard.startswith("kubectl get virtualservices.networking.istio.io reviews")
        source.is_open = False


async def test_of_a_mesh_too_large_to_be_kept_twice_a_recording_is_asked_for() -> None:
    seen = recorded("healthy")
    first = next(iter(seen.proxies.values()))
    many = {f"p-{number}.shop": first for number in range(MOST_KEPT + 1)}
    source = LiveMade(seen=replace(seen, proxies=many))
    session = LiveSession(source)
    app = live_app(session)
    async with app.run_test() as pilot:
        source.reads.put("end")
        await until(pilot, lambda: app.state.is_whole)
        assert app.state.opened is None
        await keys(pilot, "d")
        app.screen.query_one(Input).value = "opened"
        await keys(pilot, "enter")
        assert "was not kept: record it" in complaint(app)
        source.is_open = False


async def test_before_there_is_a_diagnosis_the_key_is_dim_and_says_why() -> None:
    app = live_app(LiveSession())
    async with app.run_test() as pilot:
        await keys(pilot, "d")
        assert isinstance(app.screen, OverviewScreen)
        assert [note.message for note in app._notifications] == ["there is no diagnosis yet"]


async def test_what_one_side_did_not_read_is_listed_and_nothing_is_said_of_it() -> None:
    app = app_on(HandMade(seen=build.mesh([], unread=[VIRTUAL_SERVICE])))
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        assert any(VIRTUAL_SERVICE.input in row for row in shown(app, "not-compared"))
        assert not any(row for row in shown(app, "objects-changed") if "VirtualService" in row)
        for _ in range(4):
            await press(pilot, "right")
        await press(pilot, "enter")
        assert isinstance(app.screen, TextWindow)
        assert "neither gone nor changed" in app.screen.text


async def test_the_filter_faults_and_the_digits_choose_among_objects() -> None:
    app = broken_app("mtls-conflict")
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        await press(pilot, "right")
        table = app.screen.query_one("#objects-changed", RowsTable)
        every = len(table.shown)
        await press(pilot, "ctrl+z")
        assert {str(row.cells[3]) for row in table.shown} == {"people"}
        await press(pilot, "ctrl+z", "slash", *"zzz", "enter")
        assert not table.shown
        await press(pilot, "escape")
        assert len(table.shown) == every
        number = app.state.namespaces.index("default") + 1
        await press(pilot, str(number))
        assert all(row.namespace in ("", "default") for row in table.shown)


async def test_a_row_as_json_is_what_the_command_line_prints() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        await press(pilot, "y")
        assert isinstance(app.screen, TextWindow)
        assert '"explained_by": [' in app.screen.text


async def test_the_palette_asks_what_to_compare_with() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await choose(pilot, "compare", "compare: What changed (diff)")
        assert isinstance(app.screen, CompareWindow)


async def test_every_key_of_the_screen_comes_from_the_registry_and_is_in_its_help() -> None:
    app = broken_app()
    async with app.run_test() as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        registered = {binding.id for binding in keymap.ALL}
        active = [
            item.binding
            for item in app.screen.active_bindings.values()
            if isinstance(item.node, MeshScreen | MeshdoctorApp)
            and item.binding not in [*App.BINDINGS, *Screen.BINDINGS]
        ]
        assert {binding.id for binding in active if binding.id} <= registered
        assert len({binding.id for binding in active if binding.show}) <= 8
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert ChangesScreen.HELP in app.screen.text
        assert keymap.CHANGES.tooltip in app.screen.text


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("name", ["mtls-conflict", "istiod-down"])
async def test_the_screen_is_not_cut_at_its_edges(name: str, size: tuple[int, int]) -> None:
    app = broken_app(name)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await compare_with(pilot, recording("healthy"))
        for _ in range(5):
            screen = app.screen
            assert screen.virtual_size.height <= size[1]
            assert screen.query_one(Footer).region.bottom == size[1]
            tables = [table for table in screen.query(RowsTable) if table.size.height]
            assert tables
            for table in tables:
                assert table.region.right <= size[0]
                assert table.grid.virtual_size.width <= table.grid.size.width
            await press(pilot, "right")
