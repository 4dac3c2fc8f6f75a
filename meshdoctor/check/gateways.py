"""Gateways: their pods are ready, a Service leads to them, and Gateway objects select them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_users import has_ready_endpoint
from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, failed_if, judged, skipped
from meshdoctor.model.kinds import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    GATEWAY,
    GATEWAY_CLASS,
    KUBERNETES_GATEWAY,
    POD,
    SERVICE,
)
from meshdoctor.model.pod import PROXY_CONTAINER, is_gateway
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

NONE = "no gateway is installed"
_CONTROLLERS = ("istio.io/gateway-controller", "istio.io/mesh-controller")
"""istiod's own names in GatewayClasses: gateways and waypoints that it deploys."""


def _is_made_of_proxies(workload: Workload) -> bool:
    """Whether a workload's pods are nothing but proxies, by its pods or by its template."""
    if any(map(is_gateway, workload.running_pods)):
        return True
    if workload.resource is None or workload.template_labels.get("app") == "ztunnel":
        return False
    containers = as_list(workload.resource.get("spec", "template", "spec", "containers"))
    return [as_mapping(item).get("name") for item in containers] == [PROXY_CONTAINER]


def gateways(mesh: Snapshot) -> tuple[Workload, ...]:
    """Every ingress, egress and waypoint workload, scaled to zero or not."""
    return tuple(item for item in mesh.workloads.all if _is_made_of_proxies(item))


def _ready(mesh: Snapshot) -> Result:
    found = gateways(mesh)
    if not found:
        return skipped(NONE)
    failures, warnings = [], []
    for workload in found:
        ready, wanted = len(workload.ready_pods), workload.wanted
        if wanted == 0:
            failures.append(f"{workload} is scaled to zero")
        elif not ready:
            failures.append(f"{workload} has no pod that is ready")
        elif wanted is not None and ready < wanted:
            warnings.append(f"{workload} has {ready} of {wanted} replicas ready")
    return judged(failures, warnings, ", ".join(map(str, found)))


def _services_of(mesh: Snapshot, workload: Workload) -> list[Resource]:
    labels = workload.template_labels
    return [
        item
        for item in mesh.catalog.within(SERVICE, workload.namespace)
        if (selector := as_strings(item.spec.get("selector"))) and matches_labels(selector, labels)
    ]


def _has_endpoint(mesh: Snapshot, service: Resource) -> bool:
    return any(
        has_ready_endpoint(piece)
        for piece in mesh.catalog.within(ENDPOINT_SLICE, service.namespace)
        if piece.labels.get("kubernetes.io/service-name") == service.name
    )


def _served(mesh: Snapshot) -> Result:
    found = gateways(mesh)
    if not found:
        return skipped(NONE)
    failures, warnings = [], []
    for workload in found:
        services = _services_of(mesh, workload)
        if not services:
            # One on the host's network needs none.
            warnings.append(f"no Service selects {workload}")
        failures += [
            f"{service} has no ready endpoint"
            for service in services
            if not _has_endpoint(mesh, service)
        ]
    return judged(failures, warnings)


def _addresses(mesh: Snapshot) -> Result:
    services = {
        str(service): service
        for workload in gateways(mesh)
        for service in _services_of(mesh, workload)
        if service.spec.get("type") == "LoadBalancer"
    }
    if not services:
        return skipped("no gateway's Service is of type LoadBalancer")
    return failed_if(
        f"{name} has no address yet"
        for name, service in services.items()
        if not as_list(as_mapping(service.status.get("loadBalancer")).get("ingress"))
    )


def _selected(mesh: Snapshot) -> Result:
    written = mesh.catalog.of(GATEWAY)
    if not written:
        return skipped("there are no Gateway objects")
    # A gateway that is scaled to zero is installed all the same: another check says so.
    labels = [pod.labels for pod in mesh.proxy_pods]
    labels += [workload.template_labels for workload in gateways(mesh)]
    return failed_if(
        f"{item} selects no pod ({_selector_text(item)})"
        for item in written
        if not any(matches_labels(_selector(item), each) for each in labels)
    )


def _selector(gateway: Resource) -> dict[str, str]:
    return as_strings(gateway.spec.get("selector"))


def _selector_text(gateway: Resource) -> str:
    return ",".join(f"{key}={value}" for key, value in _selector(gateway).items()) or "no selector"


def _ours(mesh: Snapshot) -> Iterator[Resource]:
    """Gateways of the Gateway API of which istiod is in charge."""
    classes = {
        item.name
        for item in mesh.catalog.of(GATEWAY_CLASS)
        if item.spec.get("controllerName") in _CONTROLLERS
    }
    for item in mesh.catalog.of(KUBERNETES_GATEWAY):
        if str(item.spec.get("gatewayClassName")) in classes:
            yield item


def _unmet(gateway: Resource) -> str:
    conditions = list(map(as_mapping, as_list(gateway.status.get("conditions"))))
    for wanted in ("Accepted", "Programmed"):
        found = next((item for item in conditions if item.get("type") == wanted), None)
        if found is None:
            return f"{gateway} has no condition {wanted}: nobody has looked at it"
        if found.get("status") != "True":
            return f"{gateway} is not {wanted}: {found.get('message') or found.get('reason')}"
    return ""


def _programmed(mesh: Snapshot) -> Result:
    ours = list(_ours(mesh))
    if not ours:
        return skipped("there are no Gateways of the Gateway API that istiod serves")
    return failed_if(filter(None, map(_unmet, ours)))


CHECKERS = (
    MeshChecker(
        id="gateways-ready",
        description="every gateway and waypoint has pods that are ready",
        needs=(DEPLOYMENT, POD),
        check=_ready,
    ),
    MeshChecker(
        id="gateway-services",
        description="a Service with ready endpoints leads to every gateway",
        needs=(DEPLOYMENT, POD, SERVICE, ENDPOINT_SLICE),
        check=_served,
    ),
    MeshChecker(
        id="gateway-addresses",
        description="every gateway's load balancer has an address",
        warning=True,
        needs=(DEPLOYMENT, POD, SERVICE),
        check=_addresses,
    ),
    MeshChecker(
        id="gateway-selectors",
        description="every Gateway object selects a gateway that is installed",
        needs=(GATEWAY, POD),
        check=_selected,
    ),
    MeshChecker(
        id="gateway-api-programmed",
        description="every Gateway of the Gateway API is accepted and programmed",
        needs=(KUBERNETES_GATEWAY, GATEWAY_CLASS),
        check=_programmed,
    ),
)
