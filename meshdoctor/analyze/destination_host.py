"""Whether every host that a route names is in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.addressed_hosts import callers_of_missing
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import requests_fail
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.missing_clusters import cluster_missing
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.analyze.prepared_rules import PREPARED, is_prepared
from meshdoctor.model.kinds import POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

HOST_NOT_FOUND = "MD0110"


def _meant(mesh: Snapshot, use: Use) -> str | None:
    """The host that was probably meant: the same name elsewhere, one routed for, or one alike."""
    written = use.routes[0].written
    name = written.split(".")[0]
    same = [host for host in mesh.registry.hosts if host.resource.name == name]
    same.sort(key=lambda host: not host.host.startswith(f"{written}."))
    spoken = {host for route in use.routes for host in route.binding.hosts}
    for host in same:
        if host.host in spoken:
            return host.host
    if same:
        return same[0].host
    space = use.routes[0].binding.virtual_service.namespace
    near = {host.resource.name: host for host in mesh.registry.hosts if host.namespace == space}
    alike = nearest_word(name, near)
    return near[alike].host if alike else None


def _host_not_found(mesh: Snapshot, use: Use) -> Finding:
    route = use.routes[0]
    source = route.binding.virtual_service
    meant = _meant(mesh, use)
    path = (*route.path, "host")
    told = f"; {meant} exists" if meant else ""
    completed = (
        f" (which namespace {source.namespace} completes to {use.destination.host})"
        if route.written != use.destination.host
        else ""
    )
    message = (
        f"{source} sends requests to host {route.written}{completed}, and no Service or "
        f"ServiceEntry has that name{told}"
    )
    forth, back = replace_value(source, path, meant or route.written)
    missing, held = cluster_missing(mesh, use)
    prepared = is_prepared(mesh, use)
    return problem(
        HOST_NOT_FOUND,
        use,
        message + PREPARED if prepared else message,
        objects=tuple(map(str, use.virtual_services)),
        facts=(
            holds(
                "host-not-in-registry",
                message,
                *(r.binding.virtual_service.evidence(*r.path, "host") for r in use.routes[:3]),
            ),
            missing,
            requests_fail(mesh, use, "NC"),
        ),
        affected=callers_of_missing(mesh, use),
        fills={
            "written": route.written,
            "completed": use.destination.host,
            "virtualservice": f"{source.namespace}/{source.name}",
            "meant": f"{meant} exists and is probably meant" if meant else "Nothing alike exists",
            "command": forth
            if meant
            else f"kubectl edit virtualservice {source.name} -n {source.namespace}",
            "undo": back,
        },
        root=not held,
        note=prepared,
    )


def _judge(mesh: Snapshot, use: Use) -> Iterator[Finding]:
    found = mesh.registry.find(use.destination.host)
    route = use.routes[0]
    if not found:
        if needs := mesh.catalog.unread(SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE):
            message = f"It cannot be told whether a host {use.destination.host} exists"
            yield cannot_tell(HOST_NOT_FOUND, use, message, needs)
        else:
            yield _host_not_found(mesh, use)
        return
    shown = [
        route.binding.virtual_service.evidence(*route.path, "host"),
        found[0].resource.evidence("metadata", "name"),
    ]
    message = f"{use.destination.host} is {found[0].resource}"
    yield passes(HOST_NOT_FOUND, use, message, "host-in-registry", shown)


@dataclass(frozen=True, slots=True)
class DestinationHost:
    """Every host that a route names exists."""

    name: str = "destination-host"
    description: str = "Every host that a VirtualService routes to is in the registry."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (HOST_NOT_FOUND,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that some VirtualService sends requests to."""
        for use in destinations_in_use(mesh):
            if use.routes:
                yield from _judge(mesh, use)


ANALYZER = DestinationHost()
