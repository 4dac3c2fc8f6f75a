"""Does a client's proxy see a host and port?

istiod puts a host into a proxy's configuration when it watches the host's namespace
(``discoverySelectors``), the object exports it to the client's namespace (``exportTo``) and the
Sidecar that governs the client lets it in (``egress.hosts``). A destination of a VirtualService
that the Sidecar lets in comes along (pilot/pkg/model/sidecar.go, ``convertToSidecarScope``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.destinations import destination_routes
from meshdoctor.intent.export_to import export_path, is_exported
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.intent.sidecar_scope import lets_see, sidecar_for
from meshdoctor.model.kinds import (
    NAMESPACE,
    SERVICE,
    SERVICE_ENTRY,
    SIDECAR,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.pod import is_gateway
from meshdoctor.model.resource import as_list
from meshdoctor.model.selector import matches_selector

if TYPE_CHECKING:
    from meshdoctor.intent.route_bindings import Binding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


class Sight(StrEnum):
    """Whether a proxy sees a destination."""

    SEEN = "seen"
    HIDDEN = "hidden"
    ABSENT = "absent"
    """No Service and no ServiceEntry has that host, or none with that host has the port."""
    UNKNOWN = "unknown"


class Hider(StrEnum):
    """What hides a destination, in the words of the field."""

    DISCOVERY = "discoverySelectors"
    EXPORT_TO = "exportTo"
    SIDECAR = "Sidecar"


@dataclass(frozen=True, slots=True)
class View:
    """What a proxy sees of one destination."""

    sight: Sight
    service: ServiceHost | None = None
    """What has the host: the one that is seen, else the one that is hidden; None when ABSENT."""
    hider: Hider | None = None
    by: Resource | None = None
    """The object to change where it is HIDDEN: the Sidecar; the Service or ServiceEntry; for
    ``discoverySelectors`` the Namespace."""
    path: tuple[str | int, ...] = ()
    """Where in that object."""
    needs: tuple[str, ...] = ()
    """For UNKNOWN: the unread inputs."""


def is_discovered(mesh: Snapshot, namespace: str) -> bool | None:
    """Whether istiod watches a namespace; None when the Namespace was not read.

    Without ``discoverySelectors`` it watches all; else those that match any of them.
    """
    selectors = as_list(mesh_config(mesh).settings.get("discoverySelectors"))
    if not selectors:
        return True
    space = mesh.catalog.find(NAMESPACE, "", namespace)
    if space is None:
        return None
    return any(matches_selector(item, space.labels) for item in selectors)


@lru_cache(maxsize=2)
def _routed(mesh: Snapshot) -> dict[str, tuple[Binding, ...]]:
    """VirtualServices for the mesh by the hosts that they send requests to."""
    found: dict[str, dict[str, Binding]] = {}
    for route in destination_routes(mesh):
        if route.binding.in_mesh:
            name = str(route.binding.virtual_service)
            found.setdefault(route.destination.host, {})[name] = route.binding
    return {host: tuple(items.values()) for host, items in found.items()}


def _comes_with_route(mesh: Snapshot, sidecar: Resource, client: str, host: str) -> bool:
    """Whether a VirtualService that the Sidecar lets in sends requests to a host."""
    for binding in _routed(mesh).get(host, ()):
        rule = binding.virtual_service
        if is_exported(mesh, rule, client) and any(
            lets_see(sidecar, client, name, rule.namespace) for name in binding.hosts
        ):
            return True
    return False


def _view(mesh: Snapshot, pod: Resource, service: ServiceHost, port: int | None) -> View:
    watched = is_discovered(mesh, service.namespace)
    if watched is None:
        return View(Sight.UNKNOWN, service, needs=mesh.catalog.unread(NAMESPACE))
    if not watched:
        space = mesh.catalog.find(NAMESPACE, "", service.namespace)
        return View(Sight.HIDDEN, service, Hider.DISCOVERY, space, ("metadata", "labels"))
    if not is_exported(mesh, service.resource, pod.namespace):
        hidden = service.resource
        return View(Sight.HIDDEN, service, Hider.EXPORT_TO, hidden, export_path(hidden))
    if is_gateway(pod):
        return View(Sight.SEEN, service)
    if not mesh.catalog.known(SIDECAR):
        return View(Sight.UNKNOWN, service, needs=mesh.catalog.unread(SIDECAR))
    sidecar = sidecar_for(mesh, pod)
    if sidecar is None or lets_see(sidecar, pod.namespace, service.host, service.namespace, port):
        return View(Sight.SEEN, service)
    if _comes_with_route(mesh, sidecar, pod.namespace, service.host):
        return View(Sight.SEEN, service)
    if needs := mesh.catalog.unread(VIRTUAL_SERVICE):
        return View(Sight.UNKNOWN, service, needs=needs)
    return View(Sight.HIDDEN, service, Hider.SIDECAR, sidecar, ("spec", "egress"))


def sees(mesh: Snapshot, pod: Resource, host: str, port: int | None = None) -> View:
    """Whether istiod gives a pod's proxy a destination, from the objects alone.

    Args:
        mesh: the snapshot.
        pod: the client; a pod without a proxy sees what its proxy would.
        host: fully qualified.
        port: the Service's port; None for any.

    Returns:
        SEEN when any object that has the host and port is; HIDDEN with what hides the first of
        them; ABSENT only when Services and ServiceEntries were read.
    """
    found = mesh.registry.find(host)
    # An object that declares no port (an alias) takes whatever port the caller names.
    having = [item for item in found if port is None or not item.ports or item.port(port)]
    if not having:
        needs = mesh.catalog.unread(SERVICE, SERVICE_ENTRY)
        return View(Sight.UNKNOWN if needs else Sight.ABSENT, needs=needs)
    views = [_view(mesh, pod, item, port) for item in having]
    for wanted in (Sight.SEEN, Sight.UNKNOWN):
        chosen = next((view for view in views if view.sight is wanted), None)
        if chosen is not None:
            return chosen
    if needs := mesh.catalog.unread(SERVICE, SERVICE_ENTRY):
        return View(Sight.UNKNOWN, views[0].service, needs=needs)
    return views[0]
