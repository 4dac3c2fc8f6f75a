"""Objects of the Kubernetes Gateway API that are istiod's to handle, and whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.kinds import GATEWAY_CLASS, KUBERNETES_GATEWAY
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CONTROLLERS = "istio.io/"
"""Prefix of the controller names that istiod answers to (pkg/config/constants)."""
_OWN_CLASSES = ("istio", "istio-remote", "istio-waypoint", "istio-east-west")
_MESH_PARENTS = ("Service", "ServiceEntry")


def is_istios_class(mesh: Snapshot, name: str) -> bool:
    """Whether a GatewayClass is Istio's: by its controller, or by name where it was not read."""
    found = mesh.catalog.find(GATEWAY_CLASS, "", name)
    if found is None:
        return name in _OWN_CLASSES
    return str(found.spec.get("controllerName") or "").startswith(CONTROLLERS)


def is_istios_gateway(mesh: Snapshot, gateway: Resource) -> bool:
    """Whether a Gateway is of one of Istio's classes."""
    return is_istios_class(mesh, str(gateway.spec.get("gatewayClassName") or ""))


def istios_gateways(mesh: Snapshot) -> tuple[Resource, ...]:
    """The Gateways that istiod should handle."""
    found = mesh.catalog.of(KUBERNETES_GATEWAY)
    return tuple(item for item in found if is_istios_gateway(mesh, item))


def is_istios_route(mesh: Snapshot, route: Resource) -> bool:
    """Whether a route hangs on a Gateway of Istio's, or on a Service of the mesh."""
    for parent in map(as_mapping, as_list(route.spec.get("parentRefs"))):
        if parent.get("kind") in _MESH_PARENTS:
            return True
        namespace = str(parent.get("namespace") or route.namespace)
        gateway = mesh.catalog.find(KUBERNETES_GATEWAY, namespace, str(parent.get("name")))
        if gateway is not None and is_istios_gateway(mesh, gateway):
            return True
    return False


def is_answered(item: Resource) -> bool:
    """Whether istiod wrote a status on an object.

    A Gateway has conditions whose reason is not the API server's ``Pending``; a route has a parent
    of an Istio controller.
    """
    if item.kind == KUBERNETES_GATEWAY:
        conditions = map(as_mapping, as_list(item.status.get("conditions")))
        return any(entry.get("reason") != "Pending" for entry in conditions)
    parents = map(as_mapping, as_list(item.status.get("parents")))
    return any(str(entry.get("controllerName") or "").startswith(CONTROLLERS) for entry in parents)
