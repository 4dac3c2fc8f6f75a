"""Which pods are a ReplicaSet's: one relabelled out of its selector is let go, a stray is taken in.

A pod that is let go runs on by itself, and the ReplicaSet makes another in its place
(Kubernetes, pkg/controller/controller_ref_manager.go, ``PodControllerRefManager.ClaimPods``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.objects import (
    PODS,
    controller_of,
    labels_of,
    owned_by,
    owner_reference,
    spec_of,
)
from meshdoctor.drill.pods import is_live
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from typing import Any

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object


def _with_owners(pod: Object, owners: list[Any]) -> Object:
    metadata = {key: value for key, value in pod["metadata"].items() if key != "ownerReferences"}
    return {**pod, "metadata": {**metadata, **({"ownerReferences": owners} if owners else {})}}


def claim_pods(state: State, item: Object, api_version: str, kind: str) -> State:
    """Let go the pods that a controller's selector does not match, and take in strays.

    Args:
        state: the moment.
        item: the controller, one with a selector.
        api_version: its own.
        kind: its own.
    """
    selector = as_mapping(spec_of(item).get("selector"))
    if not selector:
        return state
    for pod in list(state.objects.all(PODS, name_of(item)[0])):
        fits = matches_selector(selector, labels_of(pod))
        owners = as_list(pod["metadata"].get("ownerReferences"))
        if not fits and owned_by(pod, item, kind):
            others = [one for one in owners if not as_mapping(one).get("controller")]
            state = state.put(PODS, _with_owners(pod, others))
        elif fits and not controller_of(pod) and is_live(pod):
            mine = owner_reference(item, api_version, kind)
            state = state.put(PODS, _with_owners(pod, [*owners, mine]))
    return state
