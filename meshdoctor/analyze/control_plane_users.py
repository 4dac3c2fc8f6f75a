"""Who needs a control plane: namespaces that ask for its revision, proxies that talk to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.pod_refusals import refusals
from meshdoctor.analyze.refusal_reasons import WebhookFailure, reason_of
from meshdoctor.intent.control_plane import plane_of, serves
from meshdoctor.intent.injection_webhooks import selecting
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION, asked_by_namespace
from meshdoctor.model.kinds import (
    ENDPOINT_SLICE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    SERVICE,
)
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


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


def refused_workloads(mesh: Snapshot, plane: ControlPlane) -> tuple[Refused, ...]:
    """Workloads whose pods are refused because the injection webhook does not answer."""
    services = {(item.namespace, item.name) for item in services_of(mesh, plane)}
    found = []
    for item in refusals(mesh):
        reason = reason_of(item)
        if isinstance(reason, WebhookFailure) and reason.injects and reason.service in services:
            found.append(Refused(item.workload, item.evidence[0]))
    return tuple(found)
