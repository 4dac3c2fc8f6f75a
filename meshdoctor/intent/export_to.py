"""Which namespaces an object lets see it: ``exportTo`` of Services and Istio's own kinds.

A Service says it in the annotation ``networking.istio.io/exportTo``; where an object says nothing,
MeshConfig's ``default…ExportTo`` decides (pilot/pkg/model/push_context.go, ``IsServiceVisible``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    SERVICE,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

ANNOTATION = "networking.istio.io/exportTo"
"""Where a Service says who may see it."""
_DEFAULTS = {
    SERVICE: "defaultServiceExportTo",
    SERVICE_ENTRY: "defaultServiceExportTo",
    VIRTUAL_SERVICE: "defaultVirtualServiceExportTo",
    DESTINATION_RULE: "defaultDestinationRuleExportTo",
}


def written_export(resource: Resource) -> tuple[str, ...]:
    """What the object itself says; empty when it says nothing."""
    if resource.kind is SERVICE:
        text = resource.annotations.get(ANNOTATION, "")
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return tuple(str(item) for item in as_list(resource.spec.get("exportTo")))


def export_path(resource: Resource) -> tuple[str, ...]:
    """Where the object says it."""
    if resource.kind is SERVICE:
        return ("metadata", "annotations", ANNOTATION)
    return ("spec", "exportTo")


def default_key(resource: Resource) -> str:
    """The field of MeshConfig that counts for objects of this kind that say nothing."""
    return _DEFAULTS[resource.kind]


def exports(mesh: Snapshot, resource: Resource) -> tuple[str, ...]:
    """The namespaces that see an object: names, ``.`` for its own, ``*`` for all, ``~`` none."""
    written = written_export(resource)
    if written:
        return written
    default = as_list(mesh_config(mesh).settings.get(default_key(resource)))
    return tuple(str(item) for item in default) or ("*",)


def is_exported(mesh: Snapshot, resource: Resource, namespace: str) -> bool:
    """Whether proxies of a namespace may see an object."""
    targets = exports(mesh, resource)
    own = resource.namespace == namespace
    return "*" in targets or namespace in targets or (own and "." in targets)
