"""The autoscaler, as far as its bounds: nothing here measures load.

Too many replicas and too few are corrected before any metric is asked for; a workload that was
scaled to nothing is left alone (pkg/controller/podautoscaler, ``reconcileAutoscaler``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.controllers_deployment import scaled, wanted_replicas
from meshdoctor.drill.objects import (
    AUTOSCALERS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    spec_of,
    status_of,
)
from meshdoctor.model.resource import as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

_SCALED: Mapping[object, Key] = {
    "Deployment": DEPLOYMENTS,
    "ReplicaSet": REPLICA_SETS,
    "StatefulSet": STATEFUL_SETS,
}


def reconcile_autoscaler(state: State, item: Object) -> State:
    """Keep the workload of one HorizontalPodAutoscaler within its bounds.

    One that the recording shows out of bounds stays so until somebody changes it or its scaler.
    """
    reference, namespace = as_mapping(spec_of(item).get("scaleTargetRef")), name_of(item)[0]
    key = _SCALED.get(reference.get("kind"))
    place = (namespace, str(reference.get("name") or ""))
    workload = state.objects.get(key, *place) if key is not None else None
    if key is None or workload is None:
        return state
    as_recorded = state.recorded.get(AUTOSCALERS, *name_of(item)) is item
    if as_recorded and state.recorded.get(key, *place) is workload:
        return state
    least, most = spec_of(item).get("minReplicas", 1), spec_of(item).get("maxReplicas", 1)
    replicas = wanted_replicas(workload)
    wanted = replicas and min(max(replicas, least), most)
    if wanted == replicas:
        return state
    state = state.put(key, scaled(workload, wanted))
    status = {**status_of(item), "desiredReplicas": wanted, "lastScaleTime": state.timestamp}
    return state.put(AUTOSCALERS, {**item, "status": status})
