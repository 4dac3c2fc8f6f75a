"""Events that controllers write: what ``kubectl describe`` and ``kubectl get events`` show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.naming import suffix
from meshdoctor.drill.objects import EVENTS, uid_of
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object


def warned(
    state: State,
    item: Object,
    kind: str,
    reason: str,
    message: str,
    *,
    api_version: str = "apps/v1",
) -> State:
    """With a warning about a workload's controller.

    Args:
        state: the moment.
        item: what it is about.
        kind: its kind.
        reason: in one word, such as ``FailedCreate``.
        message: the whole sentence.
        api_version: of the kind.
    """
    namespace, name = name_of(item)
    if not state.objects.has(EVENTS):
        return state
    event = {
        "metadata": {
            "name": f"{name}.{suffix('event', namespace, name, state.serial)}",
            "namespace": namespace,
            "creationTimestamp": state.timestamp,
        },
        "involvedObject": {
            "apiVersion": api_version,
            "kind": kind,
            "name": name,
            "namespace": namespace,
            "uid": uid_of(item),
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": state.timestamp,
        "lastTimestamp": state.timestamp,
        "source": {"component": f"{kind.lower()}-controller"},
    }
    return state.put(EVENTS, event)
