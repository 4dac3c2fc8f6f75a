"""Why a pod that is selected takes no traffic, read from its own status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.container_exits import application_statuses, crash_of, init_crash
from meshdoctor.analyze.kubelet_probes import probe_event, probe_reset
from meshdoctor.model.event import event_text
from meshdoctor.model.pod import PROXY_CONTAINER, container_statuses, is_ready
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from meshdoctor.analyze.container_exits import Crash
    from meshdoctor.analyze.kubelet_probes import ProbeReset
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_STOPPED = (0, 137, 143, None)
"""Exit codes of a container that the kubelet stops: it obeys, or it is killed."""
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
    crash: Crash | None = None
    """Where a container crashes, how."""
    reset: ProbeReset | None = None
    """Where a probe is reset, which."""


def _crashing(mesh: Snapshot, pod: Resource) -> PodReason | None:
    crash = crash_of(pod, mesh.now) or init_crash(pod, of_capture=False)
    if crash is None:
        return None
    # A container that is killed because its liveness probe is reset does not crash by itself.
    reset = None if crash.is_init else probe_reset(mesh, pod, ("livenessProbe", "startupProbe"))
    if reset is not None and (reset.event is not None or crash.code in _STOPPED):
        return _reset(pod, reset, ())
    evidence = (pod.evidence(*crash.path, "restartCount"),)
    return PodReason(PodState.CRASHING, crash.text, evidence, crash=crash)


def _reset(pod: Resource, reset: ProbeReset, evidence: tuple[Evidence, ...]) -> PodReason:
    text = f"the kubelet's {reset.probe.word} of {pod.name} is reset by its sidecar"
    return PodReason(PodState.PROBE_RESET, text, evidence, reset=reset)


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
    for path, status in application_statuses(pod):
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
    unready = (item for item in application_statuses(pod) if item[1].get("ready") is not True)
    state = next(unready, None)
    if state is not None:
        evidence.append(pod.evidence(*state[0], "ready"))
    elif (ready := _condition(pod, "Ready")) is not None:
        evidence.append(pod.evidence(*ready[0], "status"))
        reason = ready[1].get("message") or ready[1].get("reason") or "a readiness gate is not met"
        text = f"{pod.name} is not ready: {reason}"
        return PodReason(PodState.PROBE_FAILS, text, tuple(evidence))
    reset = probe_reset(mesh, pod)
    if reset is not None:
        return _reset(pod, reset, tuple(evidence))
    text = f"{pod.name} runs and is not ready" + (f": {said}" if said else "")
    return PodReason(PodState.PROBE_FAILS, text, tuple(evidence))


def why_not_ready(mesh: Snapshot, pod: Resource) -> PodReason:
    """What keeps a pod that has not run to its end from taking traffic."""
    if is_ready(pod):
        return PodReason(PodState.READY, f"{pod.name} is ready", ())
    return _crashing(mesh, pod) or _not_started(pod) or _proxy_not_ready(pod) or _unready(mesh, pod)
