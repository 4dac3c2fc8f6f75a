"""Which changes explain a root cause that was not there before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.diff.change import Change, Explained, ObjectChange
from meshdoctor.model.kinds import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.snapshot import Snapshot

_NEVER = float("inf")
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_NAME = re.compile(r'"?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"?')
_SAYS_NOTHING = frozenset({"default", "enabled", "disabled", "true", "false", "istio"})
"""Values that many objects have, whatever they are for."""
_BEHIND = 4.5
"""How far what controllers wrote stands behind what a person wrote: an effect, no cause."""
ITSELF = "the object to mend"
TAKES_PART = "it takes part in the root cause"
IN_EVIDENCE = "the evidence stands in it"
NAMES_IT = "it names an object of the root cause, or its host"
GONE = "it is gone, and the evidence names what it was for"
SAME_NAMESPACE = "it is in the same namespace"
ELSEWHERE = "it changed too"
_ORDER = (ITSELF, TAKES_PART, IN_EVIDENCE, NAMES_IT, GONE, SAME_NAMESPACE, ELSEWHERE)


def explain(
    cause: RootCause, changes: Iterable[ObjectChange], new: Snapshot, *, known_before: bool = True
) -> Explained:
    """Rank changes by how near they are to a root cause, then the newest first.

    Args:
        cause: a root cause of the mesh as it is now.
        changes: what changed since it worked.
        new: the mesh as it is now.
        known_before: whether the mesh before could tell that it was not there.
    """
    near = _Near(cause, new)
    ranked = [(near.why(change), change) for change in changes]
    ranked.sort(key=lambda item: near.key(*item))
    return Explained(cause, tuple((change, why) for why, change in ranked), known_before)


class _Near:
    """How a change has to do with one root cause."""

    def __init__(self, cause: RootCause, mesh: Snapshot) -> None:
        self._objects = {name: place for place, name in reversed(list(enumerate(cause.objects)))}
        self._evidence = _objects_in_evidence(cause, mesh)
        self._said = {
            item.excerpt.strip('"') for item in cause.evidence if _NAME.fullmatch(item.excerpt)
        } - _SAYS_NOTHING
        parties = [*cause.objects, *(item.source for item in cause.affected)]
        self._namespaces = {namespace for name in parties if (namespace := _namespace(name))}
        hosts = {item.to.rpartition(":")[0] or item.to for item in cause.affected}
        self._names = {name.rpartition("/")[2].rpartition(" ")[2] for name in cause.objects}
        self._hosts = {*hosts, *(host.partition(".")[0] for host in hosts if host)}

    def why(self, change: ObjectChange) -> str:
        """The nearest tie there is."""
        place = self._objects.get(change.object)
        if place is not None:
            return ITSELF if place == 0 else TAKES_PART
        if change.object in self._evidence:
            return IN_EVIDENCE
        near = not change.namespace or change.namespace in self._namespaces
        if change.words & self._hosts or (near and change.words & self._names):
            return NAMES_IT
        if change.change is Change.REMOVED and change.words & self._said:
            return GONE
        return SAME_NAMESPACE if change.namespace in self._namespaces else ELSEWHERE

    def key(self, why: str, change: ObjectChange) -> tuple[float, int, bool, int, float, str]:
        """Sorts: people before controllers, mere restarts last, else the newest first."""
        age = -change.at.timestamp() if change.at else _NEVER
        return (
            _ORDER.index(why) + (_BEHIND if change.derived else 0),
            self._objects.get(change.object, 0),
            _only_restarts(change),
            0 if change.at else 1,
            age,
            change.object,
        )


def _only_restarts(change: ObjectChange) -> bool:
    """Whether nothing of it changed but that its pods were made anew."""
    return bool(change.fields) and all(
        _RESTARTED in field.path or field.path.startswith("status") for field in change.fields
    )


def _namespace(text: str) -> str:
    namespace, slash, _ = text.partition(" ")[2].partition("/")
    return namespace if slash else ""


def _objects_in_evidence(cause: RootCause, mesh: Snapshot) -> set[str]:
    """The objects that the evidence's pointers lead into."""
    wanted: dict[str, set[str]] = {}
    for item in cause.evidence:
        parts = (item.pointer or "").split("/")
        if len(parts) > 2 and parts[1] == "items":
            wanted.setdefault(item.source, set()).add("/".join(parts[:3]))
    return {
        str(resource)
        for kind in ALL
        for resource in mesh.catalog.of(kind)
        if resource.pointer in wanted.get(resource.source, ())
    }
