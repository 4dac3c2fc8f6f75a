"""Who is in ambient mode, and which ztunnel serves whom.

istio-cni's node agent decides from labels: the pod's own ``istio.io/dataplane-mode`` beats its
namespace's, and pods on the host's network, pods with an injected sidecar and excluded namespaces
stay out (cni/pkg/util, ``PodRedirectionEnabled``). It leaves ``ambient.istio.io/redirection`` on
those it took in: ``enabled``, or ``pending`` while no ztunnel serves them.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import REDIRECTION, is_in_ambient
from meshdoctor.intent.revision_labels import DATAPLANE_MODE
from meshdoctor.model.kinds import DAEMON_SET, NAMESPACE, POD
from meshdoctor.model.pod import (
    containers,
    has_proxy,
    host_network,
    is_finished,
    is_gateway,
    is_istiod,
    is_terminating,
    is_ztunnel,
)
from meshdoctor.model.resource import as_strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

AMBIENT = "ambient"
_EXCLUDED = frozenset({"kube-system"})
"""The chart's default for excludeNamespaces."""
_CNI_CONTAINER = "install-cni"


class Enrolment(StrEnum):
    """How a pod stands to ambient mode."""

    CAPTURED = "captured"
    """Its traffic goes through its node's ztunnel."""
    PENDING = "pending"
    """Its traffic is redirected, and no ztunnel serves it yet."""
    WANTED = "wanted"
    """Labels ask for it, and istio-cni has not taken it in."""
    OPTED_OUT = "opted out"
    """Its namespace is in ambient mode, its own label says none."""
    OUTSIDE = "outside"
    """Nothing asks for it, or a sidecar, the host's network or its own part in the mesh forbid."""


def mode_of(resource: Resource | None) -> str:
    """The value of ``istio.io/dataplane-mode`` on a namespace or pod; empty for none."""
    return resource.labels.get(DATAPLANE_MODE, "") if resource else ""


def namespace_mode(mesh: Snapshot, namespace: str) -> str:
    """A namespace's mode; empty where it asks for none or was not read."""
    return mode_of(mesh.catalog.find(NAMESPACE, "", namespace))


def _is_part_of_mesh(pod: Resource) -> bool:
    if is_istiod(pod) or is_ztunnel(pod) or is_gateway(pod):
        return True
    return any(item.get("name") == _CNI_CONTAINER for _, item in containers(pod))


def enrolment(mesh: Snapshot, pod: Resource) -> Enrolment:
    """How a pod stands to ambient mode: what istio-cni did, else what its labels ask for."""
    if is_in_ambient(pod):
        return Enrolment.CAPTURED
    if pod.annotations.get(REDIRECTION) == "pending":
        return Enrolment.PENDING
    if host_network(pod) or has_proxy(pod) or _is_part_of_mesh(pod):
        return Enrolment.OUTSIDE
    own, around = mode_of(pod), namespace_mode(mesh, pod.namespace)
    if pod.namespace in _EXCLUDED or AMBIENT not in (own, around):
        return Enrolment.OUTSIDE
    # Istio before 1.22 had the annotation for the opt-out as well.
    if own == "none" or pod.annotations.get(REDIRECTION) == "disabled":
        return Enrolment.OPTED_OUT
    return Enrolment.WANTED


def _lives(pod: Resource) -> bool:
    return not is_finished(pod) and not is_terminating(pod)


@lru_cache(maxsize=2)
def enrolments(mesh: Snapshot) -> Mapping[Enrolment, tuple[Resource, ...]]:
    """Every pod that runs or is about to, by how it stands to ambient mode."""
    found: dict[Enrolment, list[Resource]] = defaultdict(list)
    for pod in mesh.catalog.of(POD):
        if _lives(pod):
            found[enrolment(mesh, pod)].append(pod)
    return {key: tuple(pods) for key, pods in found.items()}


def captured_pods(mesh: Snapshot) -> tuple[Resource, ...]:
    """The pods whose traffic goes through a ztunnel."""
    return enrolments(mesh).get(Enrolment.CAPTURED, ())


@lru_cache(maxsize=2)
def captured_workloads(mesh: Snapshot) -> tuple[tuple[Workload, tuple[Resource, ...]], ...]:
    """Each workload with the pods of it that are captured, by namespace and name."""
    found: dict[str, tuple[Workload, list[Resource]]] = {}
    for pod in captured_pods(mesh):
        workload = mesh.workloads.owning(pod)
        found.setdefault(str(workload), (workload, []))[1].append(pod)
    return tuple((workload, tuple(pods)) for workload, pods in found.values())


@lru_cache(maxsize=2)
def uses_ambient(mesh: Snapshot) -> bool:
    """Whether anything in the mesh is in ambient mode or asks for it."""
    if any(mode_of(item) == AMBIENT for item in mesh.catalog.of(NAMESPACE)):
        return True
    kinds = set(enrolments(mesh))
    return not kinds <= {Enrolment.OUTSIDE}


def node_of(pod: Resource) -> str:
    """The node a pod runs on; empty before it is scheduled."""
    return str(pod.spec.get("nodeName") or "")


@lru_cache(maxsize=2)
def ztunnel_pods(mesh: Snapshot) -> Mapping[str, tuple[Resource, ...]]:
    """The ztunnel pods of each node; those that wait for a node under the empty name."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for pod in mesh.catalog.of(POD):
        if is_ztunnel(pod) and _lives(pod):
            found[node_of(pod)].append(pod)
    return {node: tuple(pods) for node, pods in found.items()}


def ztunnel_daemonset(mesh: Snapshot) -> Resource | None:
    """The DaemonSet that runs ztunnels, by its template's label; None when there is none."""
    for item in mesh.catalog.of(DAEMON_SET):
        labels = as_strings(item.get("spec", "template", "metadata", "labels"))
        if labels.get("app") == "ztunnel":
            return item
    return None
