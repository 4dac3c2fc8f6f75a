"""What a host name means to the caller, and the address it connects to."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import endpoint_slices, ready_addresses, target_port
from meshdoctor.model.kinds import SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the caller's connection goes, before anything captures it."""

    host: str
    """Fully qualified where it is a name of the cluster."""
    address: str
    """The original destination; empty where only DNS outside the cluster would tell."""
    service: ServiceHost | None
    """The Kubernetes Service, or the ServiceEntry; None for a host that nothing declares."""
    port: ServicePort | None
    pod: Resource | None = None
    """The pod itself, where the caller names its address."""

    @property
    def is_known(self) -> bool:
        """Whether an object declares the host."""
        return self.service is not None or self.pod is not None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def candidates(mesh: Snapshot, host: str, namespace: str) -> Iterator[str]:
    """Names that a pod's resolver tries, in its order (``ndots:5`` and the search list)."""
    name = host.rstrip(".").lower()
    domain = mesh.registry.domain
    if not host.endswith("."):
        yield f"{name}.{namespace}.svc.{domain}"
        yield f"{name}.svc.{domain}"
        yield f"{name}.{domain}"
    yield name


def _address(service: ServiceHost, mesh: Snapshot) -> str:
    if not service.is_kubernetes:
        spec = service.resource.spec
        declared = [str(item).partition("/")[0] for item in as_list(spec.get("addresses"))]
        assigned = [
            str(as_mapping(item).get("value") or "")
            for item in as_list(service.resource.status.get("addresses"))
        ]
        return next((item for item in (*declared, *assigned) if item), "")
    if service.is_headless:
        return next(iter(sorted(ready_addresses(endpoint_slices(mesh, service)))), "")
    address = service.resource.spec.get("clusterIP")
    return address if isinstance(address, str) and address not in ("", "None") else ""


def _by_address(mesh: Snapshot, address: str) -> ServiceHost | None:
    for service in mesh.catalog.of(SERVICE):
        if address in (service.spec.get("clusterIP"), *as_list(service.spec.get("clusterIPs"))):
            host = f"{service.name}.{service.namespace}.svc.{mesh.registry.domain}"
            return mesh.registry.service(host)
    return None


def resolve(mesh: Snapshot, request: Request) -> Destination:
    """What the request's host means to its client.

    Args:
        mesh: the snapshot.
        request: whose host may be a short name, an address, or a name outside the cluster.
    """
    host = request.host.strip("[]")
    if _is_address(host):
        service = _by_address(mesh, host)
        pod = None if service else mesh.pod_at(host)
        port = service.port(request.port) if service else None
        return Destination(service.host if service else host, host, service, port, pod)
    for name in candidates(mesh, host, request.client.namespace):
        found = mesh.registry.find(name)
        if not found:
            continue
        # The Service's address is what DNS gives, whatever ServiceEntry shadows its name.
        service = next((item for item in found if item.is_kubernetes), found[0])
        return Destination(name, _address(service, mesh), service, service.port(request.port))
    return Destination(host.rstrip(".").lower(), "", None, None)


def pods_reached(
    mesh: Snapshot, destination: Destination, number: int
) -> tuple[tuple[Resource | None, str, int], ...]:
    """What kube-proxy leads a connection to: pod (None when no such pod is known), address, port.

    Args:
        mesh: the snapshot.
        destination: of a caller whose connections no proxy takes.
        number: the port it asks for.
    """
    if destination.pod is not None:
        return ((destination.pod, destination.address, number),)
    service, port = destination.service, destination.port
    if service is None or port is None:
        return ()
    if not service.is_kubernetes:
        return ((None, destination.address or destination.host, number),)
    found = []
    for address in sorted(ready_addresses(endpoint_slices(mesh, service))):
        pod = mesh.pod_at(address)
        if service.is_headless:
            target: int | None = number
        elif pod is not None:
            target = target_port(port, pod)
        else:
            target = port.target if isinstance(port.target, int) else None
        if target is not None:
            found.append((pod, address, target))
    return tuple(found)
