"""Which pods stand behind a service, and at which port each of them should answer.

Kubernetes' endpoints controller joins ``spec.selector`` with pod labels in the Service's own
namespace; a subset narrows that by its labels (DestinationRule.Subset.labels).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.gateways import MANAGED_GATEWAY, makes_gateways
from meshdoctor.model.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    STATEFUL_SET,
    WORKLOAD_ENTRY,
)
from meshdoctor.model.pod import (
    container_ports,
    is_finished,
    is_gateway,
    is_istiod,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

BACKEND_KINDS: tuple[Kind, ...] = (POD, DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
"""What must have been read before it can be said that a selector matches nothing."""
_TEMPLATE_KINDS = frozenset({DEPLOYMENT.name, STATEFUL_SET.name, DAEMON_SET.name})
_SERVICE_NAME = "kubernetes.io/service-name"
_SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})


@lru_cache(maxsize=2)
def services_with_selector(mesh: Snapshot) -> dict[str, tuple[ServiceHost, ...]]:
    """The Kubernetes Services that select pods, by namespace."""
    found: dict[str, list[ServiceHost]] = {}
    for service in mesh.registry.hosts:
        if service.is_kubernetes and service.selector:
            found.setdefault(service.namespace, []).append(service)
    return {namespace: tuple(services) for namespace, services in found.items()}


def labels_of(service: ServiceHost, subset: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels a pod needs to stand behind a service, and behind a subset of it."""
    return {**service.selector, **(subset or {})}


def pods_behind(
    mesh: Snapshot, service: ServiceHost, subset: Mapping[str, str] | None = None
) -> tuple[Resource, ...]:
    """The pods that are selected now; those that ran to their end or are being deleted are not.

    Args:
        mesh: the snapshot.
        service: whose selector is asked; one without a selector selects nothing.
        subset: labels of a subset, which a pod needs as well.
    """
    if not service.selector:
        return ()
    wanted = labels_of(service, subset)
    # A subset that asks for another value of a selector's own label selects nothing.
    if not matches_labels(service.selector, wanted):
        return ()
    return tuple(
        pod
        for pod in mesh.catalog.pods_matching(service.namespace, wanted)
        if not is_finished(pod) and not is_terminating(pod)
    )


def templates_behind(
    mesh: Snapshot, service: ServiceHost, subset: Mapping[str, str] | None = None
) -> tuple[Workload, ...]:
    """The Deployments, StatefulSets and DaemonSets whose pods would be selected."""
    wanted = labels_of(service, subset)
    if not service.selector or not matches_labels(service.selector, wanted):
        return ()
    return tuple(
        workload
        for workload in _templates_by_namespace(mesh).get(service.namespace, ())
        if matches_labels(wanted, workload.template_labels)
    )


@lru_cache(maxsize=2)
def _templates_by_namespace(mesh: Snapshot) -> dict[str, tuple[Workload, ...]]:
    found: dict[str, list[Workload]] = {}
    for workload in mesh.workloads.all:
        if workload.kind in _TEMPLATE_KINDS and workload.resource is not None:
            found.setdefault(workload.namespace, []).append(workload)
    return {namespace: tuple(items) for namespace, items in found.items()}


def former_pods_behind(mesh: Snapshot, service: ServiceHost) -> tuple[Resource, ...]:
    """Pods that the selector picks and that serve no more: finished, or being deleted."""
    if not service.selector:
        return ()
    return tuple(
        pod
        for pod in mesh.catalog.pods_matching(service.namespace, service.selector)
        if is_finished(pod) or is_terminating(pod)
    )


def workload_entry_labels(entry: Resource) -> dict[str, str]:
    """The labels of the workload that a WorkloadEntry stands for.

    istiod merges those of the object into those of its spec, and they win
    (pilot/pkg/serviceregistry/serviceentry/conversion.go, ``ConvertWorkloadEntry``).
    """
    return {**as_strings(entry.spec.get("labels")), **entry.labels}


def workload_entries_behind(mesh: Snapshot, service: ServiceHost) -> tuple[Resource, ...]:
    """WorkloadEntries that the selector picks: istiod serves them beside pods."""
    return tuple(
        entry
        for entry in mesh.catalog.within(WORKLOAD_ENTRY, service.namespace)
        if service.selector and matches_labels(service.selector, workload_entry_labels(entry))
    )


def target_port(port: ServicePort, pod: Resource) -> int | None:
    """The port of this pod that a Service port leads to.

    Returns:
        The number; None when ``targetPort`` is a name that no container of the pod declares,
        so that Kubernetes makes no endpoint of it.
    """
    if isinstance(port.target, int):
        return port.target
    return container_ports(pod).get(port.target)


@lru_cache(maxsize=2)
def _slices_by_service(mesh: Snapshot) -> dict[tuple[str, str], tuple[Resource, ...]]:
    found: dict[tuple[str, str], list[Resource]] = {}
    for item in mesh.catalog.of(ENDPOINT_SLICE):
        name = item.labels.get(_SERVICE_NAME)
        if name:
            found.setdefault((item.namespace, name), []).append(item)
    return {key: tuple(items) for key, items in found.items()}


def endpoint_slices(mesh: Snapshot, service: ServiceHost) -> tuple[Resource, ...]:
    """The EndpointSlices of a Service."""
    return _slices_by_service(mesh).get((service.namespace, service.resource.name), ())


def ready_addresses(slices: tuple[Resource, ...]) -> Iterator[str]:
    """Addresses of the endpoints that are ready.

    An absent ``ready`` condition counts as ready (discovery.k8s.io EndpointConditions).
    """
    for item in slices:
        for value in as_list(item.raw.get("endpoints")):
            endpoint = as_mapping(value)
            if as_mapping(endpoint.get("conditions")).get("ready") is not False:
                yield from (text for text in as_list(endpoint.get("addresses")) if text)


def serves_mesh_itself(mesh: Snapshot, service: ServiceHost) -> bool:
    """Whether a Service belongs to the cluster or the mesh rather than to an application.

    That is istiod's, a gateway's or waypoint's, and everything in the system namespaces: other
    playbooks speak of them.
    """
    resource = service.resource
    if service.namespace in _SYSTEM_NAMESPACES or service.namespace == mesh.root_namespace:
        return True
    if MANAGED_GATEWAY in resource.labels:
        return True
    pods = pods_behind(mesh, service)
    if pods:
        return any(is_istiod(pod) or is_gateway(pod) for pod in pods)
    return any(makes_gateways(workload) for workload in templates_behind(mesh, service))
