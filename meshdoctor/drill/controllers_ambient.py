"""The CNI node agent of ambient mode: it hands pods to ztunnel, running ones and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import PODS, annotations_of
from meshdoctor.drill.pods import as_pod, is_live
from meshdoctor.intent.ambient import mode_of, ztunnel_daemonset
from meshdoctor.intent.inbound_capture import REDIRECTION
from meshdoctor.model.kinds import NAMESPACE
from meshdoctor.model.pod import has_proxy, host_network, is_gateway, is_ztunnel

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object


def is_wanted(mesh: Snapshot, pod: Object) -> bool:
    """Whether ztunnel shall carry a pod's traffic (``istio.io/dataplane-mode=ambient``)."""
    resource = as_pod(pod)
    namespace = mesh.catalog.find(NAMESPACE, "", resource.namespace)
    if (mode_of(resource) or mode_of(namespace)) != "ambient" or ztunnel_daemonset(mesh) is None:
        return False
    return not (
        has_proxy(resource)
        or host_network(resource)
        or is_gateway(resource)
        or is_ztunnel(resource)
    )


def enrolled(state: State, pod: Object) -> dict[str, Any]:
    """A pod with the mark of its enrolment, where it is wanted, and without it elsewhere."""
    annotations = {k: v for k, v in annotations_of(pod).items() if k != REDIRECTION}
    if is_wanted(state.mesh, pod):
        annotations[REDIRECTION] = "enabled"
    if annotations == annotations_of(pod):
        return dict(pod)
    return {**pod, "metadata": {**pod["metadata"], "annotations": annotations}}


def reconcile_enrolment(state: State, pod: Object) -> State:
    """Take a running pod in or out, where what is wanted is not what was wanted before."""
    wanted = is_wanted(state.mesh, pod)
    if not is_live(pod) or wanted == (annotations_of(pod).get(REDIRECTION) == "enabled"):
        return state
    recorded = state.recorded.get(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
    if recorded is not None and is_wanted(state.recorded_mesh, recorded) == wanted:
        return state
    return state.put(PODS, enrolled(state, pod))
