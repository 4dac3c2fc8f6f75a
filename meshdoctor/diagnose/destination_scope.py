"""Which destination a person means by ``--to``: the hosts and ports that findings may name."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from meshdoctor.diagnose.destination_text import DestinationText, read_destination
from meshdoctor.diagnose.known_hosts import configured_hosts, is_seen_by_proxies
from meshdoctor.diagnose.scope_error import ScopeError, near_matches
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.destination_rules import covers
from meshdoctor.intent.destinations import destination_routes
from meshdoctor.model.kinds import POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

Place = tuple[str, int | None]
"""A host and a port; None for any."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The destination that a person asked about."""

    places: frozenset[Place]
    loose: str = ""
    """Where nobody can tell what exists: a host, or the beginning of one."""

    def covers(self, text: str) -> bool:
        """Whether ``host[:port]`` is what was asked about."""
        host, _, number = text.partition(":")
        port = int(number) if number.isdecimal() else None
        if {(host, None), (host, port)} & self.places:
            return True
        if port is None and any(place[0] == host for place in self.places):
            return True
        return bool(self.loose) and f"{host}.".startswith(f"{self.loose}.")


def asked_destination(mesh: Snapshot, text: str, near: tuple[str, ...] = ()) -> Asked:
    """Find the destination that a person means.

    Args:
        mesh: the snapshot.
        text: ``host[:port][/path]``, a URL, ``svc/name``, a cluster's or a pod's IP.
        near: namespaces in which a name without any is looked up first.

    Raises:
        ScopeError: there is no such host, or it has no such port.
    """
    wanted = read_destination(text)
    try:
        ip_address(wanted.host)
    except ValueError:
        hosts = _hosts_meant(mesh, wanted, near)
    else:
        return _by_address(mesh, wanted)
    if not hosts:
        return _by_hearsay(mesh, wanted)
    places = {place for host in hosts for place in _places(mesh, host, wanted)}
    if not places:
        raise ScopeError(_no_such_port(mesh, hosts, wanted.port))
    return Asked(frozenset(places) | _routed_to(mesh, hosts))


def _short(mesh: Snapshot, host: str) -> str:
    """A host without the end that a cluster's DNS adds: ``ratings.shop``."""
    return host.removesuffix(f".{mesh.registry.domain}").removesuffix(".svc")


def _is_inside(mesh: Snapshot, host: str) -> bool:
    """Whether a host is one that only Services can have."""
    return host.endswith((".svc", f".svc.{mesh.registry.domain}"))


def _means(mesh: Snapshot, host: str, wanted: DestinationText) -> bool:
    name = wanted.host
    if _is_inside(mesh, host):
        if "." not in name:
            return host.partition(".")[0] == name
        return _short(mesh, host) == _short(mesh, name)
    if wanted.is_service or _is_inside(mesh, name):
        return False
    return host == name or covers(host, name)


def _hosts_meant(mesh: Snapshot, wanted: DestinationText, near: tuple[str, ...]) -> list[str]:
    found = [host for host in configured_hosts(mesh) if _means(mesh, host, wanted)]
    found = found or list(_of_headless_pod(mesh, wanted.host))
    if "." not in wanted.host:
        found = [host for host in found if _short(mesh, host).partition(".")[2] in near] or found
    if any(covers(host, wanted.host) and host != wanted.host for host in found):
        found.append(wanted.host)
    return sorted(set(found))


def _of_headless_pod(mesh: Snapshot, name: str) -> Iterator[str]:
    """The headless Service behind ``pod.service.namespace``, as StatefulSets name their pods."""
    pod_name, _, rest = name.partition(".")
    for service in mesh.registry.hosts:
        if service.is_headless and _short(mesh, rest) == _short(mesh, service.host):
            pods = mesh.catalog.within(POD, service.namespace)
            names = {str(pod.spec.get("hostname") or pod.name) for pod in pods}
            if pod_name in names or not mesh.catalog.known(POD):
                yield service.host


def _declared(mesh: Snapshot, host: str) -> list[ServiceHost]:
    """What answers to a host and says by which ports."""
    found = mesh.registry.find(host)
    return [item for item in found if item.ports and not item.is_external_name]


