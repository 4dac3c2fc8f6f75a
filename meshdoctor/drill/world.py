"""The mesh that moves: a recording whose objects can be written, and what becomes of the rest.

The same world is played in the app, where nobody needs a server, and behind ``meshdoctor serve``,
where kubectl writes to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

from meshdoctor.drill.admission_writes import admitted
from meshdoctor.drill.controllers import settled
from meshdoctor.drill.kubelet_jobs import proxy_quits
from meshdoctor.drill.objects import EVENTS, GRPC_ROUTES, JOBS, PODS, Objects, uid_of
from meshdoctor.drill.state import State
from meshdoctor.drill.view import BROKEN_SINCE, NOT_AVAILABLE, Viewer
from meshdoctor.serve.cluster import Cluster
from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.object_store import ChangeType, name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Change, Object
    from meshdoctor.serve.resource_type import Key

_ROOMS = ("proxies/", "ztunnels/")
_ISTIOD_STATE = ("debug/", "metrics.txt")
_UNWATCHED = frozenset({EVENTS})
"""Kinds that no controller and no proxy looks at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How a played mesh stood, to go back to."""

    objects: Objects
    gone: frozenset[str]
    has_changed: bool
    time: datetime


class World:
    """A recording that is being played, with its controllers at work.

    Written to where its cluster lives, in one event loop or one thread; looked at from anywhere.

    Example:
        world = World.from_recording(path)
        LabelEdit(...).apply(world.cluster)
        snapshot = world.snapshot()
    """

    def __init__(self, cluster: Cluster) -> None:
        """Let the controllers follow every write to a cluster from now on.

        Args:
            cluster: as the recording has it.

        Raises:
            RecordingError: the recording has no manifest.
        """
        self.cluster = cluster
        for key in (JOBS, GRPC_ROUTES):
            cluster.assume_empty(key)
        self._viewer = Viewer(cluster.mesh)
        self._objects = self._recorded = Objects(cluster.store.everything())
        self._start = self._recorded
        self._start_mesh = self._viewer.recorded
        self._gone: frozenset[str] = frozenset()
        self._writing = False
        self._changed = False
        self._moment = cluster.now()
        """Of the last write: "now" in a snapshot."""
        self._lock = RLock()
        self.first = self.moment()
        """The beginning: as recorded, or as it was broken."""
        self._unsubscribe: Callable[[], None] = cluster.store.subscribe(self._follow)
        cluster.withhold = self._why_withheld
        cluster.admit = self._admitted
        cluster.on_quit = self._quit_proxy

    @classmethod
    def from_recording(cls, path: Path) -> World:
        """Play a recording, a folder or a ``.tar.gz``.

        Raises:
            RecordingError: nothing can be used.
        """
        return cls(Cluster(Mesh.load(path)))

    def close(self) -> None:
        """Let the controllers rest; what was written stays."""
        self._unsubscribe()

    @property
    def has_changed(self) -> bool:
        """Whether anything was written."""
        return self._changed

    @property
    def objects(self) -> Objects:
        """Every object as it stands."""
        with self._lock:
            return self._objects

    def begin(self) -> None:
        """Take the mesh as it stands for the beginning, once it was broken on purpose."""
        with self._lock:
            self._start = self._objects
            self._start_mesh = self.snapshot()
            self.first = self.moment()

    def reset(self) -> None:
        """Put everything back as it stood at the beginning; watches are told of it.

        What is known of proxies comes back as well, where it was known at the beginning.
        """
        self.go_back(self.first)

    def moment(self) -> Moment:
        """How the mesh stands now."""
        with self._lock:
            return Moment(self._objects, self._gone, self._changed, self._moment)

    def go_back(self, moment: Moment) -> None:
        """Put every object back as it stood; of the recording itself proxies are known again.

        Args:
            moment: of this world.
        """
        with self._lock:
            self._write(moment.objects)
            self._objects, self._gone = moment.objects, moment.gone
            self._changed, self._moment = moment.has_changed, moment.time

    @property
    def start(self) -> Objects:
        """Every object as it stood at the beginning: as recorded, or as it was broken."""
        return self._start

    @property
    def start_snapshot(self) -> Snapshot:
        """The mesh at the beginning; of the recording itself also what was read of proxies."""
        return self._start_mesh

    def snapshot(self) -> Snapshot:
        """The mesh as it stands.

        Until somebody writes it is the recording itself; from then on nothing is known of what
        proxies hold, and the objects have to do. It is the same one until the next write.
        """
        with self._lock:
            if not self._changed:
                return self._viewer.recorded
            why = self._why_unknown
            return self._viewer.snapshot(self._objects, self._moment, self._recorded, why)

    @property
    def _why_unknown(self) -> str:
        """Why nothing is known of what proxies hold, once anything was written."""
        return BROKEN_SINCE if self._objects is self._start else NOT_AVAILABLE

    def state(self, *, at_start: bool = False) -> State:
        """The mesh as controllers see it, as it stands or as it stood at the beginning."""
        with self._lock:
            return self._state(self._start if at_start else self._objects)

    def _state(self, objects: Objects) -> State:
        return State(
            objects=objects,
            recorded=self._recorded,
            now=self.cluster.now(),
            serial=self.cluster.store.version,
            view=lambda objects, now: self._viewer.snapshot(objects, now, self._recorded),
            recorded_mesh=self._viewer.recorded,
            gone=self._gone,
        )

    def _admitted(self, key: Key, item: Object, old: Object | None) -> Object:
        """What the API server stores of a write.

        Raises:
            ApiError: it refuses it.
        """
        with self._lock:
            return admitted(self.state(), key, item, old)

    def _quit_proxy(self, namespace: str, name: str) -> bool:
        """Let a pod's proxy end, as ``/quitquitquit`` does; whether there is such a pod."""
        with self._lock:
            pod = self._objects.get(PODS, namespace, name)
            if pod is None:
                return False
            self.cluster.store.put(PODS, proxy_quits(pod, self.state().timestamp))
            return True

    def settle(self) -> None:
        """Let the controllers work until the mesh is at rest, and write what they did."""
        with self._lock:
            if not self._writing:
                self._settle()

    def _settle(self) -> None:
        after = settled(self._state(self._objects))
        self._gone = after.gone
        self._write(after.objects)

    def _write(self, wanted: Objects) -> None:
        """Write what differs, while the controllers look away."""
        self._writing = True
        try:
            for key, name, item in self._objects.changes(wanted):
                if item is None:
                    self.cluster.store.remove(key, *name)
                else:
                    self.cluster.store.put(key, item)
        finally:
            self._writing = False

    def _follow(self, change: Change) -> None:
        """Take in one write, and let the controllers answer it unless it was theirs."""
        with self._lock:
            self._take_in(change)

    def _take_in(self, change: Change) -> None:
        name = name_of(change.object)
        if change.type is ChangeType.DELETED:
            self._objects = self._objects.remove(change.key, name)
            self._gone |= {uid_of(change.object)}
        else:
            self._objects = self._objects.put(change.key, change.object)
        if change.key in _UNWATCHED:
            return
        self._changed = True
        self._moment = self.cluster.now()
        # With a namespace everything in it goes, piece by piece: nothing of it is made anew.
        if not name[0] or self.cluster.has_namespace(name[0]):
            self.settle()

    def _why_withheld(self, path: str) -> str | None:
        """Why a file of the recording does not count any more; None while it does."""
        if not self._changed:
            return None
        if path.startswith(_ROOMS) and not path.endswith(".log"):
            return self._why_unknown
        room, _, rest = path.partition("/")
        file = rest.partition("/")[2].partition("/")[2]
        if room == "istiod" and file.startswith(_ISTIOD_STATE):
            return self._why_unknown
        return None
