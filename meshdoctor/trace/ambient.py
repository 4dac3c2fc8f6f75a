"""Ambient: the ztunnel of each end's node, and the waypoint before a Service.

Without a ztunnel on its node a pod in ambient mode reaches nobody, and nobody reaches it. A
Service (or its namespace) that names a waypoint has its callers' requests led through it; where
that waypoint is not there, ztunnel goes to the pods itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import Access, decide
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.model.kinds import KUBERNETES_GATEWAY, NAMESPACE, POD
from meshdoctor.model.pod import is_finished, is_ready, is_ztunnel, pod_ip
from meshdoctor.model.resource import object_text
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.judged import gatekeeping, judged
from meshdoctor.trace.replies import Kind, Reply

if TYPE_CHECKING:
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Gatekeeping
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail

USE_WAYPOINT = "istio.io/use-waypoint"
_USE_NAMESPACE = "istio.io/use-waypoint-namespace"
_NONE = "none"
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
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


def _named(mesh: Snapshot, service: ServiceHost) -> tuple[str, str] | None:
    """Namespace and name of the waypoint that a Service, else its namespace, asks for."""
    space = mesh.catalog.find(NAMESPACE, "", service.namespace)
    for labels in (service.resource.labels, space.labels if space else {}):
        name = labels.get(USE_WAYPOINT)
        if name == _NONE:
            return None
        if name:
            return labels.get(_USE_NAMESPACE, service.namespace), name
    return None


def through_waypoint(
    trail: Trail, branch: Branch, arrival: Arrival, service: ServiceHost
) -> Reply | None:
    """How a waypoint ends the request; None where there is none, or it lets the request pass.

    Args:
        trail: takes the hop.
        branch: where it stands.
        arrival: the request as ztunnel sends it.
        service: what is called.
    """
    mesh = trail.mesh
    named = _named(mesh, service)
    if named is None:
        return None
    if not mesh.catalog.known(KUBERNETES_GATEWAY, POD):
        trail.miss(KUBERNETES_GATEWAY.input, "whether the waypoint is there")
        return None
    gateway = mesh.catalog.find(KUBERNETES_GATEWAY, *named)
    name = object_text("Gateway", *named)
    if gateway is None:
        text = f"{service.resource} asks for waypoint {named[1]}, which is not there: passed by"
        _hop(trail, branch, name, Verdict.MAY_FAIL, text, (str(service.resource),))
        return None
    pods = [
        pod
        for pod in mesh.catalog.pods_matching(named[0], {_GATEWAY_NAME: named[1]})
        if not is_finished(pod)
    ]
    ready = [pod for pod in pods if is_ready(pod)]
    owners = tuple(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))
    if not ready:
        text = f"waypoint {named[1]} has no pod that is ready"
        _hop(trail, branch, name, Verdict.FAILS, text, (name, *owners))
        objects = (name, *owners)
        return Reply(Kind.CLOSED, branch.share, text, objects, Place.SERVER_PROXY)
    seen = judged(mesh, trail.request, arrival, arrival.port, trail.request.has_token)
    decision = decide(mesh, ready[0], seen)
    if decision.access is Access.DENIED:
        policies = [decision.policy] if decision.policy else [m.policy for m in decision.missed]
        objects = tuple(dict.fromkeys(str(policy) for policy in policies))
        text = f"waypoint {named[1]} denies it by {', '.join(objects)}"
        asked = gatekeeping(seen, arrival, ready[0], arrival.port)
        _hop(trail, branch, name, Verdict.FAILS, text, (*objects, name), asked)
        details = "rbac_access_denied_matched_policy[none]"
        return Reply(
            Kind.STATUS,
            branch.share,
            text,
            objects,
            Place.SERVER_PROXY,
            _FORBIDDEN,
            details=details,
        )
    trail.stop(branch, pod_ip(ready[0]), arrival.port, ready[0])
    _hop(trail, branch, name, Verdict.PASSES, f"leads through waypoint {named[1]}", (name, *owners))
    return None


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
