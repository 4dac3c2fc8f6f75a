"""Where a sending proxy's routes, clusters and hosts are not what the objects ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.backends import endpoint_slices, ready_addresses
from meshdoctor.intent.route_bindings import bindings
from meshdoctor.model.envoy import config_dump as sections
from meshdoctor.model.kinds import ALL, ENDPOINT_SLICE, VIRTUAL_SERVICE
from meshdoctor.model.pod import is_gateway
from meshdoctor.trace.ages import differs

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster, ConfigPointer, Listener, Route
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.trace.stage import Stage
    from meshdoctor.trace.trail import Trail

_GROUP = "networking.istio.io"


def _note_gone(stage: Stage, pointer: ConfigPointer | None, part: str) -> None:
    """Note a back-pointer to an object that is not there any more."""
    if pointer is None:
        return
    mesh = stage.trail.mesh
    kind = next((k for k in ALL if k.name == pointer.kind and k.group == _GROUP), None)
    # Objects of the Gateway API become VirtualServices that Kubernetes does not have.
    if kind is None or not mesh.catalog.known(kind) or "~" in pointer.name:
        return
    if mesh.catalog.find(kind, pointer.namespace, pointer.name) is None:
        text = f"the proxy still holds what {pointer} asked for, which is not there any more"
        differs(stage.trail, stage.proxy, text, (str(pointer),), part, None)


def note_route_differences(stage: Stage, route: Route) -> None:
    """Note a route whose VirtualService is gone, or a VirtualService whose routes are not held.

    A sidecar's route without a back-pointer is the default one, which istiod makes only for a host
    that no VirtualService with HTTP routes governs.
    """
    _note_gone(stage, route.config, sections.ROUTES)
    found = stage.destination
    service = found.service if found else None
    mesh = stage.trail.mesh
    if route.config is not None or service is None or is_gateway(stage.pod):
        return
    if not mesh.catalog.known(VIRTUAL_SERVICE):
        return
    for binding in bindings(mesh):
        rule = binding.virtual_service
        governs = binding.in_mesh and service.host in binding.hosts
        if governs and rule.spec.get("http") and stage.pod in binding.holders.pods:
            text = f"{rule} has routes for {service.host}, and the proxy holds none of them"
            differs(stage.trail, stage.proxy, text, (str(rule),), sections.ROUTES, rule)


def note_cluster_differences(stage: Stage, cluster: Cluster) -> None:
    """Note a cluster whose DestinationRule is gone, or whose hosts are not the Service's."""
    _note_gone(stage, cluster.config, sections.CLUSTERS)
    mesh, name = stage.trail.mesh, cluster.parsed
    if name is None or name.subset or cluster.type != "EDS":
        return
    found = mesh.registry.find(name.host)
    if len(found) != 1 or not found[0].is_kubernetes or not mesh.catalog.known(ENDPOINT_SLICE):
        return
    assigned = stage.config.load_assignment(cluster.name)
    if assigned is None:
        return
    slices = endpoint_slices(mesh, found[0])
    held = {
        item.address for item in assigned.endpoints if item.health in ("HEALTHY", "UNKNOWN", "")
    }
    wanted = set(ready_addresses(slices))
    port = found[0].port(name.port) if name.port else None
    if port is None or not slices or held == wanted:
        return
    text = (
        f"the proxy's hosts of {name.host} are {', '.join(sorted(held)) or 'none'}, and the "
        f"EndpointSlices have {', '.join(sorted(wanted)) or 'none'}"
    )
    differs(stage.trail, stage.proxy, text, (str(found[0].resource),), sections.CLUSTERS, None)


def note_listener_error(trail: Trail, proxy: Proxy, listener: Listener) -> None:
    """Note that a proxy refused the last update of a listener."""
    if listener.error is not None:
        text = f"the proxy refused its last {listener.name}: {listener.error.details}"
        differs(trail, proxy, text, (), listener.name, None)
