"""A played mesh as a Snapshot: what analyzers, intent and the walk read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.mesh_reload import reloaded
from meshdoctor.drill.objects import PODS, Objects, key_of, labels_of
from meshdoctor.model.kinds import ALL, CONFIG_MAP, Kind
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.resource import Resource, as_mapping
from meshdoctor.recording.archive import Entry, RecordingError
from meshdoctor.recording.assembly import Assembly
from meshdoctor.recording.completeness import Absent
from meshdoctor.recording.joining import access_format, joined
from meshdoctor.recording.layout import MANIFEST, place_of
from meshdoctor.recording.reader import read_entries
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.recording.archive import Problem
    from meshdoctor.recording.manifest import Manifest
    from meshdoctor.serve.mesh import Mesh
    from meshdoctor.serve.object_store import Name, Object

NOT_AVAILABLE = "not available since your change"
"""Why nothing is known of a proxy once anything was written: its dump shows the mesh before."""
BROKEN_SINCE = "not available: the drill broke this mesh after it was recorded"
"""The same where nobody but the drill wrote."""
_DROPPED = ("managedFields", "selfLink", "uid", "resourceVersion")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MESH_FILE = "debug/mesh.json"


@dataclass(frozen=True, slots=True)
class _InMemory:
    """The files of a recording that has been read, as an archive."""

    mesh: Mesh
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        return self.mesh.name

    def names(self) -> list[str]:
        return sorted(self.mesh.files)

    def entries(self) -> Iterator[Entry]:
        for path in sorted(self.mesh.files):
            if place_of(path) is not None:
                yield Entry(path, self.mesh.files[path])


def _trimmed(item: Object) -> dict[str, Any]:
    """An object as the reader of recordings keeps it: without what is never evidence."""
    metadata = {k: v for k, v in as_mapping(item.get("metadata")).items() if k not in _DROPPED}
    if isinstance(metadata.get("annotations"), dict):
        metadata["annotations"] = {
            k: v for k, v in metadata["annotations"].items() if k != _LAST_APPLIED
        }
    return {**item, "metadata": metadata}


class Viewer:
    """Makes Snapshots of one played mesh; remembers the kinds that did not change."""

    def __init__(self, mesh: Mesh) -> None:
        """Read the recording.

        Args:
            mesh: the recording that is played.

        Raises:
            RecordingError: there is no manifest in it.
        """
        self._assembly = Assembly()
        self._archive = _InMemory(mesh)
        manifest = read_entries(self._archive, self._assembly)
        if manifest is None:
            raise RecordingError(f"{mesh.name} is not a meshdoctor recording: no {MANIFEST} in it")
        self._manifest: Manifest = manifest
        self._read_logs()
        self.recorded: Snapshot = joined(
            self._assembly,
            manifest.about,
            mesh.errors,
            absent=Absent("not in the recording"),
            wanted=manifest.wants,
        )
        self._kept: dict[Kind, tuple[Mapping[Name, Object], tuple[Resource, ...]]] = {}
        self._latest: tuple[Objects, datetime, str, Snapshot] | None = None

    def _read_logs(self) -> None:
        """Proxy logs are read anew where the mesh writes them in a form of its own."""
        from meshdoctor.parse.proxy_log import read_proxy_log

        written = access_format(self._assembly)
        for (namespace, pod), parts in self._assembly.proxies.items():
            data = self._archive.mesh.files.get(f"proxies/{namespace}/{pod}/istio-proxy.log")
            if written is not None and data is not None:
                parts["log"] = read_proxy_log(data, written, 1)

    def snapshot(
        self, objects: Objects, now: datetime, recorded: Objects, why: str = NOT_AVAILABLE
    ) -> Snapshot:
        """The mesh as its objects stand, without a word of what proxies held before.

        Args:
            objects: as they stand.
            now: the moment, for every age.
            recorded: as they stood in the recording.
            why: nothing is known of what proxies hold.
        """
        kept = self._latest
        if kept is not None and kept[0] is objects and kept[1:3] == (now, why):
            return kept[3]
        assembly = Assembly(failed_kinds=set(self._assembly.failed_kinds))
        for kind in ALL:
            items = objects.by_key.get(key_of(kind))
            if items is not None:
                version = self._assembly.resources.get(kind, ("v1", ()))[0]
                assembly.resources[kind] = (version, self._resources(kind, version, items, objects))
        self._add_istiods(assembly, objects, recorded)
        made = joined(
            assembly,
            replace(self._manifest.about, captured_at=now),
            (*_still_unread(self._archive.mesh.errors), *_told(assembly, why)),
            absent=Absent(why),
        )
        self._latest = (objects, now, why, made)
        return made

    def _resources(
        self, kind: Kind, version: str, items: Mapping[Name, Object], objects: Objects
    ) -> tuple[Resource, ...]:
        kept = self._kept.get(kind)
        if kept is not None and kept[0] is items:
            return kept[1]
        source = f"kubernetes/{kind.group}/{version}/{kind.plural}.json"
        made = tuple(
            Resource(kind, *name_of(item), _trimmed(item), source, f"/items/{index}")
            for index, item in enumerate(objects.all(key_of(kind)))
        )
        self._kept[kind] = (items, made)
        return made

    def _add_istiods(self, assembly: Assembly, objects: Objects, recorded: Objects) -> None:
        """Of istiod, its mesh configuration alone: it reloads that by itself."""
        known = [parts for parts in self._assembly.istiods.values() if "mesh" in parts]
        for pod in objects.all(PODS):
            if labels_of(pod).get("app") != "istiod" or not known:
                continue
            namespace, name = name_of(pod)
            own = self._assembly.istiods.get((namespace, name), known[0])
            settings = own.get("mesh", known[0]["mesh"])
            revision = labels_of(pod).get("istio.io/rev", "default")
            config = "istio" if revision == "default" else f"istio-{revision}"
            place = (namespace, config)
            made = reloaded(settings, _written(recorded, place), _written(objects, place))
            assembly.istiods[namespace, name] = {"mesh": made}
            if "version" in own:
                assembly.istiods[namespace, name]["version"] = own["version"]


def _written(objects: Objects, place: Name) -> object:
    """The text of a mesh ConfigMap; None where there is none."""
    item = objects.get(key_of(CONFIG_MAP), *place)
    return as_mapping(item.get("data")).get("mesh") if item is not None else None


def _still_unread(errors: tuple[NotRead, ...]) -> tuple[NotRead, ...]:
    """What the recorder could not read of the API: what pods said is not asked for any more."""
    return tuple(error for error in errors if error.what.startswith("kubernetes/"))


def _told(assembly: Assembly, why: str) -> tuple[NotRead, ...]:
    """One line for what istiods say of their proxies."""
    return tuple(
        NotRead(f"istiod/{namespace}/{pod}/debug/syncz.json", NotReadStatus.FAILED, why)
        for namespace, pod in sorted(assembly.istiods)
    )
