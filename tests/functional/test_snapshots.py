"""What the screens look like: small and comfortable, in each state, and without colour.

Look at the report before accepting a change (``make snapshots``).
"""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import pytest

from meshdoctor.model.diagnosis import Unknown
from meshdoctor.model.finding import Affected
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, MUTATING_WEBHOOK, NAMESPACE, POD, SECRET
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.source_error import SourceError
from screens.theme import LIGHT
from tests import build
from tests.functional.scene import (
    EVENTS,
    HandMade,
    app_on,
    cause,
    diagnosis,
    press,
    recorded,
    settled,
)
from tests.functional.test_mtls_screens import lock
from tests.functional.test_revisions import upgraded
from tests.functional.test_trace import locked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

    Compare = Callable[..., bool]

SMALL, COMFORTABLE = (80, 24), (120, 36)
both_sizes = pytest.mark.parametrize("size", [SMALL, COMFORTABLE], ids=["80x24", "120x36"])


def after(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Wait for the diagnosis, then press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await press(pilot, *keys)
        # Toasts come and go with the clock.
        pilot.app.clear_notifications()
        await settled(pilot)

    return run


def seen(name: str) -> HandMade:
    """A bundled recording with a diagnosis made by hand."""
    return HandMade(seen=recorded(name))


class TestOverview:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app_on(), terminal_size=size, run_before=after())

    def test_loading(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(gate=Event()))

        async def until_eight_files_are_read(pilot: Pilot[None]) -> None:
            while app.state.files_read < 8:
                await pilot.pause(0.01)
            await pilot.pause(0.1)

        assert snap_compare(app, terminal_size=SMALL, run_before=until_eight_files_are_read)

    def test_nothing_is_wrong(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after())

    def test_something_was_not_read(self, snap_compare: Compare) -> None:
        gap = NotRead("kubernetes/core/v1/events.json", NotReadStatus.DENIED, "forbidden")
        unknown = Unknown("pods-not-ready", (EVENTS,), f"{gap.what}: denied (forbidden)")
        made = diagnosis(unknown=(unknown,), not_read=(gap,), required_unread=(gap,))
        app = app_on(HandMade(made=made))
        assert snap_compare(app, terminal_size=SMALL, run_before=after())

    def test_filtered_out(self, snap_compare: Compare) -> None:
        keys = ("slash", *"zzz", "enter")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after(*keys))

    def test_nothing_could_be_read(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(error=SourceError("hand-made.tar.gz ends in the middle")))
        assert snap_compare(app, terminal_size=SMALL, run_before=after())

    def test_light(self, snap_compare: Compare) -> None:
        app = app_on()
        app.theme = LIGHT.name
        assert snap_compare(app, terminal_size=SMALL, run_before=after())


class TestDiagnosis:
    @both_sizes
    def test_summary(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app_on(), terminal_size=size, run_before=after("v"))

    @both_sizes
    def test_walk(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app_on(), terminal_size=size, run_before=after("v", "enter"))

    def test_fix(self, snap_compare: Compare) -> None:
        keys = ("v", "right", "right", "right")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after(*keys))

    def test_evidence_of_a_step(self, snap_compare: Compare) -> None:
        keys = ("v", "enter", "enter")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after(*keys))

    def test_no_root_cause(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("v", "left"))


class TestProxies:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("envoyfilter-rejected"))
        assert snap_compare(app, terminal_size=size, run_before=after("x"))

    def test_not_connected(self, snap_compare: Compare) -> None:
        app = app_on(seen("istiod-down"))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("x"))

    def test_not_collected(self, snap_compare: Compare) -> None:
        mesh = build.mesh(
            [
                build.pod("client-0"),
                build.pod("istiod-0", "istio-system", labels={"app": "istiod"}, proxy=None)
                | {"status": _RUNNING_ISTIOD},
            ],
            not_read=[NotRead("istiod/istio-system/istiod-0", NotReadStatus.TIMEOUT, "10 s")],
        )
        app = app_on(HandMade(seen=mesh))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("x"))


_RUNNING_ISTIOD = {
    "phase": "Running",
    "containerStatuses": [{"name": "discovery", "state": {"running": {}}}],
}


class TestProxy:
    def test_clusters(self, snap_compare: Compare) -> None:
        app = app_on(seen("service-selector-mismatch"))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("x", "j", "j", "enter"))

    def test_endpoints(self, snap_compare: Compare) -> None:
        app = app_on(seen("outlier-ejection"))
        keys = ("x", "j", "j", "enter", "right", "right", "right", "ctrl+z")
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after(*keys))

    def test_log(self, snap_compare: Compare) -> None:
        app = app_on(seen("service-selector-mismatch"))
        keys = ("x", "j", "j", "l", "ctrl+z")
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after(*keys))

    def test_not_collected(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after("x", "enter"))


class TestIstiodLogs:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("envoyfilter-rejected"))
        assert snap_compare(app, terminal_size=size, run_before=after("l"))

    def test_not_collected(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after("l"))


class TestWebhooks:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("istiod-down"))
        assert snap_compare(app, terminal_size=size, run_before=after("h"))

    def test_not_collected(self, snap_compare: Compare) -> None:
        gap = Unknown("injection-webhook-missing", (MUTATING_WEBHOOK.input,), "forbidden")
        mesh = build.mesh([], unread=[MUTATING_WEBHOOK])
        app = app_on(HandMade(seen=mesh, made=diagnosis(unknown=(gap,))))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("h"))


