"""The deployment controller: ReplicaSets by pod template, rolled as the strategy says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.naming import template_hash, uid
from meshdoctor.drill.objects import (
    DEPLOYMENTS,
    REPLICA_SETS,
    annotations_of,
    owned_by,
    owner_reference,
    spec_of,
    status_of,
)
from meshdoctor.drill.pods import is_ready, pods_of
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_QUARTER = "25%"


def _comparable(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without what the controller and the API server add to it."""
    metadata = {k: v for k, v in as_mapping(template.get("metadata")).items() if v is not None}
    metadata["labels"] = {k: v for k, v in as_mapping(metadata.get("labels")).items() if k != HASH}
    return {"metadata": metadata, "spec": as_mapping(template.get("spec"))}


def replica_sets(state: State, deployment: Object) -> list[Object]:
    """The ReplicaSets of a Deployment."""
    namespace = name_of(deployment)[0]
    return [
        one
        for one in state.objects.all(REPLICA_SETS, namespace)
        if owned_by(one, deployment, "Deployment")
    ]


def _current(state: State, deployment: Object) -> Object | None:
    """The ReplicaSet of the Deployment's own template."""
    wanted = _comparable(as_mapping(spec_of(deployment).get("template")))
    found = [
        one
        for one in replica_sets(state, deployment)
        if _comparable(as_mapping(spec_of(one).get("template"))) == wanted
    ]
    return max(found, key=_revision, default=None)


def _revision(item: Object) -> int:
    written = annotations_of(item).get(_REVISION, "")
    return int(written) if written.isdecimal() else 0


def wanted_replicas(item: Object) -> int:
    """How many pods a workload asks for; one where it does not say."""
    replicas = spec_of(item).get("replicas", 1)
    return replicas if isinstance(replicas, int) else 1


