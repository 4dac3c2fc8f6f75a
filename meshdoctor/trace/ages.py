"""How old a proxy's configuration is, beside the objects that it should follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import parse_time
from meshdoctor.model.trace import Difference

if TYPE_CHECKING:
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.trail import Trail

_FLIGHT = 5.0
"""Seconds that a change may take from the API server to every proxy."""


def age_of(mesh: Snapshot, proxy: Proxy, part: str) -> float | None:
    """Seconds since a proxy took a part of its configuration.

    Args:
        mesh: the snapshot, whose moment is now.
        proxy: which proxy.
        part: a section of the dump (``RoutesConfigDump``) or a listener's name.
    """
    written = proxy.config.updated.get(part) if proxy.config else None
    time = parse_time(written)
    return (mesh.now - time).total_seconds() if time else None


def differs(
    trail: Trail,
    proxy: Proxy,
    text: str,
    objects: tuple[str, ...],
    part: str,
    source: Resource | None,
) -> None:
    """Note a difference; one whose object is so new that the change is still under way is not one.

    Args:
        trail: takes it.
        proxy: which holds something else.
        text: what differs.
        objects: the objects that ask for it.
        part: of the configuration, for its age.
        source: the object that asks for it, where there is one.
    """
    changed = source.changed if source else None
    if changed is not None and (trail.mesh.now - changed).total_seconds() < _FLIGHT:
        return
    age = age_of(trail.mesh, proxy, part)
    evidence = (source.evidence("metadata", "creationTimestamp"),) if source else ()
    trail.differ(Difference(proxy.id, text, objects, age, evidence))
