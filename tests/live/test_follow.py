"""A mesh is followed: what changes in the cluster changes what is told, and nothing else does."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from meshdoctor.live.options import ClusterOptions, LiveOptions
from meshdoctor.live.source import LiveSource
from meshdoctor.model.kinds import NODE, POD, SERVICE
from meshdoctor.model.source_error import SourceError
from meshdoctor.source import Silence
from tests.live.played import load, playing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Progress
    from tests.live.played import Played

RATINGS = "/api/v1/namespaces/shop/services/ratings"
PODS = "/api/v1/namespaces/shop/pods"
_SOON = 15.0
"""Seconds within which a change has to be told; it usually takes two."""


@dataclass
class Told(Silence):
    """What the follower said."""

    snapshots: list[Snapshot] = field(default_factory=list)
    progresses: list[Progress] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def so_far(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def wants_to_stop(self) -> bool:
        return self.stop.is_set()

    @property
    def beats(self) -> list[Progress]:
        return [one for one in self.progresses if one.stage == "watched"]


@dataclass
class Follower:
    """A source that is followed in a thread of its own, as the app does it."""

    played: Played
    source: LiveSource
    told: Told = field(default_factory=Told)
    error: BaseException | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.told, self.error = Told(), None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        assert self.until(lambda: self.told.beats or self.error)

    def _follow(self) -> None:
        try:
            self.source.follow(self.told)
        except Exception as error:
            self.error = error

    def end(self) -> float:
        """Stop following; how many seconds that took."""
        began = monotonic()
        self.told.stop.set()
        if self._thread is not None:
            self._thread.join(_SOON)
            assert not self._thread.is_alive()
        return monotonic() - began

    def until(self, holds: Callable[[], object]) -> bool:
        """Wait until something holds, but not for ever."""
        end = monotonic() + _SOON
        while monotonic() < end:
            if holds():
                return True
            sleep(0.05)
        return False

    def told_of(self, holds: Callable[[Snapshot], object]) -> bool:
        """Wait for a snapshot of which something holds."""
        return self.until(lambda: any(holds(one) for one in self.told.snapshots))

    def ask(self, method: str, path: str, body: Any = None) -> None:
        """Write to the cluster, as kubectl would."""
        server = self.played.server
        trust = ssl.create_default_context(cadata=server.ca_pem.decode())
        headers = {"Authorization": f"Bearer {server.token}"}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        with httpx.Client(verify=trust, base_url=server.url, headers=headers) as client:
            client.request(method, path, json=body).raise_for_status()

    def select(self, app: str) -> None:
        self.ask("PATCH", RATINGS, {"spec": {"selector": {"app": app}}})

    def watches(self, resource: str) -> int:
        """How often a kind was watched."""
        return sum(
            dict(one.query).get("watch") == "true" and one.path.endswith(f"/{resource}")
            for one in self.played.server.audit.requests
        )


def selector(mesh: Snapshot, name: str = "ratings") -> object:
    service = mesh.catalog.find(SERVICE, "shop", name)
    return service and service.spec.get("selector", {}).get("app")


def reads(mesh: Snapshot, kind: Any) -> str:
    return mesh.catalog.state(kind).value


@pytest.fixture
def follower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    """The mesh whose Service selects nobody, read and followed."""
    monkeypatch.setattr("meshdoctor.live.following._BEAT", 0.5)
    monkeypatch.setattr("meshdoctor.live.following._SETTLE", 0.2)
    monkeypatch.setattr("meshdoctor.collect.retry._FIRST", 0.02)
    with playing(load("service-selector-mismatch"), tmp_path) as played:
        cluster = ClusterOptions(kubeconfig=str(played.kubeconfig), request_timeout=2.0)
        source = LiveSource(LiveOptions(cluster=cluster))
        source.read(Silence())
        follower = Follower(played, source)
        yield follower
        follower.end()


def test_a_mended_object_is_told_within_seconds(follower: Follower) -> None:
    follower.start()
    follower.select("ratings")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")
    follower.select("nobody")
    assert follower.told_of(lambda mesh: selector(mesh) == "nobody")
    assert follower.error is None


def test_it_tells_nothing_while_nothing_changes(follower: Follower) -> None:
    follower.start()
    assert follower.until(lambda: len(follower.told.beats) >= 3)
    assert follower.told.snapshots == []
    beat = follower.told.beats[-1]
    assert beat.done == beat.total
    assert beat.done > 20


def test_a_deleted_pod_takes_its_proxy_along(follower: Follower) -> None:
    follower.start()
    gone = _pod(follower, "reviews-v2")["metadata"]["name"]
    follower.ask("DELETE", f"{PODS}/{gone}")
    assert follower.told_of(lambda mesh: f"{gone}.shop" not in mesh.proxies)
    mesh = follower.told.snapshots[-1]
    assert mesh.catalog.find(POD, "shop", gone) is None
    assert not [item for item in mesh.not_read if gone in item.what]
    assert len(mesh.proxies) == 6


def test_a_new_pod_is_asked_once_it_runs_and_said_when_it_is_silent(follower: Follower) -> None:
    follower.start()
    pod = _pod(follower, "web")
    pod["metadata"] = {
        "name": "web-new",
        "namespace": "shop",
        "labels": pod["metadata"]["labels"],
        "annotations": pod["metadata"].get("annotations", {}),
    }
    follower.played.server.audit.clear()
    follower.ask("POST", PODS, pod)
    assert follower.told_of(lambda mesh: mesh.catalog.find(POD, "shop", "web-new"))
    follower.ask("PATCH", f"{PODS}/web-new/status", {"status": pod["status"]})
    assert follower.told_of(
        lambda mesh: any(item.what.startswith("proxies/shop/web-new") for item in mesh.not_read)
    )
    # The others hold what they held: only istiod and the new pod are asked.
    asked = follower.played.forwarded | follower.played.executed
    assert {name.partition("/")[2].rpartition("-")[0] for name in asked} <= {
        "web",
        "istiod-5569d66fcc",
    }


def _pod(follower: Follower, prefix: str) -> dict[str, Any]:
    lists = follower.played.server.mesh.objects
    pods = next(one for one in lists if (one.group, one.plural) == ("", "pods"))
    found = next(one for one in pods.items if one["metadata"]["name"].startswith(prefix))
    copy: dict[str, Any] = json.loads(json.dumps(found))
    return copy


@pytest.mark.parametrize(
    "fault",
    [
        "drop:watch:services:after=500ms",
        "garbage:watch:services:2",
        "status:410:watch:services:1",
        "reset:watch:services:2",
    ],
)
def test_a_watch_that_breaks_is_opened_again(fault: str, follower: Follower) -> None:
    follower.played.server.audit.clear()
    follower.played.server.faults.set(fault)
    follower.start()
    assert follower.until(lambda: follower.watches("services") >= 2)
    follower.select("ratings")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")
    assert follower.error is None
    assert follower.played.server.audit.writes()[0].path == RATINGS
    assert len(follower.played.server.audit.writes()) == 1


def test_a_change_that_no_watch_saw_is_found_by_listing_again(follower: Follower) -> None:
    follower.played.server.faults.set("reset:watch:services")
    follower.start()
    follower.select("ratings")
    follower.played.server.faults.set("status:410:watch:services:1")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")


def test_a_kind_that_may_not_be_watched_stays_as_it_was_read(follower: Follower) -> None:
    follower.played.server.faults.set("deny:watch:nodes")
    follower.start()
    follower.select("ratings")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")
    mesh = follower.told.snapshots[-1]
    assert [item.status for item in mesh.not_read if item.what.startswith("watch/")] == ["denied"]
    assert reads(mesh, NODE) == "read"
    beat = follower.told.beats[-1]
    assert beat.total == beat.done + 1


def test_where_nothing_may_be_watched_it_says_so_and_ends(follower: Follower) -> None:
    follower.played.server.faults.set("deny:watch:*")
    follower.start()
    assert follower.until(lambda: follower.error)
    assert isinstance(follower.error, SourceError)
    assert str(follower.error).startswith("nothing can be watched: kubernetes/")
    assert "forbidden" in str(follower.error)


@pytest.mark.parametrize("fault", ["reset:*", "status:401:*"])
def test_a_lost_cluster_is_said_and_can_be_followed_again(fault: str, follower: Follower) -> None:
    follower.start()
    follower.played.server.faults.set(fault)
    assert follower.until(lambda: follower.error)
    assert isinstance(follower.error, SourceError)
    assert follower.played.server.url in str(follower.error)
    beats = len(follower.told.beats)
    sleep(1.0)
    assert len(follower.told.beats) == beats
    follower.played.server.faults.clear()
    follower.start()
    follower.select("ratings")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")


def test_a_server_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshdoctor.live.following._BEAT", 0.5)
    with playing(load("healthy"), tmp_path) as played:
        cluster = ClusterOptions(kubeconfig=str(played.kubeconfig), request_timeout=2.0)
        source = LiveSource(LiveOptions(cluster=cluster))
        source.read(Silence())
        follower = Follower(played, source)
        follower.start()
    assert follower.until(lambda: follower.error)
    assert isinstance(follower.error, SourceError)
    assert "connection refused" in str(follower.error)


def test_it_stops_at_once_even_while_pods_are_silent(follower: Follower) -> None:
    follower.start()
    follower.played.server.faults.set("silent:istiod", "silent:proxy")
    follower.select("ratings")
    assert follower.told_of(lambda mesh: selector(mesh) == "ratings")
    assert follower.until(lambda: follower.played.forwarded)
    assert follower.end() < 1.5


def test_what_was_never_read_cannot_be_followed(tmp_path: Path) -> None:
    cluster = ClusterOptions(kubeconfig=str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="read the cluster first"):
        LiveSource(LiveOptions(cluster=cluster)).follow(Silence())
