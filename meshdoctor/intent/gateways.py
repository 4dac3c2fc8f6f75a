"""Which proxies a Gateway configures, and which workloads are gateways.

A Gateway configures proxies of type router alone, those that carry its selector's labels in any
namespace; without a selector all of them. istiod's environment variable
PILOT_SCOPE_GATEWAY_TO_NAMESPACE restricts that to the Gateway's own namespace
(networking.istio.io Gateway.selector; pilot/pkg/model/push_context.go, ``mergeGateways``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    PROXY_CONTAINER,
    containers,
    is_finished,
    is_gateway,
    is_istiod,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
"""Set by istiod on what it runs for a Gateway of the Kubernetes Gateway API."""
MANAGED_GATEWAY = "gateway.istio.io/managed"
"""Set on the same, with the controller that manages it."""
_SCOPED = "PILOT_SCOPE_GATEWAY_TO_NAMESPACE"
_OTHER_TYPES = ("sidecar", "waypoint", "ztunnel")


def is_router(pod: Resource) -> bool:
    """Whether a pod's proxy runs as a router (``pilot-agent proxy router``): Gateways are for it.

    Where the container's arguments do not say, a pod that is nothing but a proxy counts as one.
    """
    for _, item in containers(pod):
        words = as_list(item.get("args"))
        if item.get("name") == PROXY_CONTAINER and "proxy" in words:
            return "router" in words or not any(word in words for word in _OTHER_TYPES)
    return is_gateway(pod)


@lru_cache(maxsize=2)
def _routers(mesh: Snapshot) -> tuple[Resource, ...]:
    return tuple(pod for pod in mesh.proxy_pods if is_router(pod) and not is_finished(pod))


@lru_cache(maxsize=2)
def _own_namespace_only(mesh: Snapshot) -> bool:
    """Whether istiod looks for a Gateway's proxies in its own namespace only."""
    for pod in mesh.catalog.of(POD):
        if not is_istiod(pod):
            continue
        for _, item in containers(pod):
            if item.get("name") == ISTIOD_CONTAINER:
                found = map(as_mapping, as_list(item.get("env")))
                if any(one.get("name") == _SCOPED and _is_true(one.get("value")) for one in found):
                    return True
    return False


def _is_true(value: object) -> bool:
    """As Go's ``strconv.ParseBool`` reads it."""
    return value in ("1", "t", "T", "true", "TRUE", "True")


def _selects(mesh: Snapshot, gateway: Resource, namespace: str, labels: dict[str, str]) -> bool:
    if namespace != gateway.namespace and _own_namespace_only(mesh):
        return False
    return matches_labels(as_strings(gateway.spec.get("selector")), labels)


def gateway_pods(mesh: Snapshot, gateway: Resource) -> tuple[Resource, ...]:
    """The pods that a Gateway configures now; without a selector every router."""
    return tuple(
        pod for pod in _routers(mesh) if _selects(mesh, gateway, pod.namespace, pod.labels)
    )


def makes_gateways(workload: Workload) -> bool:
    """Whether the pods of a template are gateways: by annotation, label or their containers.

    The annotation is ``inject.istio.io/templates``, which injection reads.
    """
    if workload.resource is None:
        return False
    template = as_mapping(workload.resource.spec.get("template"))
    metadata = as_mapping(template.get("metadata"))
    if "gateway" in as_strings(metadata.get("annotations")).get("inject.istio.io/templates", ""):
        return True
    if MANAGED_GATEWAY in as_strings(metadata.get("labels")):
        return True
    names = [
        as_mapping(item).get("name")
        for item in as_list(as_mapping(template.get("spec")).get("containers"))
    ]
    return names == [PROXY_CONTAINER] and workload.template_labels.get("app") != "ztunnel"


@lru_cache(maxsize=2)
def gateway_workloads(mesh: Snapshot) -> tuple[Workload, ...]:
    """Every workload that is nothing but gateways, by its template or its pods: waypoints too."""
    return tuple(
        workload
        for workload in mesh.workloads.all
        if makes_gateways(workload) or any(is_gateway(pod) for pod in workload.running_pods)
    )


def configures(mesh: Snapshot, gateway: Resource, workload: Workload) -> bool:
    """Whether a Gateway is for the pods that a workload has or would have."""
    return _selects(mesh, gateway, workload.namespace, workload.template_labels)
