"""Native or classic: where the injector puts a sidecar, and a pattern turned into the other form.

By the pod's annotation, then by the setting of the istiod that injects; a mesh in which neither
says anything goes on as its pods show it (pkg/kube/inject, ``ENABLE_NATIVE_SIDECARS``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.injecting_default import native_by_default
from meshdoctor.drill.objects import DEPLOYMENTS, annotations_of, labels_of, spec_of
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

NATIVE = "sidecar.istio.io/nativeSidecar"
"""Of a pod; since Istio 1.24, and stronger than istiod's setting."""
SETTING = "ENABLE_NATIVE_SIDECARS"
_STATUS = "sidecar.istio.io/status"
_STARTS = {
    "failureThreshold": 600,
    "httpGet": {"path": "/healthz/ready", "port": 15021, "scheme": "HTTP"},
    "periodSeconds": 1,
    "timeoutSeconds": 3,
}
"""A native sidecar holds the others back until it is ready."""


def istiod_container(objects: Objects, revision: str) -> Mapping[str, Any]:
    """The container of a revision's istiod, as its Deployment has it; empty where it was not read.

    Args:
        objects: what there is.
        revision: of the control plane.
    """
    for deployment in objects.all(DEPLOYMENTS):
        template = as_mapping(spec_of(deployment).get("template"))
        labels = as_mapping(as_mapping(template.get("metadata")).get("labels"))
        own = labels.get(REVISION) or labels_of(deployment).get(REVISION) or DEFAULT_REVISION
        for container in map(
            as_mapping, as_list(as_mapping(template.get("spec")).get("containers"))
        ):
            if container.get("name") == ISTIOD_CONTAINER and own == revision:
                return container
    return {}


def _setting(objects: Objects, revision: str) -> str:
    for variable in map(as_mapping, as_list(istiod_container(objects, revision).get("env"))):
        if variable.get("name") == SETTING:
            return str(variable.get("value") or "").lower()
    return ""


def wants_native(state: State, revision: str, annotations: Mapping[str, str]) -> bool | None:
    """Whether a new pod gets a native sidecar; None where it is as in other pods of the mesh.

    Args:
        state: the moment.
        revision: of the control plane that injects.
        annotations: the pod's own.
    """
    for said in (annotations.get(NATIVE, "").lower(), _setting(state.objects, revision)):
        if said in ("true", "false"):
            return said == "true"
    if _setting(state.recorded, revision) in ("true", "false"):
        # What was set by name, and is so no more, is as the release has it.
        return native_by_default(str(istiod_container(state.objects, revision).get("image")))
    return None


def in_form(model: Object, *, native: bool) -> Object:
    """An injected pod whose sidecar stands where it should.

    Args:
        model: as the injector made it, native or classic.
        native: the form that is wanted.
    """
    there, here = ("initContainers", "containers") if native else ("containers", "initContainers")
    spec = spec_of(model)
    found = [one for one in as_list(spec.get(here)) if one.get("name") == PROXY_CONTAINER]
    if not found:
        return model
    proxy = {key: value for key, value in found[0].items() if key != "restartPolicy"}
    if native:
        proxy = {**proxy, "restartPolicy": "Always"}
        proxy.setdefault("startupProbe", _STARTS)
    kept = [one for one in as_list(spec.get(here)) if one.get("name") != PROXY_CONTAINER]
    status = as_mapping(json.loads(annotations_of(model).get(_STATUS) or "{}"))
    named = [one for one in as_list(status.get(here)) if one != PROXY_CONTAINER]
    told = {**status, here: named or None, there: [*as_list(status.get(there)), PROXY_CONTAINER]}
    annotations = {**annotations_of(model), _STATUS: json.dumps(told, separators=(",", ":"))}
    return {
        **model,
        "metadata": {**as_mapping(model.get("metadata")), "annotations": annotations},
        "spec": {**spec, here: kept, there: [*as_list(spec.get(there)), proxy]},
    }
