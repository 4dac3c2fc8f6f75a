"""Why a pod that is selected takes no traffic, read from its own status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.readiness_probes import event_text, is_reset_by_sidecar, probe_event
from meshdoctor.model.pod import PROXY_CONTAINER, container_statuses, is_ready
from meshdoctor.model.resource import as_list, as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

RESTARTED_LATELY = timedelta(minutes=10)
"""A container that ended within this time is restarting, whatever it does at this moment."""
_STARTING = ("PodInitializing", "ContainerCreating")


class PodState(StrEnum):
    """What keeps a pod from being ready."""

    READY = "ready"
    CRASHING = "crashing"
    """An application container ends and is started again."""
    PROXY_NOT_READY = "proxy-not-ready"
    """The sidecar itself is not ready, or the init containers before it are not through."""
    PROBE_RESET = "probe-reset"
    """The kubelet's probe never reaches the application: the sidecar resets it."""
    PROBE_FAILS = "probe-fails"
    """The application runs and its readiness probe fails."""
    NOT_STARTED = "not-started"
    """An application container cannot be started: image, configuration, scheduling."""


@dataclass(frozen=True, slots=True)
class PodReason:
    """A pod's state, why it is so in words, and where that stands."""

    state: PodState
    text: str
    evidence: tuple[Evidence, ...]


def _status_of_app(
    pod: Resource,
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Statuses of the pod's own containers, the proxy's left out."""
    for path, status in container_statuses(pod):
        if path[1] == "containerStatuses" and status.get("name") != PROXY_CONTAINER:
            yield path, status


def restarted_lately(pod: Resource, now: datetime) -> bool:
    """Whether an application container ended a short while ago, or waits to be started again."""
    for _, status in _status_of_app(pod):
        state = as_mapping(status.get("state"))
        if as_mapping(state.get("waiting")).get("reason") == "CrashLoopBackOff":
            return True
        for ended in (state, as_mapping(status.get("lastState"))):
            finished = parse_time(as_mapping(ended.get("terminated")).get("finishedAt"))
            if finished is not None and now - finished <= RESTARTED_LATELY:
                return True
    return False


def _crashing(pod: Resource, now: datetime) -> PodReason | None:
    if not restarted_lately(pod, now):
        return None
    path, status = next(
        ((path, status) for path, status in _status_of_app(pod) if status.get("restartCount")),
        next(_status_of_app(pod)),
    )
    name, count = status.get("name"), status.get("restartCount", 0)
    text = f"container {name} of {pod.name} ends and is restarted ({count} times)"
    return PodReason(PodState.CRASHING, text, (pod.evidence(*path, "restartCount"),))


def _proxy_not_ready(pod: Resource) -> PodReason | None:
    for path, status in container_statuses(pod):
        is_init = path[1] == "initContainerStatuses"
        proxy = status.get("name") == PROXY_CONTAINER
        ended = as_mapping(as_mapping(status.get("state")).get("terminated"))
        through = ended.get("exitCode") == 0
        if (proxy or (is_init and not through)) and status.get("ready") is not True:
            text = f"container {status.get('name')} of {pod.name} is not ready"
            evidence = pod.evidence(*path, "ready")
            return PodReason(PodState.PROXY_NOT_READY, text, (evidence,))
    return None


def _condition(pod: Resource, kind: str) -> tuple[tuple[str | int, ...], Mapping[str, Any]] | None:
    for index, value in enumerate(as_list(pod.status.get("conditions"))):
        item = as_mapping(value)
        if item.get("type") == kind:
            return ("status", "conditions", index), item
    return None


def _not_started(pod: Resource) -> PodReason | None:
    for path, status in _status_of_app(pod):
        waiting = as_mapping(as_mapping(status.get("state")).get("waiting"))
        reason = waiting.get("reason")
        if reason and reason not in _STARTING:
            text = f"container {status.get('name')} of {pod.name} cannot start: {reason}"
            evidence = pod.evidence(*path, "state", "waiting", "reason")
            return PodReason(PodState.NOT_STARTED, text, (evidence,))
    scheduled = _condition(pod, "PodScheduled")
    if scheduled is not None and scheduled[1].get("status") == "False":
        reason = str(scheduled[1].get("reason") or "Unschedulable")
        said = str(scheduled[1].get("message") or reason)
        evidence = pod.evidence(*scheduled[0], "reason")
        return PodReason(PodState.NOT_STARTED, f"{pod.name} is not scheduled: {said}", (evidence,))
    return None


def _unready(mesh: Snapshot, pod: Resource) -> PodReason:
    """The application runs; its probe, or a readiness gate, says no."""
    event = probe_event(mesh, pod)
    said = event_text(event) if event else ""
    evidence = [event.evidence("message")] if event else []
    state = next((item for item in _status_of_app(pod) if item[1].get("ready") is not True), None)
    if state is not None:
        evidence.append(pod.evidence(*state[0], "ready"))
    elif (ready := _condition(pod, "Ready")) is not None:
        evidence.append(pod.evidence(*ready[0], "status"))
        reason = ready[1].get("message") or ready[1].get("reason") or "a readiness gate is not met"
        text = f"{pod.name} is not ready: {reason}"
        return PodReason(PodState.PROBE_FAILS, text, tuple(evidence))
    if is_reset_by_sidecar(mesh, pod, said):
        text = f"the kubelet's probe of {pod.name} is reset by its sidecar"
        return PodReason(PodState.PROBE_RESET, text, tuple(evidence))
    text = f"{pod.name} runs and is not ready" + (f": {said}" if said else "")
    return PodReason(PodState.PROBE_FAILS, text, tuple(evidence))


def why_not_ready(mesh: Snapshot, pod: Resource) -> PodReason:
    """What keeps a pod that has not run to its end from taking traffic."""
    if is_ready(pod):
        return PodReason(PodState.READY, f"{pod.name} is ready", ())
    return (
        _crashing(pod, mesh.now)
        or _not_started(pod)
        or _proxy_not_ready(pod)
        or _unready(mesh, pod)
    )
