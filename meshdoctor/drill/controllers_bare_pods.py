"""Pods that people create themselves (``kubectl run``): admitted and started once they are there.

The API server would refuse such a pod before it is stored; here it stays, failed, with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.admission import Refused, admit
from meshdoctor.drill.kubelet import started
from meshdoctor.drill.objects import PODS, controller_of, spec_of, status_of
from meshdoctor.drill.pods import completed, is_live
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
    """Admit and start a pod that nobody controls, if it is new."""
    if not _is_new(state, pod):
        return state
    bare = {**pod, "spec": completed(spec_of(pod))}
    answer = admit(state, bare, name_of(pod)[1], "Pod")
    if isinstance(answer, Refused):
        status = {"phase": "Failed", "reason": "Forbidden", "message": answer.message}
        return state.put(PODS, {**pod, "status": status})
    return state.put(PODS, started(state, answer.pod))
