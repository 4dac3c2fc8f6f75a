"""Control planes by revision, the tags that name them, and the revision each proxy got."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.injection_webhooks import InjectionWebhook, injection_webhooks
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, INJECTION, REVISION
from meshdoctor.model.kinds import DEPLOYMENT, POD
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    is_finished,
    is_gateway,
    is_istiod,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_STATUS = "sidecar.istio.io/status"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Everything that runs one revision of istiod."""

    revision: str
    deployments: tuple[Resource, ...]
    pods: tuple[Resource, ...]
    """Those that are neither finished nor being deleted."""

    @property
    def namespaces(self) -> frozenset[str]:
        """Where it is installed."""
        return frozenset(item.namespace for item in (*self.deployments, *self.pods))


def _is_istiod_template(deployment: Resource) -> bool:
    template = as_mapping(deployment.get("spec", "template"))
    labels = as_strings(as_mapping(template.get("metadata")).get("labels"))
    containers = as_list(as_mapping(template.get("spec")).get("containers"))
    names = [as_mapping(item).get("name") for item in containers]
    return labels.get("app") == "istiod" and ISTIOD_CONTAINER in names


def _revision_of_deployment(deployment: Resource) -> str:
    labels = as_strings(deployment.get("spec", "template", "metadata", "labels"))
    return labels.get(REVISION) or deployment.labels.get(REVISION) or DEFAULT_REVISION


@lru_cache(maxsize=2)
def control_planes(mesh: Snapshot) -> Mapping[str, ControlPlane]:
    """Every control plane in the cluster, by revision.

    A revision whose Deployment is scaled to zero is there all the same: it is down, not absent.
    """
    deployments: dict[str, list[Resource]] = defaultdict(list)
    pods: dict[str, list[Resource]] = defaultdict(list)
    for item in mesh.catalog.of(DEPLOYMENT):
        if _is_istiod_template(item):
            deployments[_revision_of_deployment(item)].append(item)
    for item in mesh.catalog.of(POD):
        if is_istiod(item) and not is_finished(item) and not is_terminating(item):
            pods[item.labels.get(REVISION) or DEFAULT_REVISION].append(item)
    return {
        name: ControlPlane(name, tuple(deployments[name]), tuple(pods[name]))
        for name in sorted({*deployments, *pods})
    }


@lru_cache(maxsize=2)
def control_plane_namespaces(mesh: Snapshot) -> frozenset[str]:
    """Namespaces that hold a control plane, and the root namespace."""
    found = {mesh.root_namespace}
    for plane in control_planes(mesh).values():
        found |= plane.namespaces
    return frozenset(found)


def is_present(mesh: Snapshot, revision: str) -> bool | None:
    """Whether a control plane of this revision is installed; None when that cannot be told."""
    if revision in control_planes(mesh):
        return True
    # Pods alone prove presence, not absence: a Deployment may be scaled to zero.
    return False if mesh.catalog.known(DEPLOYMENT) else None


def is_served(mesh: Snapshot, webhook: InjectionWebhook) -> bool | None:
    """Whether a control plane stands behind an entry; one called by URL is outside the cluster."""
    return True if webhook.service is None else is_present(mesh, webhook.revision)


def tag_configurations(mesh: Snapshot) -> Mapping[str, Resource]:
    """The MutatingWebhookConfiguration of each revision tag, by tag."""
    return {item.tag: item.configuration for item in injection_webhooks(mesh) if item.tag}


def webhooks_for(mesh: Snapshot, revision: str) -> tuple[InjectionWebhook, ...]:
    """The entries that serve a namespace labelled with this revision or tag."""
    return tuple(
        item for item in injection_webhooks(mesh) if item.selects({REVISION: revision}, {})
    )


def default_webhooks(mesh: Snapshot) -> tuple[InjectionWebhook, ...]:
    """The entries that serve ``istio-injection=enabled``."""
    return tuple(
        item for item in injection_webhooks(mesh) if item.selects({INJECTION: "enabled"}, {})
    )


def usable_revisions(mesh: Snapshot) -> tuple[str, ...]:
    """Names with which ``istio.io/rev`` gets a proxy from a control plane that is installed.

    The default revision comes first, then tags and revisions by name.
    """
    names = {
        name
        for item in injection_webhooks(mesh)
        for name in (item.tag, item.revision)
        if name and is_served(mesh, item) and item.selects({REVISION: name}, {})
    }
    return tuple(sorted(names, key=lambda name: (name != DEFAULT_REVISION, name)))


def got_revision(pod: Resource) -> str:
    """The revision that injected a pod's proxy (a gateway's own label); empty when none did."""
    written = pod.annotations.get(REVISION)
    if written:
        return written
    if is_gateway(pod) or is_istiod(pod):
        return pod.labels.get(REVISION, "")
    status = pod.annotations.get(_STATUS)
    if status is None:
        return ""
    try:
        revision = as_mapping(json.loads(status)).get("revision")
    except (ValueError, RecursionError):
        return ""
    return str(revision or DEFAULT_REVISION)


def was_injected(pod: Resource) -> bool:
    """Whether istiod's webhook (or ``istioctl kube-inject``) put something into this pod."""
    return _STATUS in pod.annotations
