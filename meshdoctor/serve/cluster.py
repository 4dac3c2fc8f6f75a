"""The mesh as it is played: the recording, a clock, and objects that can be written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import NAMESPACE, POD
from meshdoctor.serve.builtin_types import BUILTIN
from meshdoctor.serve.catalog import ABSENT, CRD_KEY, Catalog, make_catalog
from meshdoctor.serve.clock import Clock
from meshdoctor.serve.object_store import Change, ChangeType, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshdoctor.serve.mesh import Mesh
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

POD_KEY = ("", POD.plural)
NAMESPACE_KEY = ("", NAMESPACE.plural)


def _nothing(path: str) -> str | None:
    """Nothing is withheld."""
    del path
    return None


def _as_written(key: Key, item: Object, old: Object | None) -> Object:
    """Everything is let in as it is."""
    del key, old
    return item


def _unmoved(namespace: str, name: str) -> bool:
    """Nothing happens to a pod."""
    del namespace, name
    return False


def _last_version(mesh: Mesh) -> int:
    """The newest resourceVersion in a recording: what it is true at."""
    newest = max((one.resource_version for one in mesh.objects), default=0)
    for one in mesh.objects:
        for item in one.items:
            written = str(item["metadata"].get("resourceVersion") or "")
            newest = max(newest, int(written) if written.isdecimal() else 0)
    return newest


class Cluster:
    """What the server answers from. Lives in one event loop; not for other threads."""

    def __init__(self, mesh: Mesh) -> None:
        """Start at the time the recording was taken.

        Args:
            mesh: the recording.
        """
        self.mesh = mesh
        self.clock = Clock(mesh.captured_at)
        self.store = ObjectStore(_last_version(mesh))
        for one in mesh.objects:
            self.store.fill((one.group, one.plural), one.items)
        self._empty: frozenset[Key] = frozenset()
        self._catalog = make_catalog(mesh, self.store.all(CRD_KEY))
        self.store.subscribe(self._follow)
        self.withhold: Callable[[str], str | None] = _nothing
        """Why a file does not count any more, by its path: the seam for what moves the mesh."""
        self.admit: Callable[[Key, Object, Object | None], Object] = _as_written
        """What is stored of a write, by resource, object and what it replaces: the seam for
        admission, which raises ``ApiError`` where it refuses."""
        self.on_quit: Callable[[str, str], bool] = _unmoved
        """What becomes of a pod whose proxy is told to quit, by namespace and name."""

    @property
    def catalog(self) -> Catalog:
        """The resources that are served now."""
        return self._catalog

    def assume_empty(self, key: Key) -> None:
        """Serve a resource that the recorder never asked for as one that has no objects.

        What it asked for in vain stays unknown.

        Args:
            key: the resource.
        """
        found = self._catalog.types.get(key)
        if found is not None and found.unread is not None and found.unread.reason == ABSENT:
            self._empty |= {key}
            self.store.fill(key, ())
            self._catalog = self._made_catalog()

    def _made_catalog(self) -> Catalog:
        made = make_catalog(self.mesh, self.store.all(CRD_KEY))
        known = {
            key: BUILTIN.get(key) or replace(made.types[key], unread=None)
            for key in self._empty & made.types.keys()
        }
        return Catalog({**made.types, **known})

    def now(self) -> datetime:
        """The server's clock."""
        return self.clock.now()

    def file(self, path: str) -> bytes | None:
        """A file of the recording; None where it has none, or where it is withheld."""
        return None if self.withhold(path) is not None else self.mesh.files.get(path)

    def problem(self, path: str) -> str | None:
        """Why this file could not be read, or is withheld; None where nothing was noted."""
        return self.withhold(path) or self.mesh.problem(path)

    def withheld(self, path: str) -> bool:
        """Whether a file does not count any more, though its pod may well answer."""
        return self.withhold(path) is not None

    def pod(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The pod as it stands now; None where there is none."""
        return self.store.get(POD_KEY, namespace, name)

    def quit_proxy(self, namespace: str, name: str) -> bool:
        """Let a pod's proxy end; False where nobody moves the mesh."""
        return self.on_quit(namespace, name)

    def has_namespace(self, name: str) -> bool:
        """Whether objects may be created in a namespace; where none was read, in any."""
        if self._catalog.types[NAMESPACE_KEY].unread is not None:
            return True
        return self.store.get(NAMESPACE_KEY, "", name) is not None

    def _follow(self, change: Change) -> None:
        """What goes with a namespace or a CRD when it goes, and what comes with a CRD."""
        name = str(change.object["metadata"]["name"])
        if change.key == CRD_KEY:
            plural, _, group = name.partition(".")
            key = (group, plural)
            if change.type is ChangeType.DELETED and key not in BUILTIN:
                self.store.remove_all(key=key)
            self._catalog = self._made_catalog()
        elif change.key == NAMESPACE_KEY and change.type is ChangeType.DELETED:
            self.store.remove_all(namespace=name)
