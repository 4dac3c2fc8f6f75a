"""Which waypoint serves a service or a workload: the labels that bind, and the Gateway they name.

The label on a Service, ServiceEntry, WorkloadEntry or pod beats its namespace's, ``none`` opts out,
and ``istio.io/use-waypoint-namespace`` names a Gateway of another namespace
(pilot/pkg/serviceregistry/ambient, ``waypoints.go``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.gateways import GATEWAY_NAME
from meshdoctor.model.kinds import (
    GATEWAY_CLASS,
    KUBERNETES_GATEWAY,
    NAMESPACE,
    POD,
    SERVICE,
    SERVICE_ENTRY,
    WORKLOAD_ENTRY,
)
from meshdoctor.model.pod import is_finished, is_gateway, is_terminating
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector
from meshdoctor.model.ztunnel import HBONE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

USE_WAYPOINT = "istio.io/use-waypoint"
USE_WAYPOINT_NAMESPACE = "istio.io/use-waypoint-namespace"
WAYPOINT_FOR = "istio.io/waypoint-for"
MESH_CONTROLLER = "istio.io/mesh-controller"
"""The controller of GatewayClasses whose Gateways are waypoints."""
WAYPOINT_CLASS = "istio-waypoint"
_LABELLED = (SERVICE, SERVICE_ENTRY, WORKLOAD_ENTRY, POD)


@dataclass(frozen=True, slots=True, order=True)
class WaypointName:
    """The Gateway that a label names."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """As objects are written."""
        return f"Gateway {self.namespace}/{self.name}"

    def gateway(self, mesh: Snapshot) -> Resource | None:
        """The Gateway's object; None when there is none, or it was not read."""
        return mesh.catalog.find(KUBERNETES_GATEWAY, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Binding:
    """One labelled object and the waypoint it asks for."""

    labelled: Resource
    waypoint: WaypointName
    services: tuple[Resource, ...]
    """The Services and ServiceEntries that it binds."""


def _named(labelled: Resource, namespace: str) -> WaypointName | None:
    name = labelled.labels.get(USE_WAYPOINT, "")
    if not name or name == "none":
        return None
    return WaypointName(labelled.labels.get(USE_WAYPOINT_NAMESPACE) or namespace, name)


def binding_label(mesh: Snapshot, resource: Resource) -> Resource | None:
    """The object whose label decides for a service or pod: itself, else its namespace."""
    if resource.labels.get(USE_WAYPOINT):
        return resource
    space = mesh.catalog.find(NAMESPACE, "", resource.namespace)
    return space if space is not None and space.labels.get(USE_WAYPOINT) else None


def waypoint_of(mesh: Snapshot, resource: Resource) -> WaypointName | None:
    """The waypoint that a Service, ServiceEntry, WorkloadEntry or pod asks for."""
    labelled = binding_label(mesh, resource)
    return _named(labelled, resource.namespace) if labelled else None


def _is_waypoints_own(service: Resource) -> bool:
    return GATEWAY_NAME in service.labels


@lru_cache(maxsize=2)
def bindings(mesh: Snapshot) -> tuple[Binding, ...]:
    """Every object that asks for a waypoint, namespaces first."""
    inherited: dict[str, list[Resource]] = defaultdict(list)
    own: list[Resource] = []
    for kind in _LABELLED:
        for item in mesh.catalog.of(kind):
            if item.labels.get(USE_WAYPOINT):
                own.append(item)
            elif kind in (SERVICE, SERVICE_ENTRY) and not _is_waypoints_own(item):
                inherited[item.namespace].append(item)
    found = [
        Binding(space, waypoint, tuple(inherited.get(space.name, ())))
        for space in mesh.catalog.of(NAMESPACE)
        if (waypoint := _named(space, space.name)) is not None
    ]
    for item in own:
        waypoint = _named(item, item.namespace)
        if waypoint is not None:
            found.append(Binding(item, waypoint, (item,) if item.kind is not POD else ()))
    return tuple(found)


def bindings_to(mesh: Snapshot, waypoint: WaypointName) -> tuple[Binding, ...]:
    """The objects that ask for one waypoint."""
    return tuple(item for item in bindings(mesh) if item.waypoint == waypoint)


def waypoint_for(gateway: Resource) -> str:
    """What a waypoint serves: ``service`` (the default), ``workload``, ``all`` or ``none``."""
    return gateway.labels.get(WAYPOINT_FOR) or "service"


def class_of(gateway: Resource) -> str:
    """The name of its GatewayClass."""
    return str(gateway.spec.get("gatewayClassName") or "")


def makes_waypoints(mesh: Snapshot, name: str) -> bool | None:
    """Whether a GatewayClass of this name makes waypoints; None when classes were not read."""
    if not mesh.catalog.known(GATEWAY_CLASS):
        return True if name == WAYPOINT_CLASS else None
    found = mesh.catalog.find(GATEWAY_CLASS, "", name)
    return found is not None and found.spec.get("controllerName") == MESH_CONTROLLER


def _listens_for_mesh(gateway: Resource) -> bool:
    return any(
        as_mapping(item).get("protocol") == "HBONE" or as_mapping(item).get("port") == HBONE_PORT
        for item in as_list(gateway.spec.get("listeners"))
    )


def is_waypoint(mesh: Snapshot, gateway: Resource) -> bool:
    """Whether a Gateway is meant as a waypoint, by its class or by its HBONE listener."""
    return bool(makes_waypoints(mesh, class_of(gateway))) or _listens_for_mesh(gateway)


def waypoint_pods(mesh: Snapshot, waypoint: WaypointName) -> tuple[Resource, ...]:
    """The pods that run for a waypoint."""
    found = mesh.catalog.pods_matching(waypoint.namespace, {GATEWAY_NAME: waypoint.name})
    return tuple(
        pod for pod in found if is_gateway(pod) and not is_finished(pod) and not is_terminating(pod)
    )


def waypoint_workload(mesh: Snapshot, waypoint: WaypointName) -> Workload | None:
    """The Deployment that istiod runs for a waypoint; None when there is none."""
    for workload in mesh.workloads.within(waypoint.namespace):
        if workload.template_labels.get(GATEWAY_NAME) == waypoint.name:
            return workload
    return None


def admits(mesh: Snapshot, gateway: Resource, namespace: str) -> bool | None:
    """Whether a waypoint lets services of a namespace use it (``listeners[].allowedRoutes``).

    Returns:
        None when a label selector decides and the namespace was not read.
    """
    if namespace == gateway.namespace:
        return True
    answers = list(_admissions(mesh, gateway, namespace))
    if True in answers or not answers:
        return bool(answers)
    return None if None in answers else False


def _admissions(mesh: Snapshot, gateway: Resource, namespace: str) -> Iterator[bool | None]:
    for listener in as_list(gateway.spec.get("listeners")):
        rule = as_mapping(as_mapping(as_mapping(listener).get("allowedRoutes")).get("namespaces"))
        match rule.get("from", "Same"):
            case "All":
                yield True
            case "Selector":
                space = mesh.catalog.find(NAMESPACE, "", namespace)
                yield matches_selector(rule.get("selector"), space.labels) if space else None
            case _:
                yield False


def _wants(labelled: Resource) -> frozenset[str]:
    """The values of ``istio.io/waypoint-for`` that do for a labelled object."""
    if labelled.kind is NAMESPACE:
        return frozenset({"service", "workload", "all"})
    kind = "workload" if labelled.kind in (POD, WORKLOAD_ENTRY) else "service"
    return frozenset({kind, "all"})


def why_not_served(mesh: Snapshot, binding: Binding, gateway: Resource) -> str | None:
    """Why istiod drops a binding to a Gateway that exists; None when it does not."""
    labelled = binding.labelled
    space = labelled.namespace or labelled.name
    if admits(mesh, gateway, space) is False:
        return f"its allowedRoutes do not admit namespace {space}"
    use = waypoint_for(gateway)
    if use not in _wants(labelled):
        return f"it is for {use}, not for {labelled.kind.name}s"
    return None


def serving(mesh: Snapshot, service: Resource) -> Resource | None:
    """The Gateway whose waypoint takes the calls to a service, as far as Gateways were read."""
    waypoint = waypoint_of(mesh, service)
    gateway = waypoint.gateway(mesh) if waypoint else None
    if gateway is None or waypoint_for(gateway) not in ("service", "all"):
        return None
    return gateway if admits(mesh, gateway, service.namespace) is not False else None
