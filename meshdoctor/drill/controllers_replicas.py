"""ReplicaSets, StatefulSets and DaemonSets: pods that are missing are made, others taken away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.admission import Refused, admit
from meshdoctor.drill.controllers_claims import claim_pods
from meshdoctor.drill.controllers_events import warned
from meshdoctor.drill.kubelet import started
from meshdoctor.drill.naming import free_suffix, node_names, template_hash
from meshdoctor.drill.objects import (
    DAEMON_SETS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    controller_of,
    labels_of,
    spec_of,
    status_of,
)
from meshdoctor.drill.pods import is_ready, new_pod, pods_of
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

_API = "apps/v1"
_HASH = "controller-revision-hash"
_REFUSER = re.compile(
    r'violates PodSecurity "[^"]*"|(exceeded|failed) quota: [^,:]+|failed calling webhook "[^"]*"'
    r'|admission webhook "[^"]*" denied the request.*'
)
"""What a refusal names as its reason."""
_COUNTS = ("replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas")


def _workload(owner: Object, kind: str) -> tuple[str, str]:
    """Name and kind of the workload above a pod's controller."""
    above = controller_of(owner)
    if kind == "ReplicaSet" and above.get("kind") == "Deployment":
        return str(above.get("name")), "Deployment"
    return name_of(owner)[1], kind


def _created(
    state: State, owner: Object, kind: str, name: str, labels: Mapping[str, str]
) -> State | Refused:
    """A pod more, or why there is none."""
    pod = new_pod(state, owner, _API, kind, name, labels)
    answer = admit(state, pod, *_workload(owner, kind))
    if isinstance(answer, Refused):
        return answer
    return state.put(PODS, started(state, answer.pod))


def _excess(pods: list[Object], wanted: int) -> list[Object]:
    """Which pods go first: those that are not ready, then the youngest."""
    ranked = sorted(
        pods,
        key=lambda pod: (is_ready(pod), _negated(str(pod["metadata"].get("creationTimestamp")))),
    )
    return ranked[: max(len(pods) - wanted, 0)]


def _negated(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)


def reconcile_replica_set(state: State, item: Object) -> State:
    """Bring one ReplicaSet to the pods it asks for."""
    if state.objects.get(REPLICA_SETS, *name_of(item)) is None:
        return state
    state = claim_pods(state, item, _API, "ReplicaSet")
    wanted = spec_of(item).get("replicas", 1)
    pods = pods_of(state.objects, item, "ReplicaSet")
    for pod in _excess(pods, wanted):
        state = state.remove(PODS, pod)
    namespace, name = name_of(item)
    refusal = None
    for _ in range(wanted - len(pods)):
        suffix = free_suffix(state.objects, PODS, namespace, f"{name}-", state.serial)
        answer = _created(state, item, "ReplicaSet", f"{name}-{suffix}", {})
        if isinstance(answer, Refused):
            refusal = answer.message
            break
        state = answer
    return _told(state, item, refusal)


def _told(state: State, item: Object, refusal: str | None) -> State:
    """Write a ReplicaSet's status where it changed."""
    pods = pods_of(state.objects, item, "ReplicaSet")
    ready = sum(is_ready(pod) for pod in pods)
    counts = dict(zip(_COUNTS, (len(pods), ready, ready, len(pods)), strict=True))
    before = status_of(item)
    failures = [
        one
        for one in as_list(before.get("conditions"))
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True"
    ]
    if refusal is not None and not any(_alike(one, refusal) for one in failures):
        failures = [_failure(state, refusal)]
        state = warned(state, item, "ReplicaSet", "FailedCreate", f"Error creating: {refusal}")
    conditions = failures if refusal is not None else []
    generation = item["metadata"].get("generation", 1)
    made: dict[str, Any] = {
        "observedGeneration": generation,
        **{name: count for name, count in counts.items() if count or name == "replicas"},
        **({"conditions": conditions} if conditions else {}),
    }
    same = all(before.get(name, 0) == count for name, count in counts.items())
    if same and as_list(before.get("conditions")) == conditions:
        return state
    return state.put(REPLICA_SETS, {**item, "status": made})


def _alike(condition: Mapping[str, Any], refusal: str) -> bool:
    """Whether the same thing refuses as before, whatever the pod is called."""
    before, now = (_REFUSER.search(text) for text in (str(condition.get("message")), refusal))
    return before is not None and now is not None and before[0] == now[0]


