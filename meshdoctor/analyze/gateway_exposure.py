"""Whether clients get as far as the gateway: its Service has the port, and an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.gateway_findings import (
    cannot_tell,
    passes,
    problem,
    recent_calls,
    router_proxies,
)
from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.intent.gateway_servers import Server, is_wanted, served_by, servers
from meshdoctor.intent.gateway_workloads import (
    host_ports,
    open_ports,
    router_pods,
    services_before,
)
from meshdoctor.model.kinds import GATEWAY, POD, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.pod import host_network
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Finding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PORT_NOT_EXPOSED = "MD0610"
ADDRESS_PENDING = "MD0611"
_OTHER_TYPES = ("ClusterIP", "NodePort", "ExternalName")
"""Types of Service for which nobody gives out an address."""
_MOST_SHOWN = 4
_PATIENCE = timedelta(minutes=1)
"""How long a load balancer may take before its silence is worth a word, and how fresh a request
must be to show that the gateway is reached without it."""


def _reached_without_service(pod: Resource, port: int) -> bool:
    return host_network(pod) or port in host_ports(pod)


def _port_fills(server: Server, services: tuple[ServiceHost, ...]) -> dict[str, str]:
    first = services[0]
    ports = as_list(first.resource.spec.get("ports"))
    name = f"{server.protocol.lower() or 'tcp'}-{server.port}"
    # The pod listens on the server's own port where no Service port translates it.
    new = {"name": name, "port": server.port, "targetPort": server.port, "protocol": "TCP"}
    added = {"op": "add", "path": "/spec/ports/-", "value": new}
    taken = {"op": "remove", "path": f"/spec/ports/{len(ports)}"}
    exposed = sorted({port.number for port in first.ports if port.name != "status-port"})
    command, undo = "", ""
    if exposed:
        command, undo = replace_value(server.gateway, server.path("port", "number"), exposed[0])
    return {
        "port": str(server.port),
        "service": f"{first.namespace}/{first.resource.name}",
        "exposed": ", ".join(map(str, exposed)) or "none",
        "command": json_patch(first.resource, [added]),
        "undo": json_patch(first.resource, [taken]),
        "move": command or f"kubectl edit service {first.resource.name} -n {first.namespace}",
        "move_back": undo or "nothing to undo: this only opens an editor",
    }


def _not_exposed(mesh: Snapshot, server: Server, services: tuple[ServiceHost, ...]) -> Finding:
    gateway, fills = server.gateway, _port_fills(server, services)
    names = ", ".join(str(service.resource) for service in services)
    message = (
        f"{gateway} has a server on port {server.port}, and {names} before its pods has no such "
        f"port ({fills['exposed']} only)"
    )
    return problem(
        mesh,
        PORT_NOT_EXPOSED,
        gateway,
        message,
        objects=(str(gateway), *(str(service.resource) for service in services)),
        facts=(
            holds(
                "server-port-not-on-service",
                message,
                gateway.evidence(*server.path("port", "number")),
                *(service.resource.evidence("spec", "ports") for service in services[:3]),
            ),
        ),
        servers=(server,),
        fills=fills,
        root=bool(served_by(mesh, server)) or not mesh.catalog.known(VIRTUAL_SERVICE),
    )


def _ports(
    mesh: Snapshot, gateway: Resource, services: tuple[ServiceHost, ...]
) -> Iterator[Finding]:
    pods = router_pods(mesh, gateway)
    for server in servers(gateway):
        if server.port is None or any(_reached_without_service(p, server.port) for p in pods):
            continue
        leading = [item for item in services if server.port in open_ports(item, pods)]
        if leading:
            message = f"{leading[0].resource} leads to port {server.port} of {gateway}"
            evidence = leading[0].resource.evidence("spec", "ports")
            yield passes(PORT_NOT_EXPOSED, gateway, message, "port-exposed", evidence)
        elif services:
            yield _not_exposed(mesh, server, services)


def _has_address(service: Resource) -> bool:
    return bool(
        as_list(as_mapping(service.status.get("loadBalancer")).get("ingress"))
        or as_list(service.spec.get("externalIPs"))
    )


def _is_new(mesh: Snapshot, service: Resource) -> bool:
    return service.created is not None and service.created > mesh.now - _PATIENCE


def _is_reached(mesh: Snapshot, gateway: Resource) -> bool:
    """Whether somebody gets through to a backend all the same (by node port, or from within)."""
    since = mesh.now - _PATIENCE
    if gateway.created is not None:
        since = max(since, gateway.created)
    calls = recent_calls(mesh, router_proxies(mesh, gateway))
    return any(0 < call.entry.code < 400 and call.time >= since for call in calls)


def _pending(mesh: Snapshot, gateway: Resource, service: Resource) -> Finding:
    message = f"{service} is of type LoadBalancer and has no address from outside yet"
    kept, back = replace_value(service, ("spec", "type"), "NodePort")
    return problem(
        mesh,
        ADDRESS_PENDING,
        gateway,
        message,
        objects=(str(service), str(gateway)),
        facts=(
            holds(
                "load-balancer-without-address",
                message,
                service.evidence("spec", "type"),
                service.evidence("status", "loadBalancer"),
            ),
        ),
        servers=servers(gateway),
        fills={"service": f"{service.namespace}/{service.name}", "command": kept, "undo": back},
        root=is_wanted(mesh, gateway)
        and not _is_new(mesh, service)
        and not _is_reached(mesh, gateway),
    )


def _addresses(
    mesh: Snapshot, gateway: Resource, services: tuple[ServiceHost, ...]
) -> Iterator[Finding]:
    balanced = [s.resource for s in services if s.resource.spec.get("type") == "LoadBalancer"]
    with_address = [item for item in balanced if _has_address(item)]
    if with_address:
        message = f"{with_address[0]} has an address"
        path: tuple[str, ...] = ("spec", "externalIPs")
        if as_list(as_mapping(with_address[0].status.get("loadBalancer")).get("ingress")):
            path = ("status", "loadBalancer", "ingress")
        evidence = with_address[0].evidence(*path)
        yield passes(ADDRESS_PENDING, gateway, message, "address-there", evidence)
    elif balanced:
        yield _pending(mesh, gateway, balanced[0])
    elif services and all(s.resource.spec.get("type") in _OTHER_TYPES for s in services):
        resource = services[0].resource
        message = f"{resource} is of type {resource.spec['type']}: it asks for no load balancer"
        shown = [item.resource.evidence("spec", "type") for item in services[:_MOST_SHOWN]]
        yield passes(ADDRESS_PENDING, gateway, message, "no-load-balancer-asked", *shown)


@dataclass(frozen=True, slots=True)
class GatewayExposure:
    """Every server of a Gateway can be reached through a Service."""

    name: str = "gateway-exposure"
    description: str = "A Service leads to every server of a Gateway, and has an address."
    inputs: tuple[str, ...] = (GATEWAY.input, VIRTUAL_SERVICE.input, SERVICE.input, POD.input)
    codes: tuple[str, ...] = (PORT_NOT_EXPOSED, ADDRESS_PENDING)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the Services before each Gateway that has pods."""
        needs = mesh.catalog.unread(POD, SERVICE)
        for gateway in mesh.catalog.of(GATEWAY):
            if needs:
                message = f"It cannot be told which Services lead to {gateway}"
                yield cannot_tell(PORT_NOT_EXPOSED, gateway, message, needs)
                yield cannot_tell(ADDRESS_PENDING, gateway, message, needs)
            elif router_pods(mesh, gateway):
                services = services_before(mesh, gateway)
                yield from _ports(mesh, gateway, services)
                yield from _addresses(mesh, gateway, services)


ANALYZER = GatewayExposure()