class TestNamespaces:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("missing-sidecar"))
        assert snap_compare(app, terminal_size=size, run_before=after("n"))

    def test_pods(self, snap_compare: Compare) -> None:
        app = app_on(seen("missing-sidecar"))
        keys = ("n", "slash", *"^shop", "enter", "enter")
        assert snap_compare(app, terminal_size=SMALL, run_before=after(*keys))

    def test_not_collected(self, snap_compare: Compare) -> None:
        mesh = build.mesh([build.pod("client-0")], unread=[NAMESPACE])
        app = app_on(HandMade(seen=mesh, made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("n"))


class TestMtls:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("mtls-conflict"))
        assert snap_compare(app, terminal_size=size, run_before=after("m"))

    def test_filtered_out(self, snap_compare: Compare) -> None:
        keys = ("m", "slash", *"zzz", "enter")
        app = app_on(seen("mtls-conflict"))
        assert snap_compare(app, terminal_size=SMALL, run_before=after(*keys))

    def test_not_collected(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("m"))

    def test_none(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("m"))


class TestWhy403:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(HandMade(seen=lock(), made=diagnosis()))
        assert snap_compare(app, terminal_size=size, run_before=after("a"))

    def test_filtered_out(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=lock(), made=diagnosis()))
        keys = ("a", "slash", *"zzz", "enter")
        assert snap_compare(app, terminal_size=SMALL, run_before=after(*keys))

    def test_not_collected(self, snap_compare: Compare) -> None:
        found = build.mesh([], unread=[AUTHORIZATION_POLICY])
        app = app_on(HandMade(seen=found, made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("a"))

    def test_none(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("a"))


class TestRevisions:
    @both_sizes
    def test_half_way_through_an_upgrade(
        self, snap_compare: Compare, size: tuple[int, int]
    ) -> None:
        app = app_on(HandMade(seen=upgraded(), made=diagnosis()))
        assert snap_compare(app, terminal_size=size, run_before=after("u"))

    def test_left_behind(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=upgraded(), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("u", "right"))

    def test_not_collected(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("u"))


class TestCertificates:
    @both_sizes
    def test_broken(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(seen("root-certificate-mismatch"))
        keys = ("e", "ctrl+z")
        assert snap_compare(app, terminal_size=size, run_before=after(*keys))

    def test_filtered_out(self, snap_compare: Compare) -> None:
        app = app_on(seen("root-certificate-mismatch"))
        keys = ("e", "slash", *"zzz", "enter")
        assert snap_compare(app, terminal_size=SMALL, run_before=after(*keys))

    def test_not_collected(self, snap_compare: Compare) -> None:
        gap = Unknown("root-certificate-mismatch", ("proxies/config_dump.json",), "timeout")
        mesh = build.mesh([build.pod("client-0")], unread=[SECRET])
        app = app_on(HandMade(seen=mesh, made=diagnosis(unknown=(gap,))))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("e"))

    def test_none(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("e"))


class TestTrace:
    @both_sizes
    def test_failing(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(HandMade(seen=recorded("service-selector-mismatch"), made=diagnosis(cause())))
        assert snap_compare(app, terminal_size=size, run_before=after("v", "t"))

    @both_sizes
    def test_delivered(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause("reviews"))))
        assert snap_compare(app, terminal_size=size, run_before=after("v", "t"))

    def test_forbidden(self, snap_compare: Compare) -> None:
        affected = (Affected("Pod shop/client", "ratings:8080"),)
        found = replace(cause(), affected=affected)
        app = app_on(HandMade(seen=locked(), made=diagnosis(found)))
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after("v", "t"))

    def test_unknown_host(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause("rating"))))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("v", "t"))

    def test_not_collected(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=build.mesh([], unread=[POD]), made=diagnosis()))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("t"))

    def test_filtered_out(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=recorded("healthy"), made=diagnosis(cause("reviews"))))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("v", "t", "ctrl+z"))


class TestWindows:
    def test_paste(self, snap_compare: Compare) -> None:
        keys = ("p", *"upstream connect error or disconnect/reset before headers", "enter")
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after(*keys))

    def test_help(self, snap_compare: Compare) -> None:
        keys = ("x", "question_mark")
        assert snap_compare(app_on(), terminal_size=COMFORTABLE, run_before=after(*keys))

    def test_raw(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after("y"))

    @both_sizes
    def test_report(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app_on(), terminal_size=size, run_before=after("w", "down", "f2"))


class TestWithoutColour:
    """Glyphs and words alone tell the states apart."""

    @pytest.fixture(autouse=True)
    def no_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

    def test_overview(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after())

    def test_walk(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after("v", "enter"))

    def test_report(self, snap_compare: Compare) -> None:
        assert snap_compare(app_on(), terminal_size=SMALL, run_before=after("w", "down", "f2"))

    def test_proxies(self, snap_compare: Compare) -> None:
        app = app_on(seen("envoyfilter-rejected"))
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after("x"))

    def test_mtls(self, snap_compare: Compare) -> None:
        app = app_on(seen("mtls-conflict"))
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after("m"))

    def test_trace(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=recorded("service-selector-mismatch"), made=diagnosis(cause())))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("v", "t"))

    def test_why_403(self, snap_compare: Compare) -> None:
        app = app_on(HandMade(seen=lock(), made=diagnosis()))
        assert snap_compare(app, terminal_size=COMFORTABLE, run_before=after("a"))

    def test_certificates(self, snap_compare: Compare) -> None:
        app = app_on(seen("root-certificate-mismatch"))
        assert snap_compare(app, terminal_size=SMALL, run_before=after("e"))
