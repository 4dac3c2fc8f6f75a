"""Which resources are served, and which of them cannot be answered from the recording.

What the recording lacks must stay unknown to whoever asks: a list that was denied is refused with
403, one that is missing with 501, and only a kind whose CRD is not there is a plain 404.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import ALL, BY_GROUP_AND_PLURAL, CRD, Kind
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.serve.builtin_types import BUILTIN, METRICS
from meshdoctor.serve.custom_types import custom_type, undefined_type
from meshdoctor.serve.mesh import CORE, Mesh, ObjectList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.serve.resource_type import Key, ResourceType

ABSENT = "not in the recording"
CRD_KEY: Key = (CRD.group, CRD.plural)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All resources by group and plural."""

    types: Mapping[Key, ResourceType]

    def find(self, group: str, version: str, plural: str) -> ResourceType | None:
        """The resource of a path; None where nothing is served.

        Args:
            group: empty for the core group.
            version: one of the served ones.
            plural: its name in the path.
        """
        found = self.types.get((group, plural))
        return found if found is not None and version in found.versions else None

    def groups(self) -> dict[str, list[str]]:
        """API groups and their versions, the preferred first; the core group is the empty one."""
        groups: dict[str, list[str]] = {}
        for one in self.types.values():
            versions = groups.setdefault(one.group, [])
            versions.extend(version for version in one.versions if version not in versions)
        return {group: groups[group] for group in sorted(groups)}

    def of_version(self, group: str, version: str) -> list[ResourceType]:
        """The resources of one group and version, by name."""
        found = (one for one in self.types.values() if one.group == group)
        return sorted((o for o in found if version in o.versions), key=lambda one: one.plural)


def _told(mesh: Mesh) -> dict[Key, NotRead]:
    """What the recorder said of lists it could not read, or not whole."""
    told: dict[Key, NotRead] = {}
    for error in mesh.errors:
        parts = error.what.removesuffix(".json").split("/")
        if parts[0] == "kubernetes" and len(parts) in (3, 4):
            told["" if parts[1] == CORE else parts[1], parts[-1]] = error
    return told


def _lists(mesh: Mesh) -> dict[Key, list[ObjectList]]:
    lists: dict[Key, list[ObjectList]] = {}
    for one in mesh.objects:
        lists.setdefault((one.group, one.plural), []).append(one)
    return lists


def _versions(lists: Iterable[ObjectList]) -> list[str]:
    return [one.version for one in lists]


def _items(lists: Iterable[ObjectList]) -> list[Mapping[str, Any]]:
    return [item for one in lists for item in one.items]


def _defined(
    lists: Mapping[Key, list[ObjectList]], crds: Iterable[Mapping[str, Any]]
) -> Iterator[ResourceType]:
    for crd in crds:
        plural, _, group = str(crd["metadata"]["name"]).partition(".")
        recorded = lists.get((group, plural), [])
        found = custom_type(crd, _versions(recorded), _items(recorded))
        if found is not None:
            yield found


def _kind_key(kind: Kind) -> Key:
    return "" if kind.group == CORE else kind.group, kind.plural


def _undefined(mesh: Mesh, lists: Mapping[Key, list[ObjectList]]) -> Iterator[ResourceType]:
    """Resources that no recorded CRD defines: other lists, and kinds that may well be there."""
    defined = {str(item["metadata"]["name"]) for item in _items(lists.get(CRD_KEY, []))}
    for (group, plural), recorded in lists.items():
        # A resource whose CRD was recorded goes with its CRD.
        if f"{plural}.{group}" not in defined:
            first = recorded[0]
            yield undefined_type(group, first.version, plural, first.kind, first.items)
    if CRD_KEY in lists:
        return
    told = _told(mesh)
    for kind in ALL:
        error = told.get(_kind_key(kind))
        if kind.custom and (error is None or error.status is not NotReadStatus.NOT_INSTALLED):
            yield undefined_type(kind.group, "v1", kind.plural, kind.name, ())


def _namespaces(lists: Iterable[ObjectList]) -> frozenset[str]:
    return frozenset(str(item["metadata"].get("namespace") or "") for item in _items(lists))


def _judged(
    one: ResourceType, lists: Mapping[Key, list[ObjectList]], told: Mapping[Key, NotRead]
) -> ResourceType:
    """The resource with the versions it was recorded in, and with what is not known of it."""
    recorded, error = lists.get(one.key), told.get(one.key)
    if recorded is not None:
        if not one.custom and recorded[0].version not in one.versions:
            one = replace(one, versions=tuple(_versions(recorded)))
        if error is None:
            return one
        return replace(one, unread=error, read_namespaces=_namespaces(recorded))
    known = BY_GROUP_AND_PLURAL.get((one.group or CORE, one.plural))
    what = known.input if known else f"kubernetes/{one.group or CORE}/{one.plural}"
    absent = NotRead(what, NotReadStatus.FAILED, ABSENT)
    # ``kubectl get all`` would fail for what hardly anybody asks about.
    categories = one.categories if known is None or known.needed else ()
    return replace(one, unread=error or absent, categories=categories)


def make_catalog(mesh: Mesh, crds: Iterable[Mapping[str, Any]]) -> Catalog:
    """Find out what is served.

    Args:
        mesh: the recording.
        crds: the CustomResourceDefinitions as they stand now.
    """
    lists, told = _lists(mesh), _told(mesh)
    types: dict[Key, ResourceType] = {}
    recorded_crds = {
        (group, plural)
        for item in _items(lists.get(CRD_KEY, []))
        for plural, _, group in [str(item["metadata"]["name"]).partition(".")]
    }
    for one in _undefined(mesh, lists):
        types[one.key] = _judged(one, lists, told)
    for one in BUILTIN.values():
        types[one.key] = _judged(one, lists, told)
    types |= {key: _judged(one, lists, told) for key, one in METRICS.items() if key in lists}
    for one in _defined(lists, crds):
        # A CRD that was created here has no objects yet, and that is known.
        types[one.key] = _judged(one, lists, told) if one.key in recorded_crds else one
    return Catalog(types)
