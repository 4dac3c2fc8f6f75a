"""What the cluster's own controllers would make of a mesh: pure, from objects to objects.

They run until nothing changes any more, as a cluster comes to rest. What the recording shows is at
rest already: a mesh that nobody touched stays as it was recorded, with all that is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.admission_quota import counted
from meshdoctor.drill.controllers_ambient import reconcile_enrolment
from meshdoctor.drill.controllers_autoscaler import reconcile_autoscaler
from meshdoctor.drill.controllers_bare_pods import start_bare_pod
from meshdoctor.drill.controllers_deployment import reconcile
from meshdoctor.drill.controllers_gateway import reconcile_gateway
from meshdoctor.drill.controllers_istiod import patch_webhooks
from meshdoctor.drill.controllers_jobs import reconcile_job
from meshdoctor.drill.controllers_namespace import collect, furnish
from meshdoctor.drill.controllers_replicas import reconcile_replica_set, reconcile_set
from meshdoctor.drill.controllers_routes import reconcile_route
from meshdoctor.drill.controllers_service import orphans, reconcile_service
from meshdoctor.drill.kubelet import reconsidered
from meshdoctor.drill.kubelet_jobs import finish_job
from meshdoctor.drill.objects import (
    AUTOSCALERS,
    DAEMON_SETS,
    DEPLOYMENTS,
    GATEWAYS,
    GRPC_ROUTES,
    HTTP_ROUTES,
    JOBS,
    PODS,
    QUOTAS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

MOST_TURNS = 60
"""A rollout of many pods takes a few turns each; nothing that comes to rest takes more."""


def _kubelet(state: State, pod: Object) -> State:
    return state.put(PODS, reconsidered(state, pod))


def _quota(state: State, item: Object) -> State:
    made = counted(state.objects, item)
    return state if made is None else state.put(QUOTAS, made)


_CONTROLLERS: tuple[tuple[Key, Callable[[State, Object], State]], ...] = (
    (GATEWAYS, reconcile_gateway),
    (HTTP_ROUTES, lambda state, item: reconcile_route(state, HTTP_ROUTES, item)),
    (GRPC_ROUTES, lambda state, item: reconcile_route(state, GRPC_ROUTES, item)),
    (AUTOSCALERS, reconcile_autoscaler),
    (DEPLOYMENTS, reconcile),
    (REPLICA_SETS, reconcile_replica_set),
    (STATEFUL_SETS, lambda state, item: reconcile_set(state, STATEFUL_SETS, item)),
    (DAEMON_SETS, lambda state, item: reconcile_set(state, DAEMON_SETS, item)),
    (JOBS, reconcile_job),
    (PODS, start_bare_pod),
    (PODS, _kubelet),
    (PODS, finish_job),
    (PODS, reconcile_enrolment),
    (SERVICES, reconcile_service),
    (QUOTAS, _quota),
)


def _turn(state: State) -> State:
    state = patch_webhooks(orphans(collect(furnish(state))))
    for key, controller in _CONTROLLERS:
        for name in sorted(state.objects.by_key.get(key, {})):
            item = state.objects.get(key, *name)
            if item is not None:
                state = controller(state, item)
    return state


def settled(state: State) -> State:
    """Let every controller work until the mesh is at rest.

    Args:
        state: after a write.

    Returns:
        The mesh at rest; after ``MOST_TURNS`` as far as it has come.
    """
    for _ in range(MOST_TURNS):
        after = _turn(state)
        if after.objects is state.objects:
            return after
        state = after
    return state
