"""Running proxies that no istiod knows although their own istiod is ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_state import SETTLING, State, condition
from meshdoctor.analyze.sync_connections import all_connections_known, connections
from meshdoctor.analyze.sync_reach_log import Report, Way, report
from meshdoctor.intent.control_plane import controller_of, plane_of, ready_pods
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_runs,
    container_status,
    is_finished,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_STARTING = timedelta(seconds=10)
"""A proxy gets its certificate and connects within a second or two."""
_STALE_WORD = timedelta(minutes=10)
"""How old the last word of a log may be where istiod itself was not read."""


def _became_ready(pod: Resource) -> list[object]:
    conditions = [as_mapping(item) for item in as_list(pod.status.get("conditions"))]
    return [item.get("lastTransitionTime") for item in conditions if item.get("type") == "Ready"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A running proxy that no istiod which was read knows, though its istiod is ready."""

    mesh: Snapshot
    pod: Resource
    proxy: Proxy | None
    plane: ControlPlane
    report: Report | None
    """None when the log was not read."""
    certain: bool
    """Whether every istiod was read, so that it is connected to none."""

    @property
    def id(self) -> str:
        """The proxy's id, ``pod.namespace``."""
        return f"{self.pod.name}.{self.pod.namespace}"

    @property
    def workload(self) -> str:
        """What owns its pod."""
        return str(self.mesh.workloads.owning(self.pod))

    @property
    def istiod(self) -> str:
        """What runs its istiod."""
        return controller_of(self.mesh, self.plane)

    @property
    def says_so(self) -> bool:
        """Whether its log says, lately, that it cannot get through."""
        line = self.report.line if self.report and self.report.way is Way.UNREACHABLE else None
        if line is None:
            return False
        return self.certain or (line.time or self.mesh.now) >= self.mesh.now - _STALE_WORD

    @property
    def istiod_is_new(self) -> bool:
        """Whether istiod became ready so lately that proxies may still wait to try again."""
        times = [
            time
            for pod in ready_pods(self.plane)
            for text in _became_ready(pod)
            if (time := parse_time(text))
        ]
        return bool(times) and all(self.mesh.now - time <= SETTLING for time in times)

    @property
    def is_young(self) -> bool:
        """Whether the pod itself was only just created."""
        return self.pod.created is not None and self.mesh.now - self.pod.created <= SETTLING

    @property
    def is_starting(self) -> bool:
        """Whether the proxy's container has run for so short a time that it cannot be through."""
        found = container_status(self.pod, PROXY_CONTAINER)
        state = as_mapping(as_mapping(found[1].get("state")).get("running")) if found else {}
        since = parse_time(state.get("startedAt"))
        return since is not None and self.mesh.now - since <= _STARTING


def lost_proxies(mesh: Snapshot) -> Iterator[Lost]:
    """Those of which it is worth asking what keeps them from their istiod."""
    known, certain = connections(mesh), all_connections_known(mesh)
    for pod in mesh.proxy_pods:
        if (
            f"{pod.name}.{pod.namespace}" in known
            or is_finished(pod)
            or is_terminating(pod)
            or not container_runs(pod, PROXY_CONTAINER)
        ):
            continue
        proxy = mesh.proxy_of(pod)
        plane = plane_of(mesh, pod, proxy)
        if plane is None or condition(mesh, plane).state is not State.READY:
            # No istiod at all, or one that is down: other findings say so.
            continue
        said = report(proxy.log) if proxy and proxy.log else None
        yield Lost(mesh, pod, proxy, plane, said, certain)
