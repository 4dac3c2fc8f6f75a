"""Namespaces and owners: what comes with a namespace, and what goes with an owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.naming import uid
from meshdoctor.drill.objects import NAMESPACES, SERVICE_ACCOUNTS, Objects, key_of
from meshdoctor.model.kinds import CONFIG_MAP
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.serve.resource_type import Key

_ROOT = "istio-ca-root-cert"
"""The ConfigMap that istiod puts into every namespace: the mesh root."""
_CONFIG_MAPS = key_of(CONFIG_MAP)


def _root_text(objects: Objects) -> dict[str, str]:
    for one in objects.all(_CONFIG_MAPS):
        if name_of(one)[1] == _ROOT:
            return dict(as_mapping(one.get("data")))
    return {}


def furnish(state: State) -> State:
    """Give new namespaces their ServiceAccount ``default`` and the mesh root."""
    for namespace in list(state.objects.all(NAMESPACES)):
        name = name_of(namespace)[1]
        if state.recorded.get(NAMESPACES, "", name) is not None:
            continue
        wanted: list[tuple[Key, str, dict[str, Any]]] = [(SERVICE_ACCOUNTS, "default", {})]
        if root := _root_text(state.objects):
            wanted.append((_CONFIG_MAPS, _ROOT, {"data": root}))
        for key, own, body in wanted:
            if state.objects.has(key) and state.objects.get(key, name, own) is None:
                metadata = {
                    "name": own,
                    "namespace": name,
                    "uid": uid(*key, name, own, state.serial),
                    "creationTimestamp": state.timestamp,
                }
                state = state.put(key, {"metadata": metadata, **body})
    return state


def collect(state: State) -> State:
    """Take away what belonged to an object that was deleted, and to nothing else."""
    while True:
        before = state
        for key, objects in before.objects.by_key.items():
            for item in objects.values():
                owners = as_list(as_mapping(item.get("metadata")).get("ownerReferences"))
                uids = [str(as_mapping(owner).get("uid")) for owner in owners]
                if uids and all(one in before.gone for one in uids):
                    state = state.remove(key, item)
        if state is before:
            return state
