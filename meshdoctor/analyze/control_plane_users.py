"""Who needs a control plane: namespaces that ask for its revision, proxies that talk to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.control_plane import plane_of, serves
from meshdoctor.intent.injection_webhooks import selecting
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION, asked_by_namespace
from meshdoctor.model.kinds import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    REPLICA_SET,
    SERVICE,
)
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_CALL_FAILED = re.compile(
    r"failed calling webhook \"[^\"]*sidecar-injector\.istio\.io\".*"
    r"https://(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc"
)
_POD_OWNER = {"ReplicaSet": REPLICA_SET}


def namespaces_asking(mesh: Snapshot, revision: str) -> tuple[Resource, ...]:
    """Namespaces whose new pods this revision would inject.

    Where the webhooks were not read, the labels alone are asked; a tag is then not resolved.
    """
    found = []
    for item in mesh.catalog.of(NAMESPACE):
        if mesh.catalog.known(MUTATING_WEBHOOK):
            named = {hook.revision for hook in selecting(mesh, item.labels, {})}
        else:
            asked = asked_by_namespace(item.labels)
            named = {asked.revision} if asked else set()
        if revision in named and asked_by_namespace(item.labels):
            found.append(item)
    return tuple(found)


def pods_served(mesh: Snapshot, plane: ControlPlane) -> tuple[Resource, ...]:
    """Pods whose proxy should talk to this control plane."""
    return tuple(
        pod
        for pod in mesh.proxy_pods
        if not is_finished(pod) and plane_of(mesh, pod, mesh.proxy_of(pod)) is plane
    )


def services_of(mesh: Snapshot, plane: ControlPlane) -> tuple[Resource, ...]:
    """The Services in front of a control plane."""
    return tuple(item for item in mesh.catalog.of(SERVICE) if serves(item, plane))


def endpoint_slices_of(mesh: Snapshot, plane: ControlPlane) -> tuple[Resource, ...]:
    """The EndpointSlices of those Services; by their own labels where Services were not read."""
    if not mesh.catalog.known(SERVICE):
        return tuple(
            item
            for item in mesh.catalog.of(ENDPOINT_SLICE)
            if item.namespace in plane.namespaces
            and item.labels.get("app") == "istiod"
            and item.labels.get(REVISION, DEFAULT_REVISION) == plane.revision
        )
    names = {(item.namespace, item.name) for item in services_of(mesh, plane)}
    return tuple(
        item
        for item in mesh.catalog.of(ENDPOINT_SLICE)
        if (item.namespace, item.labels.get("kubernetes.io/service-name")) in names
    )


def has_ready_endpoint(endpoint_slice: Resource) -> bool:
    """Whether a slice has an endpoint that gets traffic (an absent condition means ready)."""
    return any(
        as_mapping(as_mapping(item).get("conditions")).get("ready", True) is not False
        for item in as_list(endpoint_slice.raw.get("endpoints"))
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """A workload that gets no pods because the injection webhook does not answer."""

    workload: str
    evidence: Evidence


def _still_lacks_pods(item: Resource) -> bool:
    wanted = item.spec.get("replicas", 1)
    has = item.status.get("replicas", 0)
    return isinstance(wanted, int) and isinstance(has, int) and has < wanted


def _owner(replica_set: Resource) -> str:
    for owner in map(as_mapping, as_list(replica_set.metadata.get("ownerReferences"))):
        if owner.get("kind") == DEPLOYMENT.name:
            return f"{DEPLOYMENT.name} {replica_set.namespace}/{owner.get('name')}"
    return str(replica_set)


def refused_workloads(mesh: Snapshot, plane: ControlPlane) -> tuple[Refused, ...]:
    """Workloads whose ReplicaSet says that the webhook failed, and that lack pods to this moment.

    An event outlives its fault by an hour: it counts only while the pods are still missing.
    """
    services = {(item.namespace, item.name) for item in services_of(mesh, plane)}
    found: dict[str, Refused] = {}
    for event in mesh.catalog.of(EVENT):
        match = _CALL_FAILED.search(str(event.raw.get("message") or ""))
        about = as_mapping(event.raw.get("involvedObject"))
        kind = _POD_OWNER.get(str(about.get("kind")))
        if match is None or kind is None:
            continue
        if (match["namespace"], match["service"]) not in services:
            continue
        item = mesh.catalog.find(kind, str(about.get("namespace")), str(about.get("name")))
        if item is not None and _still_lacks_pods(item):
            refused = Refused(_owner(item), event.evidence("message"))
            found.setdefault(refused.workload, refused)
    return tuple(found[name] for name in sorted(found))
