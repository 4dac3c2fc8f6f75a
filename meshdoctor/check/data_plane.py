"""The data plane: proxies are connected to istiod, not too old for it, and can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_state import SETTLING
from meshdoctor.analyze.sync_connections import connections, unread_istiods
from meshdoctor.analyze.upgrade_outdated import versions
from meshdoctor.check.checker import LiveChecker, MeshChecker
from meshdoctor.check.control_plane import absence
from meshdoctor.check.outcome import Result, failed_if, skipped, unknown
from meshdoctor.check.reach import reach
from meshdoctor.intent.control_plane import is_external, ready_istiods
from meshdoctor.model.kinds import DEPLOYMENT, POD
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_status,
    is_finished,
    is_terminating,
)
from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MOST_BEHIND = 1
"""A control plane may be one minor ahead of its proxies (istio.io, support policy)."""


def _living(mesh: Snapshot) -> list[Resource]:
    return [p for p in mesh.proxy_pods if not is_finished(p) and not is_terminating(p)]


def _has_settled(mesh: Snapshot, pod: Resource) -> bool:
    """Whether a proxy runs, and has long enough to be connected."""
    found = container_status(pod, PROXY_CONTAINER)
    running = as_mapping(as_mapping((found or ((), {}))[1].get("state")).get("running"))
    since = parse_time(running.get("startedAt"))
    return since is not None and mesh.now - since > SETTLING


def _connected(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    pods = [p for p in _living(mesh) if not is_external(p, mesh.proxy_of(p))]
    if not pods:
        return skipped("no pod carries a proxy")
    if not ready_istiods(mesh):
        return skipped("no istiod is ready that they could be connected to")
    known = connections(mesh)
    missing = [
        f"{pod} is not connected to istiod"
        for pod in pods
        if f"{pod.name}.{pod.namespace}" not in known and _has_settled(mesh, pod)
    ]
    if missing and (unread := unread_istiods(mesh)):
        return unknown(f"{', '.join(unread)} did not say who is connected")
    connected = sum(f"{pod.name}.{pod.namespace}" in known for pod in pods)
    return failed_if(missing, f"{connected} of {len(pods)} proxies")


def _skewed(mesh: Snapshot) -> Iterator[str]:
    for found in versions(mesh):
        proxy, istiod = found.proxy.version, found.istiod.version
        if istiod.is_older_than(proxy) and proxy.numbers[:2] != istiod.numbers[:2]:
            yield f"{found.pod} runs {proxy.text}, ahead of its istiod ({istiod.text})"
        elif proxy.minors_behind(istiod) > _MOST_BEHIND:
            yield f"{found.pod} runs {proxy.text}, too old for its istiod ({istiod.text})"


def _versions(mesh: Snapshot) -> Result:
    if not _living(mesh):
        return skipped("no pod carries a proxy")
    if not any(True for _ in versions(mesh)):
        return skipped("no proxy's version is known beside its istiod's")
    return failed_if(_skewed(mesh))


def _reached(found: Preflight) -> Result:
    return reach(found.proxy, "proxy")


CHECKERS = (
    MeshChecker(
        id="proxies-connected",
        description="every proxy is connected to an istiod",
        needs=(DEPLOYMENT, POD),
        check=_connected,
    ),
    MeshChecker(
        id="proxies-versions",
        description="proxies are no newer than their istiod, and at most one minor release older",
        warning=True,
        needs=(POD,),
        check=_versions,
    ),
    LiveChecker(
        id="proxy-answers",
        description="a proxy's admin interface can be asked",
        check=_reached,
    ),
)
