"""Pods that people create themselves (``kubectl run``): started once they were admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.kubelet import started
from meshdoctor.drill.objects import PODS, controller_of, status_of
from meshdoctor.drill.pods import is_live
from meshdoctor.model.resource import as_list
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object


def _is_new(state: State, pod: Object) -> bool:
    status = status_of(pod)
    if controller_of(pod) or not is_live(pod) or as_list(status.get("conditions")):
        return False
    return state.recorded.get(PODS, *name_of(pod)) is None


def start_bare_pod(state: State, pod: Object) -> State:
    """Start a pod that nobody controls, if it is new."""
    return state.put(PODS, started(state, pod)) if _is_new(state, pod) else state
