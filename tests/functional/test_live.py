"""A live mesh: a verdict before the last proxy, esc, the age of what is shown, following."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Static

from meshdoctor.app.following import Follower
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.source_error import SourceError
from meshdoctor.source import Progress
from screens.state import Following, Phase
from screens.widgets.rows_table import RowsTable
from tests.functional.scene import broken, cause, diagnosis, mesh
from tests.functional.scene_live import (
    END,
    LOST,
    Clock,
    LiveMade,
    LiveSession,
    header,
    keys,
    live_app,
    quiet,
    until,
)

if TYPE_CHECKING:
    from meshdoctor.app import MeshdoctorApp
    from meshdoctor.model.snapshot import Snapshot

OBJECTS = Progress("objects", "core/v1/pods", 34, 34)
ISTIOD = Progress("istiod", "istiod-0.istio-system", 1, 2)
PROXIES = Progress("proxies", "client-0.shop", 14, 60)
PARTIAL = replace(diagnosis(cause()), proxies_read=14, proxies_total=60)


def said(app: MeshdoctorApp, name: str) -> str:
    return str(app.screen.query_one(f"#{name}", Static).render())


def table(app: MeshdoctorApp, name: str) -> RowsTable:
    return app.screen.query_one(f"#{name}", RowsTable)


def playing(*played: object) -> LiveSession:
    session = LiveSession()
    for each in played:
        session.source.reads.put(each)  # type: ignore[arg-type]
    return session


def with_partial() -> LiveSession:
    """A session that tells its stages and a first verdict, and then goes on reading."""
    first = mesh()
    session = playing(OBJECTS, ISTIOD, PROXIES, first)
    session.made[first] = PARTIAL
    return session


async def test_each_stage_is_a_row_while_it_is_read_with_its_seconds() -> None:
    clock = Clock()
    session = playing(OBJECTS, ISTIOD, PROXIES)
    app = live_app(session, clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "14/60" in said(app, "stages"))
        clock.seconds = 3
        await until(pilot, lambda: "3.0s" in said(app, "stages"))
        rows = [row.split()[:3] for row in said(app, "stages").splitlines()]
        assert rows == [["✓", "objects", "34"], ["…", "istiod", "1/2"], ["…", "proxies", "14/60"]]
        assert table(app, "not-read").display is False
        assert "reading proxies 14/60" in header(app)
        await keys(pilot, "x")
        line = (
            "Reading prod-eu: objects 34, istiod 1/2, proxies 14/60, 3s (esc keeps what was read)"
        )
        assert table(app, "proxies").nothing == line


async def test_the_first_verdict_is_shown_before_the_last_proxy_answers_and_says_so() -> None:
    session = with_partial()
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.is_ready)
        assert len(table(app, "wrong").shown) == 1
        told = "1 root cause found: 14 of 60 proxies read so far, more to come"
        assert told in said(app, "headline")
        await keys(pilot, "v")
        assert told in said(app, "headline")
        session.source.reads.put(END)
        await until(pilot, lambda: app.state.phase is Phase.READY)
        assert said(app, "headline") == "2 root causes found (2 of 2 proxies read)"
        assert len(table(app, "causes").shown) == 2
        await keys(pilot, "o")
        assert app.screen.query_one("#stages").display is False
        assert table(app, "not-read").display is True


async def test_nothing_found_so_far_is_never_called_fine() -> None:
    first = mesh()
    session = playing(PROXIES, first)
    session.made[first] = replace(diagnosis(), proxies_read=14, proxies_total=60)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.is_ready)
        assert "✓" not in said(app, "headline") + table(app, "wrong").nothing
        assert "Nothing is known to be wrong yet: 14 of 60" in table(app, "wrong").nothing
        await keys(pilot, "v")
        assert "No root cause is known yet" in table(app, "causes").nothing
        assert "✓" not in said(app, "cause-summary")


async def test_a_partial_snapshot_that_waits_gives_way_to_a_newer_one() -> None:
    snapshots = [mesh() for _ in range(6)]
    session = playing(*snapshots)
    taken: list[Snapshot] = []
    really_take = session.take

    def take(snapshot: Snapshot) -> None:
        taken.append(snapshot)
        really_take(snapshot)

    session.take = take  # type: ignore[method-assign]
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: snapshots[-1] in taken)
        session.source.reads.put(END)
        await until(pilot, lambda: app.state.phase is Phase.READY)
        assert taken[-2:] == [snapshots[-1], session.source.seen]
        assert len(taken) < len(snapshots) + 1


async def test_a_first_verdict_that_fails_does_not_keep_the_last_one_away() -> None:
    first = mesh()
    session = playing(first)
    whole = session.diagnosis

    def fail_on_first() -> object:
        if session.snapshot() is first:
            raise KeyError("half a mesh")
        return whole()

    session.diagnosis = fail_on_first  # type: ignore[assignment, method-assign]
    app = live_app(session)
    async with app.run_test() as pilot:
        await quiet(pilot)
        session.source.reads.put(END)
        await until(pilot, lambda: app.state.is_whole)
        assert len(table(app, "wrong").shown) == 3
        assert app.said.said == type(app.said.said)(maxlen=500)


async def test_esc_keeps_what_was_read_diagnoses_it_and_lists_what_was_not() -> None:
    session = with_partial()
    gap = NotRead("proxies/shop/late-0", NotReadStatus.TIMEOUT, "reading was stopped")
    session.usual = replace(PARTIAL, not_read=(gap,), required_unread=(gap,))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.is_ready)
        await keys(pilot, "escape")
        await until(pilot, lambda: app.state.phase is Phase.READY)
        assert "14 of 60 proxies read, then it was stopped. r reads everything" in said(
            app, "headline"
        )
        assert [row.key for row in table(app, "not-read").shown] == [gap.what]
        assert "(incomplete)" in header(app)
        assert session.source.times_followed == 0
        session.usual = broken()
        session.source.reads.put(END)
        await keys(pilot, "r")
        await until(pilot, lambda: app.state.is_whole)
        assert len(table(app, "wrong").shown) == 3


@pytest.mark.parametrize("is_ready", [True, False])
async def test_a_second_esc_does_not_wait_for_a_source_that_does_not_hear(is_ready: bool) -> None:
    session = with_partial() if is_ready else playing(PROXIES)
    session.source.reads.put("hang")
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.is_ready if is_ready else app.state.stages)
        await keys(pilot, "escape")
        assert "stopping" in header(app)
        await keys(pilot, "escape")
        assert app.state.phase is Phase.FAILED
        shown = said(app, "headline")
        assert ("14 of 60 proxies read before reading ended" if is_ready else "✗ Stopped") in shown
        session.source.is_open = False
        await until(pilot, lambda: app.is_running)
        assert app.state.phase is Phase.FAILED


async def test_the_header_tells_the_age_of_what_is_shown_and_when_it_is_stale() -> None:
    clock = Clock()
    app = live_app(playing(END), clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        assert "prod-eu · ns all" in header(app)
        for seconds, mark in ((12, "LIVE 12s ago"), (200, "LIVE 3m ago (stale)")):
            clock.seconds = seconds
            await until(pilot, lambda mark=mark: header(app).endswith(mark))  # type: ignore[misc]
        assert "REPLAY" not in header(app)


async def test_a_change_is_shown_and_makes_the_mesh_young_again() -> None:
    clock, session, newer = Clock(), playing(END), mesh()
    session.made[newer] = diagnosis()
    app = live_app(session, clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        clock.seconds = 200
        session.source.follows.put(newer)
        await until(pilot, lambda: app.state.snapshot is newer)
        assert table(app, "wrong").nothing.startswith("✓ Nothing is wrong")
        assert "LIVE 0s ago" in header(app)
        clock.seconds = 300
        session.source.follows.put(Progress("watch", "core/v1/pods", 1))
        await until(pilot, lambda: "LIVE 0s ago" in header(app))


async def test_a_lost_cluster_is_said_and_tried_again_and_what_was_read_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Follower, "FIRST_WAIT", 0.5)
    session = playing(END)
    app = live_app(session)
    async with app.run_test(size=(100, 24)) as pilot:
        for _ in range(2):
            session.source.follows.put(SourceError(LOST))
        await until(pilot, lambda: app.state.following is Following.LOST)
        assert "lost, retry in " in header(app)
        assert len(table(app, "wrong").shown) == 3
        await until(pilot, lambda: session.source.times_followed == 3)
        assert app.state.following is Following.ON
        assert [note.message for note in app._notifications] == [LOST]
        session.source.follows.put(mesh())
        await until(pilot, lambda: len(app._notifications) == 2)
        assert [note.message for note in app._notifications][-1] == "The cluster answers again"


async def test_space_pauses_following_and_goes_on() -> None:
    session = playing(END)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        await keys(pilot, "space")
        assert "(paused)" in header(app)
        session.source.follows.put(mesh())
        kept = app.state.snapshot
        await quiet(pilot)
        assert app.state.snapshot is kept
        await keys(pilot, "space")
        await until(pilot, lambda: app.state.snapshot is not kept)
        assert "(paused)" not in header(app)


async def test_r_reads_everything_anew_and_follows_again() -> None:
    session = playing(END)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        session.source.reads.put(mesh())
        await keys(pilot, "r")
        await until(pilot, lambda: session.source.times_read == 2)
        assert app.follower.listener is None
        # The beginning of something newer does not take the place of everything.
        assert len(table(app, "wrong").shown) == 3
        assert not app.state.is_partial
        session.source.reads.put(END)
        await until(pilot, lambda: session.source.times_followed == 2)
        assert app.state.following is Following.ON


async def test_a_cluster_that_is_lost_while_it_is_read_anew_is_read_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Follower, "FIRST_WAIT", 0.05)
    session = playing(END)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.following is Following.ON)
        for _ in range(2):
            session.source.reads.put(SourceError(LOST))
        await keys(pilot, "r")
        await until(pilot, lambda: session.source.times_read == 4)
        assert [note.message for note in app._notifications] == [LOST]
        assert len(table(app, "wrong").shown) == 3
        session.source.reads.put(END)
        await until(pilot, lambda: app.state.following is Following.ON)
        assert app.state.phase is Phase.READY


async def test_a_cluster_that_does_not_answer_is_one_sentence_with_what_to_do() -> None:
    session = playing(SourceError(LOST))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.phase is Phase.FAILED)
        assert said(app, "headline").splitlines() == [
            f"✗ {LOST}",
            "r tries again. Whether the cluster answers at all: kubectl --context prod-eu version",
        ]
        session.source.reads.put(END)
        await keys(pilot, "r")
        await until(pilot, lambda: app.state.is_whole)
        assert len(table(app, "wrong").shown) == 3


@pytest.mark.parametrize("where", ["read", "follow"])
async def test_a_fault_of_ours_in_a_worker_is_said_and_the_app_goes_on(where: str) -> None:
    session = LiveSession(LiveMade())
    fault = RuntimeError("a fault of ours")
    (session.source.reads if where == "read" else session.source.follows).put(fault)
    if where == "follow":
        session.source.reads.put(END)
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app._notifications)
        told = [note.message for note in app._notifications]
        assert told == ["meshdoctor itself failed: RuntimeError('a fault of ours')"]
        await keys(pilot, "x", "o")
        assert app.is_running


async def test_digits_keep_their_meaning_while_the_mesh_is_followed() -> None:
    session, newer = playing(END), mesh()
    session.made[newer] = diagnosis(replace(cause(), objects=("Service pay/till",)))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.is_whole)
        assert app.state.namespaces[0] == "shop"
        session.source.follows.put(newer)
        await until(pilot, lambda: app.state.snapshot is newer)
        assert app.state.namespaces[0] == "shop"


async def test_a_cluster_that_is_lost_on_the_way_leaves_what_was_found_by_then() -> None:
    session = with_partial()
    session.source.reads.put(SourceError(LOST))
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.state.phase is Phase.FAILED and app.state.is_ready)
        told = "14 of 60 proxies read before reading ended. r reads everything"
        assert told in said(app, "headline")
        assert len(table(app, "wrong").shown) == 1
        assert [note.message for note in app._notifications] == [LOST]