def _used_ports(mesh: Snapshot, host: str) -> Iterator[int]:
    """Ports that routes name, whether or not the host has them."""
    for route in destination_routes(mesh):
        if route.destination.host == host and route.destination.port is not None:
            yield route.destination.port


def _places(mesh: Snapshot, host: str, wanted: DestinationText) -> Iterator[Place]:
    declared = _declared(mesh, host)
    if not wanted.port or not declared or any(item.is_headless for item in declared):
        # What has no ports of its own, such as a gateway's host, is known by those of others.
        number = int(wanted.port) if wanted.port.isdecimal() and declared else None
        yield host, number
        return
    for item in declared:
        for port in item.ports:
            if wanted.port in (str(port.number), port.name):
                yield host, port.number
    if wanted.port.isdecimal() and int(wanted.port) in _used_ports(mesh, host):
        yield host, int(wanted.port)


def _no_such_port(mesh: Snapshot, hosts: list[str], port: str) -> str:
    said: list[str] = []
    for host in hosts:
        for item in _declared(mesh, host):
            numbers = ", ".join(
                f"{one.number}" + (f" (target {one.target})" if one.target != one.number else "")
                for one in item.ports
            )
            said.append(f"{host} has no port {port}; it has {numbers}")
    return said[0] if said else f"nothing called {hosts[0]} has port {port}"


def _routed_to(mesh: Snapshot, hosts: list[str]) -> frozenset[Place]:
    """Other hosts to which VirtualServices send requests for these."""
    return frozenset(
        (route.destination.host, route.destination.port)
        for route in destination_routes(mesh)
        if route.destination.host not in hosts
        if any(host in route.binding.hosts for host in hosts)
    )


def _by_hearsay(mesh: Snapshot, wanted: DestinationText) -> Asked:
    """A host of which no object speaks: one that proxies know, or one nobody can rule out."""
    host = wanted.host
    if not wanted.is_service and is_seen_by_proxies(mesh, host):
        return Asked(frozenset({(host, None)}))
    if not mesh.catalog.known(SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE):
        return Asked(frozenset(), loose=host)
    names = {_short(mesh, item) for item in configured_hosts(mesh) if not item.startswith("*")}
    short = _short(mesh, host)
    raise ScopeError(f"no host called {host} is in what was read{near_matches(short, names)}")


def _addresses(service: ServiceHost) -> Iterator[str]:
    """Addresses of a Service or ServiceEntry; networks among them."""
    spec = service.resource.spec
    for key in ("clusterIPs", "externalIPs", "addresses"):
        yield from (str(item) for item in as_list(spec.get(key)))
    yield str(spec.get("clusterIP") or "")
    yield from (str(as_mapping(e).get("address") or "") for e in as_list(spec.get("endpoints")))
    balancer = as_mapping(service.resource.status.get("loadBalancer"))
    for item in as_list(balancer.get("ingress")):
        yield str(as_mapping(item).get("ip") or "")


def _holds(service: ServiceHost, address: str) -> bool:
    for text in _addresses(service):
        try:
            if ip_address(address) in ip_network(text, strict=False):
                return True
        except ValueError:
            continue
    return False


def _by_address(mesh: Snapshot, wanted: DestinationText) -> Asked:
    """A Service by its cluster IP, or what leads to a pod by the pod's."""
    held = [service.host for service in mesh.registry.hosts if _holds(service, wanted.host)]
    if held:
        places = {place for host in held for place in _places(mesh, host, wanted)}
        if not places:
            raise ScopeError(_no_such_port(mesh, held, wanted.port))
        return Asked(frozenset(places) | _routed_to(mesh, held))
    pod = mesh.pod_at(wanted.host)
    if pod is None:
        known = mesh.catalog.known(POD, SERVICE, SERVICE_ENTRY)
        if known and not is_seen_by_proxies(mesh, wanted.host):
            raise ScopeError(f"no Service and no pod has the address {wanted.host}")
        return Asked(frozenset({(wanted.host, None)}))
    found: set[Place] = {(wanted.host, None)}
    for service in mesh.registry.hosts:
        if pod in pods_behind(mesh, service):
            for port in service.ports:
                if wanted.port in ("", str(target_port(port, pod)), port.name):
                    found.add((service.host, port.number))
    return Asked(frozenset(found))
