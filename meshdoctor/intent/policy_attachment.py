"""Which security policies govern a workload's proxy.

AuthorizationPolicy and RequestAuthentication attach alike: from the root namespace to every
workload of the mesh, from any other namespace to that namespace's own; narrowed by ``selector``,
or bound by ``targetRefs`` (pilot/pkg/model/policyattachment.go). Waypoints heed nothing but
``targetRefs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
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


def governs(mesh: Snapshot, policy: Resource, pod: Resource) -> bool:
    """Whether a policy is in force at a pod's proxy.

    Targets that are Services bind at waypoints by destination, which no pod's labels tell: they
    count as not in force here.
    """
    named = targets(policy)
    if named:
        gateway = pod.labels.get(_GATEWAY_NAME, "")
        return policy.namespace == pod.namespace and ("Gateway", gateway) in named
    if is_waypoint(pod) or policy.namespace not in (mesh.root_namespace, pod.namespace):
        return False
    return matches_labels(as_strings(policy.get("spec", "selector", "matchLabels")), pod.labels)


def governing(mesh: Snapshot, kind: Kind, pod: Resource) -> tuple[Resource, ...]:
    """The policies of a kind in force at a pod's proxy, the root namespace's first."""
    spaces = dict.fromkeys((mesh.root_namespace, pod.namespace))
    return tuple(
        policy
        for space in spaces
        for policy in mesh.catalog.within(kind, space)
        if governs(mesh, policy, pod)
    )
