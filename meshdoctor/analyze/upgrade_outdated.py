"""Which proxies lag behind their control plane: older than it, or injected by another revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_state import State, condition
from meshdoctor.analyze.sync_connections import connections
from meshdoctor.analyze.upgrade_version import Stated, istiod_version, proxy_version
from meshdoctor.intent.control_plane import plane_of, ready_pods
from meshdoctor.intent.injection_webhooks import InjectionWebhook, selecting
from meshdoctor.intent.revision_labels import opting_out
from meshdoctor.intent.revisions import control_planes, got_revision, was_injected
from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE
from meshdoctor.model.pod import is_finished, is_terminating
from meshdoctor.model.resource import as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

PINNED_IMAGE = "sidecar.istio.io/proxyImage"
"""Pod annotation that fixes the proxy's image whatever istiod's version."""


@dataclass(frozen=True, slots=True)
class Versions:
    """A proxy beside its istiod."""

    pod: Resource
    proxy: Stated
    istiod: Stated


@dataclass(frozen=True, slots=True)
class Moved:
    """A pod whose proxy another revision injected than would inject it now."""

    pod: Resource
    got: str
    """The revision that injected it."""
    webhook: InjectionWebhook
    """The one that would be called now; its revision is the one asked for."""


def _pods(mesh: Snapshot) -> Iterator[Resource]:
    for pod in mesh.proxy_pods:
        if not is_finished(pod) and not is_terminating(pod):
            yield pod


def istiod_of(mesh: Snapshot, pod: Resource) -> Stated | None:
    """The version of the istiod a pod's proxy talks to, or should."""
    connection = connections(mesh).get(f"{pod.name}.{pod.namespace}")
    if connection is not None:
        return istiod_version(mesh, connection.istiod.namespace, connection.istiod.pod)
    plane = plane_of(mesh, pod, mesh.proxy_of(pod))
    ready = ready_pods(plane) if plane else ()
    return istiod_version(mesh, ready[0].namespace, ready[0].name) if ready else None


def versions(mesh: Snapshot) -> Iterator[Versions]:
    """Every proxy whose version and whose istiod's version are known."""
    for pod in _pods(mesh):
        connection = connections(mesh).get(f"{pod.name}.{pod.namespace}")
        proxy = proxy_version(pod, mesh.proxy_of(pod), connection)
        istiod = istiod_of(mesh, pod)
        if proxy is not None and istiod is not None:
            yield Versions(pod, proxy, istiod)


def template_annotations(workload: Workload) -> dict[str, str]:
    """Annotations that new pods of a workload get."""
    if workload.resource is None:
        return {}
    if workload.kind == "Pod":
        return workload.resource.annotations
    return as_strings(workload.resource.get("spec", "template", "metadata", "annotations"))


def _asked(mesh: Snapshot, pod: Resource) -> InjectionWebhook | None:
    """The webhook that a new pod of the same workload would meet; None unless exactly one does."""
    namespace = mesh.catalog.find(NAMESPACE, "", pod.namespace)
    workload = mesh.workloads.owning(pod)
    labels = workload.template_labels
    if namespace is None or opting_out(labels, template_annotations(workload)):
        return None
    hooks = selecting(mesh, namespace.labels, labels)
    if any(hook.is_conditional for hook in hooks) or len({hook.revision for hook in hooks}) != 1:
        return None
    return hooks[0]


def moved(mesh: Snapshot) -> Iterator[Moved]:
    """Pods that would get their proxy from another, ready revision if they were restarted.

    What is asked for is what the webhooks would do with a new pod: so tags and the default
    revision are resolved as the API server would.
    """
    if not mesh.catalog.known(NAMESPACE, MUTATING_WEBHOOK):
        return
    planes = control_planes(mesh)
    for pod in _pods(mesh):
        got = got_revision(pod)
        webhook = _asked(mesh, pod) if was_injected(pod) and got else None
        if webhook is None or webhook.revision == got:
            continue
        plane = planes.get(webhook.revision)
        if plane is not None and condition(mesh, plane).state is State.READY:
            yield Moved(pod, got, webhook)