def _failure(state: State, message: str) -> dict[str, Any]:
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": state.timestamp,
        "reason": "FailedCreate",
        "message": message,
    }


def _revision(state: State, key: tuple[str, str], item: Object) -> str:
    """The template's revision: the recorded one while the template is the recorded one."""
    recorded = state.recorded.get(key, *name_of(item))
    template = as_mapping(spec_of(item).get("template"))
    if recorded is not None and as_mapping(spec_of(recorded).get("template")) == template:
        for pod in pods_of(state.recorded, recorded, _KINDS[key]):
            if code := labels_of(pod).get(_HASH):
                return code
    return template_hash(template)


_KINDS = {STATEFUL_SETS: "StatefulSet", DAEMON_SETS: "DaemonSet"}


def _slots(state: State, key: tuple[str, str], item: Object) -> list[str]:
    """The pods that should be: by ordinal, or by node."""
    if key == STATEFUL_SETS:
        start = as_mapping(spec_of(item).get("ordinals")).get("start", 0)
        return [str(start + index) for index in range(spec_of(item).get("replicas", 1))]
    template = as_mapping(as_mapping(spec_of(item).get("template")).get("spec"))
    wanted = as_mapping(template.get("nodeSelector"))
    nodes = list(state.objects.all(NODES))
    if not nodes:
        return node_names(state.objects)
    return [name_of(one)[1] for one in nodes if wanted.items() <= labels_of(one).items()]


def _slot(key: tuple[str, str], pod: Object) -> str:
    if key == STATEFUL_SETS:
        return name_of(pod)[1].rpartition("-")[2]
    return str(spec_of(pod).get("nodeName") or "")


def reconcile_set(state: State, key: tuple[str, str], item: Object) -> State:
    """Bring one StatefulSet or DaemonSet to the pods of its template that it asks for.

    Args:
        state: the moment.
        key: which of the two.
        item: the object.
    """
    kind, code = _KINDS[key], _revision(state, key, item)
    slots = _slots(state, key, item)
    held: set[str] = set()
    by_hand = as_mapping(spec_of(item).get("updateStrategy")).get("type") == "OnDelete"
    for pod in pods_of(state.objects, item, kind):
        slot = _slot(key, pod)
        stale = labels_of(pod).get(_HASH, code) != code and not by_hand
        if slot not in slots or slot in held or stale:
            state = state.remove(PODS, pod)
        else:
            held.add(slot)
    for slot in (one for one in slots if one not in held):
        answer = _filled(state, key, item, slot, code)
        if isinstance(answer, Refused):
            break
        state = answer
    return _set_told(state, key, item, len(slots), code)


def _filled(
    state: State, key: tuple[str, str], item: Object, slot: str, code: str
) -> State | Refused:
    namespace, name = name_of(item)
    labels = {_HASH: code}
    if key == STATEFUL_SETS:
        labels |= {"statefulset.kubernetes.io/pod-name": f"{name}-{slot}"}
        labels |= {"apps.kubernetes.io/pod-index": slot}
        return _created(state, item, "StatefulSet", f"{name}-{slot}", labels)
    suffix = free_suffix(state.objects, PODS, namespace, f"{name}-", state.serial)
    template = as_mapping(spec_of(item).get("template"))
    spec = {**as_mapping(template.get("spec")), "nodeName": slot}
    owner = {**item, "spec": {**spec_of(item), "template": {**template, "spec": spec}}}
    return _created(state, owner, "DaemonSet", f"{name}-{suffix}", labels)


def _set_told(state: State, key: tuple[str, str], item: Object, wanted: int, code: str) -> State:
    pods = pods_of(state.objects, item, _KINDS[key])
    ready, now = sum(is_ready(pod) for pod in pods), len(pods)
    before = status_of(item)
    if key == STATEFUL_SETS:
        counts = {"replicas": now, "readyReplicas": ready, "availableReplicas": ready}
        counts |= {"currentReplicas": now, "updatedReplicas": now}
        names = {"currentRevision": code, "updateRevision": code}
    else:
        counts = {"currentNumberScheduled": now, "desiredNumberScheduled": wanted}
        counts |= {"numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": now}
        names = {}
    generation = item["metadata"].get("generation", 1)
    same = all(before.get(name, 0) == count for name, count in counts.items())
    if same and before.get("observedGeneration", generation) == generation:
        return state
    made = {**before, **counts, **names, "observedGeneration": generation}
    if key == DAEMON_SETS:
        made["numberUnavailable"] = wanted - ready
    return state.put(key, {**item, "status": made})
