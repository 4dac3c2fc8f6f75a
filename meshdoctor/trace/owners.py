"""The Kubernetes objects behind parts of a proxy's configuration that carry no back-pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind, target_port, templates_behind
from meshdoctor.intent.gateway_servers import servers
from meshdoctor.intent.gateways import gateway_pods
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.intent.sidecar_scope import sidecar_for
from meshdoctor.model.kinds import GATEWAY, SERVICE
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_POLICY = "outboundTrafficPolicy"


def services_before(mesh: Snapshot, pod: Resource) -> tuple[ServiceHost, ...]:
    """The Services that select a pod."""
    found = []
    for item in mesh.catalog.within(SERVICE, pod.namespace):
        selector = as_strings(item.spec.get("selector"))
        if selector and matches_labels(selector, pod.labels):
            host = mesh.registry.service(f"{item.name}.{item.namespace}.svc.{mesh.registry.domain}")
            found += [host] if host is not None else []
    return tuple(found)


def services_at(mesh: Snapshot, pod: Resource, number: int) -> tuple[str, ...]:
    """The Services that lead to a port of a pod."""
    return tuple(
        str(service.resource)
        for service in services_before(mesh, pod)
        if any(target_port(port, pod) == number for port in service.ports)
    )


def leading_ports(mesh: Snapshot, pod: Resource, number: int) -> set[int]:
    """The ports of Services that lead to a port of a pod, and that port itself."""
    return {
        port.number
        for service in services_before(mesh, pod)
        for port in service.ports
        if target_port(port, pod) == number
    } | {number}


def gateways_at(mesh: Snapshot, pod: Resource, number: int) -> tuple[str, ...]:
    """The Gateways that configure a gateway's pod, with a server for one of the pod's ports."""
    leading = leading_ports(mesh, pod, number)
    return tuple(
        str(gateway)
        for gateway in mesh.catalog.of(GATEWAY)
        if any(server.port in leading for server in servers(gateway))
        and pod in gateway_pods(mesh, gateway)
    )


def unknown_hosts_objects(mesh: Snapshot, pod: Resource) -> tuple[str, ...]:
    """What keeps a pod from calling hosts that its proxy does not know: a Sidecar, mesh config."""
    sidecar = sidecar_for(mesh, pod)
    found = [str(sidecar)] if sidecar is not None else []
    own = sidecar.spec.get(_POLICY) if sidecar is not None else None
    if not as_mapping(own).get("mode"):
        found.append(mesh_config(mesh, pod).name)
    return tuple(found)


def backends_of(mesh: Snapshot, cluster: Cluster) -> tuple[str, ...]:
    """The workloads that a cluster's Services select, with or without pods."""
    found: dict[str, None] = {}
    for item in cluster.services:
        service = mesh.registry.service(item.host)
        if service is None:
            continue
        found.update((str(mesh.workloads.owning(pod)), None) for pod in pods_behind(mesh, service))
        found.update((str(workload), None) for workload in templates_behind(mesh, service))
    return tuple(found)
