"""What there is of Istio in a cluster: who asks for it, and what stands there of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.control_plane import is_external
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.revision_labels import DATAPLANE_MODE, asked_by_namespace
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD, SERVICE
from meshdoctor.model.pod import is_finished

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NEEDED = (DEPLOYMENT, POD, SERVICE, MUTATING_WEBHOOK, NAMESPACE)
"""Kinds without which nothing can be said to be absent."""


def istiod_services(mesh: Snapshot) -> tuple[Resource, ...]:
    """The Services made for a control plane: labelled ``app: istiod`` as the charts do."""
    return tuple(item for item in mesh.catalog.of(SERVICE) if item.labels.get("app") == "istiod")


def namespaces_asking_for_istio(mesh: Snapshot) -> tuple[Resource, ...]:
    """Namespaces labelled for sidecars or for ambient mode."""
    return tuple(
        item
        for item in mesh.catalog.of(NAMESPACE)
        if asked_by_namespace(item.labels) or item.labels.get(DATAPLANE_MODE) == "ambient"
    )


def pods_with_proxies(mesh: Snapshot) -> tuple[Resource, ...]:
    """Pods that carry a proxy of Istio's and have not run to their end."""
    return tuple(pod for pod in mesh.proxy_pods if not is_finished(pod))


def is_managed_from_outside(mesh: Snapshot) -> bool:
    """Whether something leads to a control plane in another cluster.

    A remote cluster has webhooks that call a URL, or an istiod Service without a selector whose
    endpoints are written by hand (istioctl's remote profile).
    """
    return (
        any(item.service is None for item in injection_webhooks(mesh))
        or any(not item.spec.get("selector") for item in istiod_services(mesh))
        or any(is_external(pod, mesh.proxy_of(pod)) for pod in pods_with_proxies(mesh))
    )


@lru_cache(maxsize=2)
def has_no_control_plane(mesh: Snapshot) -> bool | None:
    """Whether the cluster has no istiod at all, neither its own nor another's.

    Returns:
        None when too little was read to tell.
    """
    if control_planes(mesh) or mesh.istiods:
        return False
    if not mesh.catalog.known(*NEEDED):
        return None
    return not is_managed_from_outside(mesh)
