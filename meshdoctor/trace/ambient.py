"""Ambient: the ztunnel of each end's node, and the waypoint before a Service.

Without a ztunnel on its node a pod in ambient mode reaches nobody, and nobody reaches it. A
Service (or its namespace) that names a waypoint has its callers' requests led through it; where
that waypoint is not there, ztunnel goes to the pods itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import Access, decide, policies_at
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.waypoints import is_waypoint, serving, waypoint_of, waypoint_pods
from meshdoctor.model.kinds import KUBERNETES_GATEWAY, POD
from meshdoctor.model.pod import is_ready, is_ztunnel, pod_ip
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.judged import gatekeeping, judged
from meshdoctor.trace.replies import Kind, Reply

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Gatekeeping
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail

_FORBIDDEN = 403


def without_ztunnel(trail: Trail, branch: Branch, pod: Resource) -> Reply | None:
    """How the request ends for want of a ztunnel at one end; None where it does not."""
    mesh = trail.mesh
    node = pod.spec.get("nodeName")
    if not is_in_ambient(pod) or not mesh.catalog.known(POD):
        return None
    tunnels = [item for item in mesh.catalog.of(POD) if is_ztunnel(item)]
    here = [item for item in tunnels if item.spec.get("nodeName") == node and is_ready(item)]
    if here:
        return None
    owner = next((w for w in mesh.workloads.all if w.name == "ztunnel"), None)
    objects = (str(owner),) if owner else ()
    text = (
        f"{pod.name} is in ambient mode, and no ztunnel is ready on its node {node or ''}".strip()
    )
    trail.hop(
        branch,
        Place.NETWORK,
        "ztunnel",
        str(node or "no node"),
        Verdict.FAILS,
        text,
        objects=objects,
        basis=Basis.INTENT,
    )
    return Reply(Kind.SILENT, branch.share, text, objects, Place.NETWORK)


def through_waypoint(
    trail: Trail, branch: Branch, arrival: Arrival, service: ServiceHost
) -> Reply | Arrival:
    """How a waypoint ends the request, or what arrives behind it: its own connection.

    Args:
        trail: takes the hop.
        branch: where it stands.
        arrival: the request as ztunnel sends it.
        service: what is called.

    Returns:
        The same arrival where no waypoint is on the way.
    """
    mesh = trail.mesh
    named = waypoint_of(mesh, service.resource)
    if named is None:
        return arrival
    if not mesh.catalog.known(KUBERNETES_GATEWAY, POD):
        trail.miss(KUBERNETES_GATEWAY.input, "whether the waypoint is there")
        return arrival
    name, asks = str(named), f"{service.resource} asks for waypoint {named.name}"
    gateway = named.gateway(mesh)
    if gateway is None:
        text = f"{asks}, which is not there: passed by"
        _hop(trail, branch, name, Verdict.MAY_FAIL, text, (str(service.resource),))
        return arrival
    if serving(mesh, service.resource) is None or not is_waypoint(mesh, gateway):
        text = f"{asks}, which does not serve it: passed by"
        _hop(trail, branch, name, Verdict.MAY_FAIL, text, (name, str(service.resource)))
        return arrival
    pods = waypoint_pods(mesh, named)
    ready = [pod for pod in pods if is_ready(pod)]
    owners = tuple(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))
    if not ready:
        text = f"waypoint {named.name} has no pod that is ready"
        _hop(trail, branch, name, Verdict.FAILS, text, (name, *owners))
        objects = (name, *owners)
        return Reply(Kind.CLOSED, branch.share, text, objects, Place.SERVER_PROXY)
    refused = _refused(trail, branch, arrival, service.resource, ready[0], name)
    if refused is not None:
        return refused
    trail.stop(branch, pod_ip(ready[0]), arrival.port, ready[0])
    text = f"leads through waypoint {named.name}"
    _hop(trail, branch, name, Verdict.PASSES, text, (name, *owners))
    # The server's ztunnel sees who connects to it: the waypoint.
    return replace(arrival, source=ready[0])


def _refused(
    trail: Trail,
    branch: Branch,
    arrival: Arrival,
    service: Resource,
    pod: Resource,
    name: str,
) -> Reply | None:
    """How the policies at a waypoint end the request; None where they let it pass."""
    mesh = trail.mesh
    seen = judged(mesh, trail.request, arrival, arrival.port, trail.request.has_token)
    decision = decide(mesh, pod, seen, service)
    if decision.access is not Access.DENIED:
        return None
    policies = [decision.policy] if decision.policy else [m.policy for m in decision.missed]
    found = policies or policies_at(mesh, pod, "ALLOW", service)
    objects = tuple(dict.fromkeys(str(policy) for policy in found))
    text = f"the waypoint denies it by {', '.join(objects)}"
    asked = gatekeeping(seen, arrival, pod, arrival.port)
    _hop(trail, branch, name, Verdict.FAILS, text, (*objects, name), asked)
    details = "rbac_access_denied_matched_policy[none]"
    place = Place.SERVER_PROXY
    return Reply(Kind.STATUS, branch.share, text, objects, place, _FORBIDDEN, details=details)


def _hop(
    trail: Trail,
    branch: Branch,
    name: str,
    verdict: Verdict,
    text: str,
    objects: tuple[str, ...],
    asked: Gatekeeping | None = None,
) -> None:
    trail.hop(
        branch,
        Place.NETWORK,
        "waypoint",
        name,
        verdict,
        text,
        objects=objects,
        basis=Basis.INTENT,
        gatekeeping=asked,
    )
