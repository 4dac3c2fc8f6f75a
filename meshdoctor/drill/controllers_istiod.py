"""istiod's webhook patcher: it keeps the mesh root in the caBundle of its webhooks.

A recorded bundle that differs stays: whatever kept istiod from mending it then does so still, until
another istiod pod comes (pilot/pkg/webhooks, ``WebhookCertPatcher``).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import PODS, Objects, key_of
from meshdoctor.intent.control_plane import ready_pods
from meshdoctor.intent.revision_labels import REVISION
from meshdoctor.intent.revisions import control_planes
from meshdoctor.intent.webhook_trust import (
    ROOT_CONFIG_MAP,
    ROOT_KEY,
    Trust,
    entry_trust,
    istio_webhooks,
)
from meshdoctor.model.kinds import CONFIG_MAP
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object

_WRONG = (Trust.DIFFERS, Trust.EMPTY)


def _wrong_then(mesh: Snapshot, entry: InjectionWebhook) -> bool:
    """Whether the recording has the same entry with a wrong bundle."""
    return any(
        one.configuration.name == entry.configuration.name
        and one.name == entry.name
        and entry_trust(mesh, one) in _WRONG
        for one in istio_webhooks(mesh)
    )


def _patcher(state: State, entry: InjectionWebhook) -> bool:
    """Whether an istiod runs that mends an entry now: of the revision that its label names."""
    if REVISION not in entry.configuration.labels:
        return False
    plane = control_planes(state.mesh).get(entry.revision)
    pods = ready_pods(plane) if plane is not None else ()
    if not _wrong_then(state.recorded_mesh, entry):
        return bool(pods)
    return any(state.recorded.get(PODS, pod.namespace, pod.name) is None for pod in pods)


def _root(objects: Objects, namespace: str) -> str:
    found = objects.get(key_of(CONFIG_MAP), namespace, ROOT_CONFIG_MAP)
    return str(as_mapping((found or {}).get("data")).get(ROOT_KEY) or "")


def _mended(item: Object, index: int, bundle: str) -> dict[str, Any]:
    entries = [dict(one) for one in as_list(item.get("webhooks"))]
    client = {**as_mapping(entries[index].get("clientConfig")), "caBundle": bundle}
    entries[index] = {**entries[index], "clientConfig": client}
    return {**item, "webhooks": entries}


def patch_webhooks(state: State) -> State:
    """Put the mesh root into the bundles that lack it, as far as an istiod runs that does so."""
    for entry in istio_webhooks(state.mesh):
        if entry_trust(state.mesh, entry) not in _WRONG or entry.service is None:
            continue
        root = _root(state.objects, entry.service[0])
        key = key_of(entry.configuration.kind)
        item = state.objects.get(key, "", entry.configuration.name)
        if root and item is not None and _patcher(state, entry):
            bundle = base64.b64encode(root.encode()).decode()
            state = state.put(key, _mended(item, entry.index, bundle))
    return state
