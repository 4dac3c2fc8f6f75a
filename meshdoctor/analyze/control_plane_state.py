"""Is the istiod of a revision up: what its Deployment and its pods say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.memory_kills import killed_for_memory
from meshdoctor.intent.control_plane import controller_of, ready_pods
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import ISTIOD_CONTAINER, container_status
from meshdoctor.model.resource import as_list, as_mapping, parse_time

if TYPE_CHECKING:
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SETTLING = timedelta(seconds=60)
"""How long a new istiod is given: it lists the whole cluster before it is ready."""


class State(StrEnum):
    """What can be said of one control plane."""

    READY = "ready"
    STARTING = "starting"
    """Not ready, but so young that it may be any moment."""
    OUT_OF_MEMORY = "out-of-memory"
    """Its container is killed for memory over and over: another cause."""
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """A control plane's state, in words and with its proof."""

    state: State
    text: str
    evidence: tuple[Evidence, ...] = ()
    needs: tuple[str, ...] = ()


def _is_young(mesh: Snapshot, pod: Resource) -> bool:
    found = container_status(pod, ISTIOD_CONTAINER)
    status = found[1] if found else {}
    if status.get("restartCount") or "terminated" in as_mapping(status.get("state")):
        return False
    waiting = as_mapping(as_mapping(status.get("state")).get("waiting")).get("reason")
    if waiting not in (None, "ContainerCreating", "PodInitializing"):
        return False
    running = as_mapping(as_mapping(status.get("state")).get("running"))
    since = parse_time(running.get("startedAt")) or pod.created
    return since is not None and mesh.now - since <= SETTLING


def _why_not_ready(pod: Resource) -> tuple[str, Evidence]:
    """What keeps a pod from being ready, and where it says so."""
    found = container_status(pod, ISTIOD_CONTAINER)
    if found is not None:
        path, status = found
        reason = as_mapping(as_mapping(status.get("state")).get("waiting")).get("reason")
        if reason:
            shown = pod.evidence(*path, "state", "waiting", "reason")
            return f"{pod.name} waits: {reason}", shown
    for wanted in ("PodScheduled", "Ready"):
        for index, item in enumerate(as_list(pod.status.get("conditions"))):
            entry = as_mapping(item)
            if entry.get("type") == wanted and entry.get("status") != "True":
                message = entry.get("message") or entry.get("reason") or f"{wanted} is not True"
                return f"{pod.name}: {message}", pod.evidence("status", "conditions", index)
    return f"{pod.name} is not ready", pod.evidence("status", "phase")


def _without_pods(plane: ControlPlane, name: str) -> Condition:
    """A control plane that has no pods, or whose pods were not read."""
    wanted = [item.spec.get("replicas", 1) for item in plane.deployments]
    if wanted and not any(wanted):
        shown = tuple(item.evidence("spec", "replicas") for item in plane.deployments)
        return Condition(State.DOWN, f"{name} is scaled to zero", shown)
    shown = tuple(item.evidence("status", "conditions") for item in plane.deployments)
    return Condition(State.DOWN, f"{name} has no pod", shown)


def _pods_unread(mesh: Snapshot, plane: ControlPlane, name: str) -> Condition:
    """What the Deployment alone says: scaled to zero is certain, not ready might be memory."""
    ready = next((item for item in plane.deployments if item.get("status", "readyReplicas")), None)
    if ready is not None:
        shown = (ready.evidence("status", "readyReplicas"),)
        return Condition(State.READY, f"{name} has ready replicas", shown)
    found = _without_pods(plane, name)
    if found.text.endswith("zero"):
        return found
    return Condition(
        State.UNKNOWN, f"Why {name} is not ready is not known", needs=mesh.catalog.unread(POD)
    )


def condition(mesh: Snapshot, plane: ControlPlane) -> Condition:
    """The state of one control plane."""
    name = controller_of(mesh, plane)
    ready = ready_pods(plane)
    if ready:
        shown = next(
            ready[0].evidence("status", "conditions", index, "status")
            for index, item in enumerate(as_list(ready[0].status.get("conditions")))
            if as_mapping(item).get("type") == "Ready"
        )
        return Condition(State.READY, f"{name} is ready ({len(ready)} pod(s))", (shown,))
    if not mesh.catalog.known(POD):
        return _pods_unread(mesh, plane, name)
    killed = tuple(
        found.evidence for pod in plane.pods if (found := killed_for_memory(pod, ISTIOD_CONTAINER))
    )
    if killed:
        text = f"{name} is not ready because its container is killed for memory (OOMKilled)"
        return Condition(State.OUT_OF_MEMORY, text, killed)
    if any(_is_young(mesh, pod) for pod in plane.pods):
        born = plane.pods[0].evidence("metadata", "creationTimestamp")
        return Condition(State.STARTING, f"{name} has just started and is not ready yet", (born,))
    if plane.pods:
        text, proof = _why_not_ready(plane.pods[0])
        return Condition(State.DOWN, f"No pod of {name} is ready: {text}", (proof,))
    return _without_pods(plane, name)