def _share(value: object, of: int, *, up: bool) -> int:
    """``maxSurge`` and ``maxUnavailable``: a number, or a percentage rounded up or down."""
    if isinstance(value, int):
        return value
    percent = int(str(value or _QUARTER).rstrip("%") or 0) * of
    return -(-percent // 100) if up else percent // 100


def _made(state: State, deployment: Object, revision: int) -> dict[str, Any]:
    """A ReplicaSet of the Deployment's template, without pods yet."""
    namespace, name = name_of(deployment)
    template = _comparable(as_mapping(spec_of(deployment).get("template")))
    code = template_hash(template)
    labels = {**template["metadata"]["labels"], HASH: code}
    metadata = {**template["metadata"], "labels": labels}
    selector = as_mapping(spec_of(deployment).get("selector"))
    matched = {**as_mapping(selector.get("matchLabels")), HASH: code}
    return {
        "metadata": {
            "name": f"{name}-{code}",
            "namespace": namespace,
            "uid": uid("replicaset", namespace, name, code, state.serial),
            "creationTimestamp": state.timestamp,
            "generation": 1,
            "labels": labels,
            "annotations": {_REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": 0,
            "selector": {**selector, "matchLabels": matched},
            "template": {"metadata": metadata, "spec": template["spec"]},
        },
        "status": {"replicas": 0},
    }


def scaled(item: Object, replicas: int) -> Object:
    """A workload that asks for so many pods; the same one where it does already."""
    if wanted_replicas(item) == replicas:
        return item
    metadata = dict(item["metadata"])
    if "generation" in metadata:
        metadata["generation"] = int(metadata["generation"]) + 1
    return {**item, "metadata": metadata, "spec": {**spec_of(item), "replicas": replicas}}


def _rolled(state: State, deployment: Object, current: Object, others: list[Object]) -> State:
    """One step of a rollout: some pods of the new template more, some of the old ones less."""
    wanted = wanted_replicas(deployment)
    strategy = as_mapping(spec_of(deployment).get("strategy"))
    rolling = as_mapping(strategy.get("rollingUpdate"))
    recreate = strategy.get("type") == "Recreate"
    surge = _share(rolling.get("maxSurge"), wanted, up=True)
    lacking = _share(rolling.get("maxUnavailable"), wanted, up=False)
    if not surge and not lacking:
        lacking = 1
    old = sum(wanted_replicas(one) for one in others)
    old_pods = sum(len(pods_of(state.objects, one, "ReplicaSet")) for one in others)
    room = (0 if old_pods else wanted) if recreate else max(wanted + surge - old, 0)
    new = min(wanted, max(wanted_replicas(current), room))
    if wanted_replicas(current) > wanted:
        new = wanted
    state = state.put(REPLICA_SETS, scaled(current, new))
    ready = sum(is_ready(pod) for pod in pods_of(state.objects, current, "ReplicaSet"))
    spare = old if recreate else ready + old - (wanted - lacking)
    return _shrunk(state, others, spare)


def _shrunk(state: State, others: list[Object], spare: int) -> State:
    """Take pods from the ReplicaSets of older templates: those that are not ready first."""
    for one in sorted(others, key=_revision):
        replicas = wanted_replicas(one)
        pods = pods_of(state.objects, one, "ReplicaSet")
        idle = replicas - sum(is_ready(pod) for pod in pods)
        taken = min(replicas, max(spare, idle, 0))
        if taken:
            spare -= taken
            state = state.put(REPLICA_SETS, scaled(one, replicas - taken))
    return state


def _condition(
    deployment: Object, kind: str, holds: bool, reason: str, message: str, now: str
) -> dict[str, Any]:
    status = "True" if holds else "False"
    for one in as_list(status_of(deployment).get("conditions")):
        if one.get("type") == kind and one.get("status") == status and one.get("reason") == reason:
            return {**one, "message": message}
    times = {"lastUpdateTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": status, **times, "reason": reason, "message": message}


def _failure(sets: list[Object]) -> dict[str, Any] | None:
    for one in sets:
        for condition in as_list(status_of(one).get("conditions")):
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                return dict(condition)
    return None


def _status(state: State, deployment: Object, current: Object) -> dict[str, Any]:
    """A Deployment's status, from its ReplicaSets' pods."""
    sets = replica_sets(state, deployment)
    pods = [pod for one in sets for pod in pods_of(state.objects, one, "ReplicaSet")]
    updated = len(pods_of(state.objects, current, "ReplicaSet"))
    ready = sum(is_ready(pod) for pod in pods)
    wanted = wanted_replicas(deployment)
    counts = {
        "replicas": len(pods),
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(wanted, len(pods)) - ready,
    }
    rolling = as_mapping(as_mapping(spec_of(deployment).get("strategy")).get("rollingUpdate"))
    enough = ready >= wanted - _share(rolling.get("maxUnavailable"), wanted, up=False)
    complete = updated == wanted == len(pods) == ready
    now, name = state.timestamp, name_of(current)[1]
    word = "has" if enough else "does not have"
    conditions = [
        _condition(
            deployment,
            "Available",
            enough,
            "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
            f"Deployment {word} minimum availability.",
            now,
        ),
        _condition(
            deployment,
            "Progressing",
            True,
            "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated",
            f'ReplicaSet "{name}" '
            + ("has successfully progressed." if complete else "is progressing."),
            now,
        ),
    ]
    if (failure := _failure(sets)) is not None:
        conditions.append({**failure, "lastUpdateTime": failure.get("lastTransitionTime", now)})
    generation = deployment["metadata"].get("generation", 1)
    known = {key: value for key, value in counts.items() if value}
    return {"observedGeneration": generation, **known, "conditions": conditions}


def _counts(status: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells two statuses apart: counts and generation; of conditions, refusals alone."""
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    refused = any(
        one.get("type") == "ReplicaFailure" and one.get("status") == "True"
        for one in as_list(status.get("conditions"))
    )
    return (*(status.get(name, 0) for name in (*names, "observedGeneration")), refused)


def reconcile(state: State, deployment: Object) -> State:
    """One step for one Deployment."""
    if state.objects.get(DEPLOYMENTS, *name_of(deployment)) is None:
        return state
    current = _current(state, deployment)
    others = [one for one in replica_sets(state, deployment) if one is not current]
    if current is None:
        if not state.objects.has(REPLICA_SETS) or spec_of(deployment).get("paused"):
            return state
        revision = max((_revision(one) for one in others), default=0) + 1
        current = _made(state, deployment, revision)
    else:
        current = _newest(current, others)
    if current is not state.objects.get(REPLICA_SETS, *name_of(current)):
        state = state.put(REPLICA_SETS, current)
    moved = _rolled(state, deployment, current, [one for one in others if wanted_replicas(one)])
    return _told(moved, deployment, current)


def _newest(current: Object, others: list[Object]) -> Object:
    """A ReplicaSet that is used again becomes the newest revision (``kubectl rollout undo``)."""
    newest = max((_revision(one) for one in others), default=0)
    if _revision(current) > newest or not _revision(current):
        return current
    annotations = {**annotations_of(current), _REVISION: str(newest + 1)}
    return {**current, "metadata": {**current["metadata"], "annotations": annotations}}


def _told(state: State, deployment: Object, current: Object) -> State:
    """Write the status where it changed, and the revision."""
    status = _status(state, deployment, current)
    annotations = annotations_of(deployment)
    revision = str(_revision(current))
    same = _counts(status) == _counts(status_of(deployment))
    if same and annotations.get(_REVISION, revision) == revision:
        return state
    metadata = {**deployment["metadata"], "annotations": {**annotations, _REVISION: revision}}
    return state.put(DEPLOYMENTS, {**deployment, "metadata": metadata, "status": status})
