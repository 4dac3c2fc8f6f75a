"""What a live mesh looks like: streaming, a first verdict, ages, a lost cluster, a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshdoctor.app.following import Follower
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.source_error import SourceError
from meshdoctor.source import Progress
from screens.state import Following, Phase
from tests.functional.scene import broken, cause, diagnosis, mesh
from tests.functional.scene_live import END, LOST, Clock, LiveSession, keys, live_app, quiet, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.app import MeshdoctorApp

    Compare = Callable[..., bool]
    Run = Callable[[Pilot[None]], Awaitable[None]]

SMALL, COMFORTABLE = (80, 24), (120, 36)
both_sizes = pytest.mark.parametrize("size", [SMALL, COMFORTABLE], ids=["80x24", "120x36"])
STAGES = (
    Progress("objects", "networking.istio.io/v1/virtualservices", 34, 34),
    Progress("istiod", "istiod-0.istio-system", 1, 2),
    Progress("proxies", "client-0.shop", 14, 60),
)
NOT_YET = NotRead("proxies/shop/late-0", NotReadStatus.TIMEOUT, "reading was stopped")


class Scene:
    """An app on a hand-made cluster, and what is to happen before its picture is taken."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.session = LiveSession()
        self.app: MeshdoctorApp = live_app(self.session, self.clock)

    def reading(self) -> Scene:
        """Some stages have been told."""
        for stage in STAGES:
            self.session.source.reads.put(stage)
        return self

    def with_verdict(self) -> Scene:
        """A first verdict has been made on the way."""
        first = mesh()
        self.session.made[first] = replace(diagnosis(cause()), proxies_read=14, proxies_total=60)
        self.session.source.reads.put(first)
        return self

    def read(self) -> Scene:
        """Everything has been read."""
        self.session.source.reads.put(END)
        return self

    def when(self, *pressed: str, holds: Callable[[], object], seconds: float = 0) -> Run:
        """Wait until something holds, press keys, let time pass."""

        async def run(pilot: Pilot[None]) -> None:
            await until(pilot, holds)
            await keys(pilot, *pressed)
            self.clock.seconds += seconds
            pilot.app.clear_notifications()
            self.app.changed(now=True)
            await quiet(pilot)

        return run

    def has_stages(self) -> bool:
        return len(self.app.state.stages) == len(STAGES)

    def is_followed(self) -> bool:
        return self.app.state.following is Following.ON


class TestStreaming:
    @both_sizes
    def test_stages(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        scene = Scene().reading()
        run = scene.when(holds=scene.has_stages, seconds=3)
        assert snap_compare(scene.app, terminal_size=size, run_before=run)

    @both_sizes
    def test_first_verdict(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        scene = Scene().reading().with_verdict()
        run = scene.when(holds=lambda: scene.app.state.is_ready, seconds=5)
        assert snap_compare(scene.app, terminal_size=size, run_before=run)

    def test_nothing_so_far(self, snap_compare: Compare) -> None:
        scene = Scene().reading().with_verdict()
        for snapshot, made in scene.session.made.items():
            scene.session.made[snapshot] = replace(made, root_causes=())
        run = scene.when(holds=lambda: scene.app.state.is_ready, seconds=5)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)

    def test_diagnosis_on_the_way(self, snap_compare: Compare) -> None:
        scene = Scene().reading().with_verdict()
        run = scene.when("v", holds=lambda: scene.app.state.is_ready, seconds=5)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)

    def test_stopped(self, snap_compare: Compare) -> None:
        scene = Scene().reading().with_verdict()
        made = replace(diagnosis(cause()), proxies_read=14, proxies_total=60)
        scene.session.usual = replace(made, not_read=(NOT_YET,), required_unread=(NOT_YET,))
        run = scene.when("escape", holds=lambda: scene.app.state.is_ready, seconds=5)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)


class TestFollowing:
    @both_sizes
    def test_young(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        scene = Scene().read()
        run = scene.when(holds=scene.is_followed, seconds=12)
        assert snap_compare(scene.app, terminal_size=size, run_before=run)

    def test_stale(self, snap_compare: Compare) -> None:
        scene = Scene().read()
        run = scene.when("space", holds=scene.is_followed, seconds=200)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)

    def test_lost(self, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Follower, "FIRST_WAIT", 30.0)
        scene = Scene().read()
        scene.session.source.follows.put(SourceError(LOST))
        run = scene.when(holds=lambda: scene.app.state.following is Following.LOST, seconds=22)
        assert snap_compare(scene.app, terminal_size=COMFORTABLE, run_before=run)

    def test_not_there_at_start(self, snap_compare: Compare) -> None:
        scene = Scene()
        scene.session.source.reads.put(SourceError(LOST))
        run = scene.when(holds=lambda: scene.app.state.phase is Phase.FAILED)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)


class TestRecording:
    @pytest.fixture(autouse=True)
    def in_a_folder_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @both_sizes
    def test_asking(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        scene = Scene().read()
        run = scene.when("ctrl+s", holds=scene.is_followed)
        assert snap_compare(scene.app, terminal_size=size, run_before=run)

    def test_exists(self, snap_compare: Compare, tmp_path: Path) -> None:
        (tmp_path / "meshdoctor-prod-eu-20261121T083000Z.tar.gz").touch()
        scene = Scene().read()
        run = scene.when("ctrl+s", "enter", holds=scene.is_followed)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)

    @both_sizes
    def test_taking(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        scene = Scene().read()
        scene.session.source.saves.put(STAGES[2])
        run = scene.when("ctrl+s", "enter", holds=scene.is_followed, seconds=12)

        async def until_it_is_told(pilot: Pilot[None]) -> None:
            await run(pilot)
            await until(pilot, lambda: scene.app.state.saving and scene.app.state.saving.stages)
            scene.app.recorder.measure()
            scene.app.changed(now=True)
            await quiet(pilot)

        assert snap_compare(scene.app, terminal_size=size, run_before=until_it_is_told)

    def test_leaving(self, snap_compare: Compare) -> None:
        scene = Scene().read()
        run = scene.when("ctrl+s", "enter", "q", holds=scene.is_followed, seconds=12)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)


class TestWithoutColour:
    """Glyphs and words alone tell the states apart."""

    @pytest.fixture(autouse=True)
    def no_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

    def test_first_verdict(self, snap_compare: Compare) -> None:
        scene = Scene().reading().with_verdict()
        run = scene.when(holds=lambda: scene.app.state.is_ready, seconds=5)
        assert snap_compare(scene.app, terminal_size=SMALL, run_before=run)

    def test_stale(self, snap_compare: Compare) -> None:
        scene = Scene().read()
        scene.session.usual = broken()
        run = scene.when("space", holds=scene.is_followed, seconds=200)
        assert snap_compare(scene.app, terminal_size=COMFORTABLE, run_before=run)
