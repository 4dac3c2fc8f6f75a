"""Which security policies govern a workload's proxy.

AuthorizationPolicy and RequestAuthentication attach alike: from the root namespace to every
workload of the mesh, from any other namespace to that namespace's own; narrowed by ``selector``,
or bound by ``targetRefs`` (pilot/pkg/model/policyattachment.go). Waypoints heed nothing but
``targetRefs``: to their Gateway, to its GatewayClass from the root namespace, or to the Service or
ServiceEntry that a request is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.kinds import KUBERNETES_GATEWAY
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-class-name"
_MANAGED = "gateway.istio.io/managed"
_MESH_CONTROLLER = "istio.io-mesh-controller"


def is_waypoint(pod: Resource) -> bool:
    """Whether the pod is a waypoint (istiod labels those that it manages for the mesh)."""
    return pod.labels.get(_MANAGED) == _MESH_CONTROLLER


def targets(policy: Resource) -> list[tuple[str, str]]:
    """Kind and name of everything that ``targetRefs`` (or the older ``targetRef``) binds to."""
    refs = [*as_list(policy.spec.get("targetRefs")), policy.spec.get("targetRef")]
    found = [as_mapping(ref) for ref in refs if ref]
    return [(str(ref.get("kind") or ""), str(ref.get("name") or "")) for ref in found]


def _class_of(mesh: Snapshot, pod: Resource) -> str:
    """The GatewayClass of a gateway pod: as its label says, else as its Gateway does."""
    gateway = mesh.catalog.find(
        KUBERNETES_GATEWAY, pod.namespace, pod.labels.get(_GATEWAY_NAME, "")
    )
    named = gateway.spec.get("gatewayClassName") if gateway else None
    return pod.labels.get(_GATEWAY_CLASS) or str(named or "")


def _targeted(mesh: Snapshot, policy: Resource, pod: Resource, service: Resource | None) -> bool:
    """Whether one of a policy's targets is this proxy, or what the request is for."""
    named = targets(policy)
    if policy.namespace == pod.namespace:
        gateway = pod.labels.get(_GATEWAY_NAME)
        if gateway and ("Gateway", gateway) in named:
            return True
    if policy.namespace == mesh.root_namespace:
        class_name = _class_of(mesh, pod)
        if class_name and ("GatewayClass", class_name) in named:
            return True
    if service is None or not is_waypoint(pod) or policy.namespace != service.namespace:
        return False
    return (service.kind.name, service.name) in named


def governs(
    mesh: Snapshot, policy: Resource, pod: Resource, service: Resource | None = None
) -> bool:
    """Whether a policy is in force at a pod's proxy.

    Args:
        mesh: the snapshot.
        policy: the policy.
        pod: whose proxy is asked about.
        service: at a waypoint, the Service or ServiceEntry that a request is for: policies that
            target it bind there, and no pod's labels tell. Without it they count as not in force.
    """
    if targets(policy):
        return _targeted(mesh, policy, pod, service)
    if is_waypoint(pod) or policy.namespace not in (mesh.root_namespace, pod.namespace):
        return False
    return matches_labels(as_strings(policy.get("spec", "selector", "matchLabels")), pod.labels)


def governing(
    mesh: Snapshot, kind: Kind, pod: Resource, service: Resource | None = None
) -> tuple[Resource, ...]:
    """The policies of a kind in force at a pod's proxy, the root namespace's first.

    Args:
        mesh: the snapshot.
        kind: AuthorizationPolicy or RequestAuthentication.
        pod: whose proxy is asked about.
        service: at a waypoint, what the request is for (see ``governs``).
    """
    own = (service.namespace,) if service is not None and is_waypoint(pod) else ()
    spaces = dict.fromkeys((mesh.root_namespace, pod.namespace, *own))
    return tuple(
        policy
        for space in spaces
        for policy in mesh.catalog.within(kind, space)
        if governs(mesh, policy, pod, service)
    )
