"""The endpoints that istiod should send for a port of a Service or ServiceEntry.

A Service's come from its EndpointSlices, ready or not (``publishNotReadyAddresses`` makes all of
them ready there), a ServiceEntry's from its ``endpoints``, from the pods and WorkloadEntries that
it selects, or from DNS (pilot/pkg/serviceregistry; networking.istio.io ServiceEntry.resolution).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import (
    endpoint_slices,
    target_port,
    workload_entries_behind,
    workload_entry_labels,
)
from meshdoctor.model.kinds import POD, WORKLOAD_ENTRY
from meshdoctor.model.pod import is_ready, pod_ip
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_DNS = ("DNS", "DNS_ROUND_ROBIN")
_NEVER_RESOLVES = ("invalid", "test", "example", "localhost")
"""Top-level domains that no public DNS has (RFC 6761)."""
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class AskedEndpoint:
    """One endpoint as some object declares it."""

    address: str
    port: int
    ready: bool
    pod: Resource | None
    """None where no pod has the address."""
    labels: Mapping[str, str] = field(default_factory=dict)
    workload: str = ""
    """The pod's name as the EndpointSlice has it, though there may be no such pod any more."""
    weight: int = 1
    resolved: bool = True
    """False for a DNS name that surely has no address."""
    evidence: tuple[Evidence, ...] = ()


def _pod_of(mesh: Snapshot, address: str, reference: Mapping[str, object]) -> Resource | None:
    found = mesh.pod_at(address)
    if found is not None or reference.get("kind") != "Pod":
        return found
    place, name = str(reference.get("namespace") or ""), str(reference.get("name") or "")
    return mesh.catalog.find(POD, place, name)


def _of_slice(mesh: Snapshot, item: Resource, port: ServicePort) -> Iterator[AskedEndpoint]:
    listed = [as_mapping(value) for value in as_list(item.raw.get("ports"))]
    numbers = [one.get("port") for one in listed if (one.get("name") or "") == port.name]
    if not listed:
        # A slice that does not say has the Service's own target.
        numbers = [port.target]
    for index, value in enumerate(as_list(item.raw.get("endpoints"))):
        endpoint = as_mapping(value)
        reference = as_mapping(endpoint.get("targetRef"))
        ready = as_mapping(endpoint.get("conditions")).get("ready") is not False
        shown = (item.evidence("endpoints", index),)
        for address in as_list(endpoint.get("addresses")):
            pod = _pod_of(mesh, str(address), reference)
            for number in numbers:
                target = number if isinstance(number, int) else None
                if target is None and pod is not None:
                    target = target_port(port, pod)
                if target is not None:
                    yield AskedEndpoint(
                        str(address),
                        target,
                        ready,
                        pod,
                        pod.labels if pod else {},
                        str(reference.get("name") or ""),
                        evidence=shown,
                    )


def _of_entries(
    entries: tuple[Resource, ...], port: ServicePort, mesh: Snapshot
) -> Iterator[AskedEndpoint]:
    for entry in entries:
        address = str(entry.spec.get("address") or "")
        own = as_mapping(entry.spec.get("ports")).get(port.name)
        target = port.target if isinstance(port.target, int) else port.number
        number = own if isinstance(own, int) else target
        weight = entry.spec.get("weight")
        if address:
            labels = workload_entry_labels(entry)
            yield AskedEndpoint(
                address,
                number,
                True,
                mesh.pod_at(address),
                labels,
                weight=weight if isinstance(weight, int) and weight else 1,
                evidence=(entry.evidence("spec", "address"),),
            )


def _resolves(mesh: Snapshot, name: str) -> bool:
    """Whether DNS may have a name: not where the cluster's own domain lacks it."""
    bare = name.rstrip(".").lower()
    if bare.endswith(f".svc.{mesh.registry.domain}"):
        return mesh.registry.service(bare) is not None
    return bare.rpartition(".")[2] not in _NEVER_RESOLVES


def _declared(mesh: Snapshot, service: ServiceHost, port: ServicePort) -> Iterator[AskedEndpoint]:
    """What a ServiceEntry's ``endpoints`` list."""
    resource = service.resource
    dns = resource.spec.get("resolution") in _DNS
    for index, value in enumerate(as_list(resource.spec.get("endpoints"))):
        item = as_mapping(value)
        address = str(item.get("address") or "")
        own = as_mapping(item.get("ports")).get(port.name)
        weight = item.get("weight")
        shown = (resource.evidence("spec", "endpoints", index),)
        if address:
            yield AskedEndpoint(
                address,
                own if isinstance(own, int) else _target(port),
                True,
                mesh.pod_at(address),
                as_strings(item.get("labels")),
                weight=weight if isinstance(weight, int) and weight else 1,
                resolved=not dns or _is_ip(address) or _resolves(mesh, address),
                evidence=shown,
            )


def _is_ip(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdigit()


def _target(port: ServicePort) -> int:
    return port.target if isinstance(port.target, int) else port.number


def _selected(mesh: Snapshot, service: ServiceHost, port: ServicePort) -> Iterator[AskedEndpoint]:
    """The pods and WorkloadEntries that a ServiceEntry selects."""
    for pod in mesh.catalog.pods_matching(service.namespace, service.selector):
        if pod_ip(pod):
            yield AskedEndpoint(
                pod_ip(pod),
                target_port(port, pod) or port.number,
                is_ready(pod),
                pod,
                pod.labels,
                evidence=(pod.evidence("metadata", "labels"),),
            )
    entries = tuple(
        entry
        for entry in mesh.catalog.within(WORKLOAD_ENTRY, service.namespace)
        if matches_labels(service.selector, workload_entry_labels(entry))
    )
    yield from _of_entries(entries, port, mesh)


def _of_service_entry(
    mesh: Snapshot, service: ServiceHost, port: ServicePort
) -> Iterator[AskedEndpoint]:
    found = list(_declared(mesh, service, port))
    if service.selector:
        found += _selected(mesh, service, port)
    yield from found
    if not found and service.resource.spec.get("resolution") in _DNS:
        # Without endpoints DNS is asked for the host itself.
        shown = (service.resource.evidence("spec", "hosts"),)
        resolved = _resolves(mesh, service.host)
        yield AskedEndpoint(
            service.host, port.number, True, None, resolved=resolved, evidence=shown
        )


def asked_endpoints(
    mesh: Snapshot, services: tuple[ServiceHost, ...], number: int
) -> tuple[AskedEndpoint, ...]:
    """Every endpoint of a host's port, ready or not.

    Args:
        mesh: the snapshot; its EndpointSlices and pods must be known.
        services: all that declare the host: a ServiceEntry's endpoints join a Service's.
        number: the port that callers ask for.
    """
    found: dict[tuple[str, int], AskedEndpoint] = {}
    for service in services:
        port = service.port(number)
        if port is None:
            continue
        if service.is_kubernetes:
            items = [
                endpoint
                for item in endpoint_slices(mesh, service)
                for endpoint in _of_slice(mesh, item, port)
            ]
            items += _of_entries(workload_entries_behind(mesh, service), port, mesh)
        else:
            items = list(_of_service_entry(mesh, service, port))
        for one in items:
            known = found.get((one.address, one.port))
            if known is None or (one.ready and not known.ready):
                found[one.address, one.port] = one
    return tuple(found.values())
