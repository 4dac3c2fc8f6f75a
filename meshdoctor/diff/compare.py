"""Compare two snapshots of a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.diff.certificates import certificate_changes
from meshdoctor.diff.change import Comparison
from meshdoctor.diff.explain import explain
from meshdoctor.diff.objects import COMPARED, object_changes
from meshdoctor.diff.proxies import proxy_changes
from meshdoctor.model.diagnosis import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.diff.change import ObjectChange, ProxyChange
    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.snapshot import Snapshot


def compare(
    old: Snapshot,
    new: Snapshot,
    namespaces: tuple[str, ...] = (),
    diagnosed: Callable[[Snapshot, Scope], Diagnosis] = diagnose,
) -> Comparison:
    """What changed from one snapshot to another.

    Args:
        old: the mesh before, when it worked perhaps.
        new: the mesh after.
        namespaces: what to look at; empty for everything. Cluster-scoped objects always count.
        diagnosed: gives a snapshot's diagnosis, where one has been made already.
    """
    scope = Scope(namespaces=namespaces)
    first, second = diagnosed(old, scope), diagnosed(new, scope)
    before = {_key(cause): cause for cause in first.root_causes}
    after = {_key(cause): cause for cause in second.root_causes}
    unknown_before = {item.id for item in first.unknown}
    unknown_after = {item.id for item in second.unknown}
    left = [cause for key, cause in before.items() if key not in after]
    objects = object_changes(old, new)
    seen = tuple(change for change in objects if _is_in(change, namespaces))
    missing = _not_compared(old, new)
    return Comparison(
        old=old.about,
        new=new.about,
        # A change in a namespace that was not asked about may explain one that was.
        explained=tuple(
            explain(cause, objects, new, known_before=cause.id not in unknown_before)
            for key, cause in after.items()
            if key not in before
        ),
        gone=tuple(cause for cause in left if cause.id not in unknown_after),
        untold=tuple(cause for cause in left if cause.id in unknown_after),
        still=tuple(cause for key, cause in after.items() if key in before),
        objects=seen,
        proxies=tuple(item for item in proxy_changes(old, new) if _proxy_in(item, namespaces)),
        certificates=certificate_changes(old, new),
        not_compared=tuple((kind, side) for kind, side, _ in missing),
        incomplete=any(needed for _, _, needed in missing),
    )


def _key(cause: RootCause) -> tuple[str, str]:
    return cause.id, cause.objects[0] if cause.objects else ""


def _is_in(change: ObjectChange, namespaces: tuple[str, ...]) -> bool:
    return not namespaces or not change.namespace or change.namespace in namespaces


def _proxy_in(change: ProxyChange, namespaces: tuple[str, ...]) -> bool:
    namespace = change.proxy.partition(" ")[2].partition("/")[0]
    return not namespaces or namespace in namespaces


def _not_compared(old: Snapshot, new: Snapshot) -> list[tuple[str, str, bool]]:
    """Kinds and proxies that one side lacks: input, which side, and whether it is needed."""
    found: list[tuple[str, str, bool]] = []
    for kind in COMPARED:
        sides = [not old.catalog.known(kind), not new.catalog.known(kind)]
        if any(sides):
            where = "both" if all(sides) else ("the first" if sides[0] else "the second")
            found.append((kind.input, where, kind.needed))
    for mesh, where in ((old, "the first"), (new, "the second")):
        unread = sum(1 for pod in mesh.proxy_pods if not _has_config(mesh, pod.name, pod.namespace))
        if unread:
            found.append((f"configuration of {unread} proxies", where, True))
    return found


def _has_config(mesh: Snapshot, pod: str, namespace: str) -> bool:
    proxy = mesh.proxies.get(f"{pod}.{namespace}")
    return proxy is not None and proxy.config is not None
