"""The row of a pod: its status is no field of it but a story told by its containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_mapping, parse_time
from meshdoctor.serve.durations import human_duration
from meshdoctor.serve.table_columns import (
    NONE,
    Cells,
    Object,
    Printer,
    at,
    created,
    items_at,
    name_of,
    number_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.serve.resource_type import Key

_UNREACHABLE = "NodeLost"


@dataclass(slots=True)
class _Tally:
    """What is known when all containers were looked at (printPod)."""

    reason: str
    total: int
    ready: int = 0
    restarts: int = 0
    last_restart: datetime | None = None
    init_restarts: int = 0
    init_last: datetime | None = None
    sidecars: dict[str, Any] = field(default_factory=dict)

    def restarted(self, status: Mapping[str, Any]) -> None:
        """Count the restarts of a container that stays."""
        self.restarts += number_at(status, "restartCount")
        self.last_restart = _later(self.last_restart, _finished(status))

    def init_restarted(self, status: Mapping[str, Any]) -> None:
        """Count the restarts of an init container."""
        self.init_restarts += number_at(status, "restartCount")
        self.init_last = _later(self.init_last, _finished(status))


def _finished(status: Mapping[str, Any]) -> datetime | None:
    return parse_time(at(status, "lastState", "terminated", "finishedAt"))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _ended(terminated: Mapping[str, Any], prefix: str = "") -> str:
    """What is said of a container that ended."""
    if terminated.get("reason"):
        return f"{prefix}{terminated['reason']}"
    if terminated.get("signal"):
        return f"{prefix}Signal:{terminated['signal']}"
    return f"{prefix}ExitCode:{number_at(terminated, 'exitCode')}"


def _is_initializing(tally: _Tally, pod: Object) -> bool:
    """Look at the init containers; true when one of them is what the pod waits for."""
    inits = items_at(pod, "spec", "initContainers")
    for index, status in enumerate(items_at(pod, "status", "initContainerStatuses")):
        tally.init_restarted(status)
        state = as_mapping(status.get("state"))
        sidecar = tally.sidecars.get(str(status.get("name")))
        if sidecar is not None:
            tally.restarted(status)
        terminated = state.get("terminated")
        if isinstance(terminated, dict):
            if number_at(terminated, "exitCode") == 0:
                continue
            tally.reason = _ended(terminated, "Init:")
        elif sidecar is not None and status.get("started"):
            tally.ready += bool(status.get("ready"))
            continue
        else:
            waiting = at(state, "waiting", "reason")
            if waiting and waiting != "PodInitializing":
                tally.reason = f"Init:{waiting}"
            else:
                tally.reason = f"Init:{index}/{len(inits)}"
        return True
    return False


def _is_running(tally: _Tally, pod: Object) -> bool:
    """Look at the containers; true when one of them runs."""
    running = False
    for status in reversed(items_at(pod, "status", "containerStatuses")):
        tally.restarted(status)
        state = as_mapping(status.get("state"))
        waiting = at(state, "waiting", "reason")
        terminated = state.get("terminated")
        if waiting:
            tally.reason = str(waiting)
        elif isinstance(terminated, dict):
            tally.reason = _ended(terminated)
        elif status.get("ready") and "running" in state:
            running = True
            tally.ready += 1
    return running


def _condition(pod: Object, name: str) -> Mapping[str, Any]:
    conditions = items_at(pod, "status", "conditions")
    return next((one for one in conditions if one.get("type") == name), {})


def _tally(pod: Object) -> _Tally:
    sidecars = {
        str(one.get("name")): one
        for one in items_at(pod, "spec", "initContainers")
        if one.get("restartPolicy") == "Always"
    }
    reason = str(at(pod, "status", "reason") or at(pod, "status", "phase") or "")
    total = len(items_at(pod, "spec", "containers")) + len(sidecars)
    tally = _Tally(reason, total, sidecars=sidecars)
    if _condition(pod, "PodScheduled").get("reason") == "SchedulingGated":
        tally.reason = "SchedulingGated"
    initialized = _condition(pod, "Initialized").get("status") == "True"
    if _is_initializing(tally, pod) and not initialized:
        tally.restarts, tally.last_restart = tally.init_restarts, tally.init_last
    else:
        running = _is_running(tally, pod)
        if tally.reason == "Completed" and running:
            is_ready = _condition(pod, "Ready").get("status") == "True"
            tally.reason = "Running" if is_ready else "NotReady"
    if at(pod, "metadata", "deletionTimestamp"):
        if at(pod, "status", "reason") == _UNREACHABLE:
            tally.reason = "Unknown"
        elif at(pod, "status", "phase") not in ("Failed", "Succeeded"):
            tally.reason = "Terminating"
    return tally


def _restarts(tally: _Tally, now: datetime) -> str:
    if not tally.restarts or tally.last_restart is None:
        return str(tally.restarts)
    return f"{tally.restarts} ({human_duration(now - tally.last_restart)} ago)"


def _gates(pod: Object) -> str:
    gates = items_at(pod, "spec", "readinessGates")
    if not gates:
        return NONE
    met = sum(
        _condition(pod, str(one.get("conditionType"))).get("status") == "True" for one in gates
    )
    return f"{met}/{len(gates)}"


def _pod(pod: Object, now: datetime) -> Cells:
    tally = _tally(pod)
    return [
        name_of(pod),
        f"{tally.ready}/{tally.total}",
        tally.reason,
        _restarts(tally, now),
        created(pod, now),
        next((one.get("ip") for one in items_at(pod, "status", "podIPs")), None)
        or at(pod, "status", "podIP")
        or NONE,
        at(pod, "spec", "nodeName") or NONE,
        at(pod, "status", "nominatedNodeName") or NONE,
        _gates(pod),
    ]


POD_PRINTERS: dict[Key, Printer] = {
    ("", "pods"): Printer(
        (
            "Name",
            "Ready",
            "Status",
            "Restarts",
            "Age",
            "IP+",
            "Node+",
            "Nominated Node+",
            "Readiness Gates+",
        ),
        _pod,
    ),
}
