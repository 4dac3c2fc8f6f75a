"""The job controller: pods until enough of them have run to their end (batch/v1 Job)."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.admission import Refused, admit
from meshdoctor.drill.controllers_events import warned
from meshdoctor.drill.kubelet import started
from meshdoctor.drill.naming import free_suffix
from meshdoctor.drill.objects import (
    EVENTS,
    JOBS,
    PODS,
    owned_by,
    spec_of,
    status_of,
    uid_of,
)
from meshdoctor.drill.pods import is_live, is_ready, new_pod
from meshdoctor.model.kinds import JOB
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

_API = "batch/v1"
_GROUP = "batch.kubernetes.io/"
_DEFAULTS = {
    "parallelism": 1,
    "completions": 1,
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "podReplacementPolicy": "TerminatingOrFailed",
}
_FINISHED = ("Complete", "Failed")


def _has_condition(job: Object, kinds: tuple[str, ...]) -> bool:
    return any(
        as_mapping(one).get("type") in kinds and as_mapping(one).get("status") == "True"
        for one in as_list(status_of(job).get("conditions"))
    )


def _owned_labels(job: Object) -> dict[str, str]:
    """The labels by which a Job knows its pods, in the old spelling and the new one."""
    code, name = uid_of(job), name_of(job)[1]
    return {
        f"{_GROUP}controller-uid": code,
        f"{_GROUP}job-name": name,
        "controller-uid": code,
        "job-name": name,
    }


def _defaulted(job: Object) -> Object:
    """A Job with what the API server adds to a new one: its selector, and the pods' labels."""
    spec = spec_of(job)
    if as_mapping(spec.get("selector")) or spec.get("manualSelector"):
        return job
    template = as_mapping(spec.get("template"))
    metadata = as_mapping(template.get("metadata"))
    labels = {**as_mapping(metadata.get("labels")), **_owned_labels(job)}
    made = {
        **_DEFAULTS,
        **spec,
        "selector": {"matchLabels": {f"{_GROUP}controller-uid": uid_of(job)}},
        "template": {**template, "metadata": {**metadata, "labels": labels}},
    }
    return {**job, "spec": made}


def _pods(objects: Objects, job: Object) -> list[Object]:
    return [pod for pod in objects.all(PODS, name_of(job)[0]) if owned_by(pod, job, JOB.name)]


def _is_at_rest(state: State, job: Object) -> bool:
    """Whether a Job and its pods are as the recording has them."""
    if state.recorded.get(JOBS, *name_of(job)) is not job:
        return False
    before, now = (_pods(objects, job) for objects in (state.recorded, state.objects))
    return len(before) == len(now) and all(map(operator.is_, before, now))


def _created(state: State, job: Object) -> State | Refused:
    namespace, name = name_of(job)
    tail = free_suffix(state.objects, PODS, namespace, f"{name}-", state.serial)
    pod = new_pod(state, job, _API, JOB.name, f"{name}-{tail}", {})
    answer = admit(state, pod, name, JOB.name)
    if isinstance(answer, Refused):
        return answer
    return state.put(PODS, started(state, answer.pod))


def _condition(kind: str, reason: str, message: str, now: str) -> dict[str, Any]:
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": "True", **times, "reason": reason, "message": message}


def _ended(job: Object, succeeded: int, failed: int, now: str) -> list[dict[str, Any]]:
    """The conditions of a Job that is over; none while it is not."""
    spec = spec_of(job)
    if succeeded >= spec.get("completions", 1):
        said = "Reached expected number of succeeded pods"
        return [
            _condition("SuccessCriteriaMet", "CompletionsReached", said, now),
            _condition("Complete", "CompletionsReached", said, now),
        ]
    if failed > spec.get("backoffLimit", _DEFAULTS["backoffLimit"]):
        said = "Job has reached the specified backoff limit"
        return [
            _condition("FailureTarget", "BackoffLimitExceeded", said, now),
            _condition("Failed", "BackoffLimitExceeded", said, now),
        ]
    return []


def _count(pods: list[Object], phase: str) -> int:
    return sum(status_of(pod).get("phase") == phase for pod in pods)


def _told(state: State, job: Object) -> State:
    """Write a Job's status where it changed."""
    pods, before = _pods(state.objects, job), status_of(job)
    active = [pod for pod in pods if is_live(pod)]
    # Pods that are gone were counted when they ended.
    succeeded = max(_count(pods, "Succeeded"), int(before.get("succeeded") or 0))
    failed = max(_count(pods, "Failed"), int(before.get("failed") or 0))
    conditions = _ended(job, succeeded, failed, state.timestamp)
    counts: Mapping[str, Any] = {
        "active": len(active),
        "ready": sum(is_ready(pod) for pod in active),
        "succeeded": succeeded,
        "failed": failed,
    }
    made = {
        **{key: value for key, value in before.items() if key not in counts},
        **{key: value for key, value in counts.items() if value or key == "ready"},
        "startTime": before.get("startTime", state.timestamp),
        **({"conditions": conditions} if conditions else {}),
    }
    if any(one["type"] == "Complete" for one in conditions):
        made["completionTime"] = state.timestamp
    return state if made == before else state.put(JOBS, {**job, "status": made})


def reconcile_job(state: State, job: Object) -> State:
    """Bring one Job to the pods it asks for, until it is over."""
    if _has_condition(job, _FINISHED) or _is_at_rest(state, job):
        return state
    written = _defaulted(job)
    if written is not job:
        state = state.put(JOBS, written)
    spec, pods = spec_of(written), _pods(state.objects, written)
    active = [pod for pod in pods if is_live(pod)]
    left = spec.get("completions", 1) - _count(pods, "Succeeded")
    wanted = 0 if spec.get("suspend") else max(min(spec.get("parallelism", 1), left), 0)
    for pod in active[wanted:]:
        state = state.remove(PODS, pod)
    over = bool(_ended(written, _count(pods, "Succeeded"), _count(pods, "Failed"), ""))
    for _ in range(0 if over else wanted - len(active)):
        answer = _created(state, written)
        if isinstance(answer, Refused):
            return _refused(state, written, answer.message)
        state = answer
    return _told(state, state.objects.get(JOBS, *name_of(written)) or written)


def _refused(state: State, job: Object, message: str) -> State:
    """Tell of a refusal, once for each time that somebody writes to the mesh."""
    for event in state.objects.all(EVENTS, name_of(job)[0]):
        about = as_mapping(event.get("involvedObject"))
        if about.get("uid") == uid_of(job) and event.get("lastTimestamp") == state.timestamp:
            return state
    said = f"Error creating: {message}"
    return warned(state, job, JOB.name, "FailedCreate", said, api_version=_API)
