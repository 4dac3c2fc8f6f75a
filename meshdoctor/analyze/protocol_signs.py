"""What gives away that a Service's port does not serve HTTP: its number, its name, its servers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call, service_ips
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.known_protocols import KnownProtocol, by_name, by_port, image_name
from meshdoctor.model.access_log import host_port
from meshdoctor.model.pod import PROXY_CONTAINER, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.snapshot import Snapshot

_CODEC_ERROR = "DPE"


@dataclass(frozen=True, slots=True)
class Signs:
    """What says that a port serves a protocol that is not HTTP."""

    protocol: KnownProtocol
    words: tuple[str, ...]
    """Each sign, in words."""
    evidence: tuple[Evidence, ...]
    agree: bool
    """Whether the port and its servers say the same, independently of each other."""


def _of_port(
    mesh: Snapshot, service: ServiceHost, port: ServicePort
) -> Iterator[tuple[KnownProtocol, str, Evidence]]:
    """Signs of the port itself: its number, its target port's, its name."""
    at = ("spec", "ports", port.index)
    pods = pods_behind(mesh, service)
    targets = [number for pod in pods[:1] if (number := target_port(port, pod)) is not None]
    for number, field in ((port.number, "port"), *((n, "targetPort") for n in targets)):
        if (found := by_port(number)) is not None:
            text = f"{number} is the usual port of {found.name}"
            yield found, text, service.resource.evidence(*at, field)
            break
    if (found := by_name(port.name)) is not None:
        yield found, f"the port is named {port.name}", service.resource.evidence(*at, "name")


def _of_servers(
    mesh: Snapshot, service: ServiceHost
) -> Iterator[tuple[KnownProtocol, str, Evidence]]:
    """Signs of what stands behind it: the Service's name, images, containers, workloads."""
    if (found := by_name(service.resource.name)) is not None:
        text = f"the Service is named {service.resource.name}"
        yield found, text, service.resource.evidence("metadata", "name")
    for pod in pods_behind(mesh, service)[:1]:
        for path, item in containers(pod):
            if path[1] != "containers" or item.get("name") == PROXY_CONTAINER:
                continue
            image = image_name(str(item.get("image") or ""))
            if (found := by_name(image)) is not None:
                yield found, f"its pods run image {image}", pod.evidence(*path, "image")
            if (found := by_name(str(item.get("name")))) is not None:
                text = f"its pods have a container {item.get('name')}"
                yield found, text, pod.evidence(*path, "name")
        owner = mesh.workloads.owning(pod)
        if (found := by_name(owner.name)) is not None:
            yield found, f"its pods are those of {owner}", pod.evidence("metadata", "labels")


def signs_of(mesh: Snapshot, service: ServiceHost, port: ServicePort) -> Signs | None:
    """What gives a port away; None where its number and name say nothing.

    What its servers are called counts only beside a sign of the port: they may have others.
    """
    own = list(_of_port(mesh, service, port))
    if not own:
        return None
    protocol = own[0][0]
    seen = [item for item in own if item[0] is protocol]
    others = [item for item in _of_servers(mesh, service) if item[0] is protocol]
    every = (*seen, *others)
    return Signs(
        protocol,
        tuple(text for _, text, _ in every),
        tuple(evidence for _, _, evidence in every),
        len(seen) > 1 or bool(others),
    )


@lru_cache(maxsize=2)
def _codec_errors(mesh: Snapshot) -> dict[tuple[str, int], Calls]:
    """Recent connections on which a caller's proxy could read no HTTP, by host and port."""
    found: dict[tuple[str, int], list[Call]] = {}
    by_ip = service_ips(mesh)
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            if not entry.flagged(_CODEC_ERROR) or entry.time is None:
                continue
            ip, port = host_port(entry.downstream_local)
            service = by_ip.get(ip or "")
            if service is not None and port is not None and entry.time >= mesh.now - RECENT:
                place = (service.host, port)
                found.setdefault(place, []).append(Call(proxy, entry, entry.time))
    return {place: tuple(sorted(c, key=lambda call: call.time)) for place, c in found.items()}


def codec_errors(mesh: Snapshot, use: Use) -> Calls:
    """Recent connections to a destination on which its callers' proxies could read no HTTP."""
    return _codec_errors(mesh).get((use.destination.host, use.destination.port or 0), ())


def carried_something(uses: tuple[Use, ...]) -> Call | None:
    """A call that shows that the port works as it is: an answered request, or bytes both ways."""
    for use in uses:
        for call in reversed(use.calls):
            entry = call.entry
            answered = entry.method is not None and "via_upstream" in (entry.details or "")
            flowed = entry.method is None and entry.bytes_sent and entry.bytes_received
            if answered or (flowed and not entry.flags):
                return call
    return None
