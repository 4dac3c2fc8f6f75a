"""What the screen of changes and the window that asks look like, in each state."""

from __future__ import annotations

import os
from threading import Event
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from meshdoctor.diff.change import (
    CertificateChange,
    Change,
    Comparison,
    Explained,
    ObjectChange,
    PartChange,
    ProxyChange,
)
from meshdoctor.diff.fields import FieldChange
from meshdoctor.session import RecordingSource
from meshdoctor.source import Progress
from screens.changes import ChangesScreen
from screens.other import Named, Other
from tests.functional.scene import HandMade, app_on, cause, mesh, press, recorded, settled
from tests.functional.test_snapshots import COMFORTABLE, SMALL, both_sizes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener

    Compare = Callable[..., bool]
    Run = Callable[[Pilot[None]], Awaitable[None]]

_SELECTOR = ObjectChange(
    "Service shop/ratings",
    Change.CHANGED,
    (
        FieldChange("spec.selector.app", "ratings", "rating"),
        FieldChange("spec.ports[name=http]", {"name": "http", "port": 8080}, None),
    ),
    None,
    derived=False,
    words=frozenset(),
    command="kubectl get services ratings -n shop -o yaml",
)
_POLICY = ObjectChange(
    "PeerAuthentication shop/strict",
    Change.ADDED,
    (),
    mesh().now,
    derived=False,
    words=frozenset(),
    body={"spec": {"mtls": {"mode": "STRICT"}}},
)
_SLICE = ObjectChange(
    "EndpointSlice shop/ratings-x1",
    Change.REMOVED,
    (),
    None,
    derived=True,
    words=frozenset(),
)


def comparison(**parts: object) -> Comparison:
    """A comparison made by hand: a new root cause, one that is gone, one still there."""
    about = mesh().about
    explaining = ((_SELECTOR, "the object to mend"), (_POLICY, "it is in the same namespace"))
    made: dict[str, object] = {
        "old": about,
        "new": about,
        "explained": (Explained(cause(), explaining, known_before=True),),
        "gone": (cause("reviews", 2),),
        "untold": (),
        "still": (cause("web", 3),),
        "objects": (_SELECTOR, _POLICY, _SLICE),
        "proxies": (
            ProxyChange(
                "Deployment shop/client-v1",
                Change.CHANGED,
                ("1.31.2", "1.32.0"),
                (("EDS", "SYNCED", "STALE"),),
                (PartChange("cluster", "outbound|80||web", Change.REMOVED),),
            ),
        ),
        "certificates": (
            CertificateChange("root of trust", "a1b2", "c3d4", (364.0, 3650.0), routine=False),
        ),
        "not_compared": (("kubernetes/batch/jobs", "both"),),
        "incomplete": False,
        **parts,
    }
    return Comparison(**made)  # type: ignore[arg-type]  # the parts are named by the tests


class HandMadeOther(Other):
    """A mesh whose comparison was made by hand."""

    made: Comparison | None
    gate: Event | None = None

    def compared(
        self, snapshot: Snapshot, diagnosis: Diagnosis, *, other_first: bool
    ) -> Comparison:
        """The comparison, once the gate is open; leaving the app does not wait for ever."""
        if self.gate is not None:
            self.gate.wait(5)
        if self.made is None:
            raise RuntimeError("made by hand")
        return self.made


def other(made: Comparison | None, gate: Event | None = None) -> Other:
    """What is compared with."""
    named = Named("before.tar.gz", first=True, second=True)
    found = HandMadeOther(mesh(), "before.tar.gz", named, named)
    found.made, found.gate = made, gate
    return found


def showing(made: Comparison | None, *keys: str) -> Run:
    """Show a comparison, then press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.app.push_screen(ChangesScreen(pilot.app.state, other(made)))  # type: ignore[attr-defined]
        await settled(pilot)
        await press(pilot, *keys)
        pilot.app.clear_notifications()
        await settled(pilot)

    return run


NOTHING = comparison(
    explained=(), gone=(), still=(), objects=(), proxies=(), certificates=(), not_compared=()
)
UNREAD = comparison(
    explained=(),
    gone=(),
    untold=(cause(),),
    still=(),
    objects=(),
    proxies=(),
    certificates=(),
    not_compared=(("kubernetes/networking.istio.io/virtualservices", "the second"),),
    incomplete=True,
)


class TestChanges:
    @both_sizes
    def test_new_gone_and_still_there(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app_on(), terminal_size=size, run_before=showing(comparison()))

    @both_sizes
    def test_objects(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        run = showing(comparison(), "right")
        assert snap_compare(app_on(), terminal_size=size, run_before=run)

    def test_one_change(self, snap_compare: Compare) -> None:
        run = showing(comparison(), "right", "enter")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_proxies(self, snap_compare: Compare) -> None:
        run = showing(comparison(), "right", "right")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_certificates(self, snap_compare: Compare) -> None:
        run = showing(comparison(), "right", "right", "right")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_nothing_changed(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=showing(NOTHING))

    def test_not_read(self, snap_compare: Compare) -> None:
        run = showing(UNREAD, "left")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_too_little_read_to_tell(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=showing(UNREAD))

    def test_filtered_out(self, snap_compare: Compare) -> None:
        run = showing(comparison(), "slash", *"zzz", "enter")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=run)

    def test_it_failed(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=showing(None))

    def test_comparing(self, snap_compare: Compare) -> None:
        gate = Event()
        app = app_on()

        async def until_it_compares(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await app.push_screen(ChangesScreen(app.state, other(comparison(), gate)))
            await pilot.pause(0.2)

        try:
            assert snap_compare(app, terminal_size=SMALL, run_before=until_it_compares)
        finally:
            gate.set()


class TestAsking:
    @pytest.fixture(autouse=True)
    def in_a_folder_of_recordings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number, name in enumerate(("monday", "tuesday"), start=1):
            path = tmp_path / f"{name}.tar.gz"
            path.write_bytes(b"no archive")
            os.utime(path, (1_700_000_000 + 86_400 * number,) * 2)
        monkeypatch.chdir(tmp_path)

    @both_sizes
    def test_with_what(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def ask(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await press(pilot, "d", "down")

        assert snap_compare(app_on(), terminal_size=size, run_before=ask)

    def test_a_damaged_recording(self, snap_compare: Compare) -> None:
        async def ask(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await press(pilot, "d", "enter")

        assert snap_compare(app_on(), terminal_size=SMALL, run_before=ask)

    def test_reading(self, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
        gate = Event()

        def slow(source: RecordingSource, listener: Listener) -> Snapshot:
            listener.progress(Progress("files", "kubernetes/core/v1/pods.json", 8))
            gate.wait(20)
            return recorded("healthy")

        monkeypatch.setattr(RecordingSource, "read", slow)
        app = app_on(HandMade())

        async def ask(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await press(pilot, "d")
            app.screen.query_one(Input).value = "monday.tar.gz"
            await pilot.press("enter")
            await pilot.pause(0.3)

        try:
            assert snap_compare(app, terminal_size=SMALL, run_before=ask)
        finally:
            gate.set()


class TestWithoutColour:
    """Signs and words alone tell what became of a thing."""

    @pytest.fixture(autouse=True)
    def no_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

    def test_changes(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=showing(comparison()))

    def test_one_change(self, snap_compare: Compare) -> None:
        run = showing(comparison(), "right", "enter")
        assert snap_compare(app_on(), terminal_size=COMFORTABLE, run_before=run)
