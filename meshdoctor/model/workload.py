"""Workloads: the controllers that own pods; a fault in a pod template is theirs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
)
from meshdoctor.model.pod import is_finished, is_ready
from meshdoctor.model.resource import as_list, as_mapping, as_strings, object_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.catalog import Catalog
    from meshdoctor.model.resource import Resource

CONTROLLERS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
"""The kinds whose pod template a person edits."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A controller (or a bare pod) and the pods it owns now."""

    kind: str
    namespace: str
    name: str
    resource: Resource | None
    """The controller's object; None when it was not read."""
    pods: tuple[Resource, ...]

    def __str__(self) -> str:
        """``Deployment namespace/name``."""
        return object_text(self.kind, self.namespace, self.name)

    @property
    def template_labels(self) -> dict[str, str]:
        """Labels that new pods get."""
        if self.resource is None:
            return self.pods[0].labels if self.pods else {}
        if self.kind == POD.name:
            return self.resource.labels
        return as_strings(self.resource.get("spec", "template", "metadata", "labels"))

    @property
    def wanted(self) -> int | None:
        """Replicas asked for; None when unknown (a DaemonSet, or the object is unread)."""
        if self.resource is None or self.kind not in (DEPLOYMENT.name, STATEFUL_SET.name):
            return None
        replicas = self.resource.spec.get("replicas", 1)
        return replicas if isinstance(replicas, int) else None

    @property
    def running_pods(self) -> tuple[Resource, ...]:
        """Pods that have not run to their end."""
        return tuple(pod for pod in self.pods if not is_finished(pod))

    @property
    def ready_pods(self) -> tuple[Resource, ...]:
        """Pods that are Ready."""
        return tuple(pod for pod in self.pods if is_ready(pod))


def _owner(resource: Resource) -> tuple[str, str] | None:
    for item in as_list(resource.metadata.get("ownerReferences")):
        owner = as_mapping(item)
        if owner.get("controller"):
            return str(owner.get("kind")), str(owner.get("name"))
    return None


def owner_of_replica_set(replica_set: Resource) -> str:
    """Whose template made a ReplicaSet, as text: its Deployment, or itself where it has none."""
    kind, name = _owner(replica_set) or (REPLICA_SET.name, replica_set.name)
    return object_text(kind, replica_set.namespace, name)


def _owner_of_pod(pod: Resource, catalog: Catalog) -> tuple[str, str]:
    """Kind and name of the object whose template made the pod.

    A ReplicaSet made by a Deployment is named ``<deployment>-<pod-template-hash>``, so the
    Deployment's name is known even where ReplicaSets could not be read.
    """
    owner = _owner(pod)
    if owner is None:
        return POD.name, pod.name
    if owner[0] != REPLICA_SET.name:
        return owner
    replica_set = catalog.find(REPLICA_SET, pod.namespace, owner[1])
    above = _owner(replica_set) if replica_set else None
    if above is not None:
        return above
    hashed = pod.labels.get("pod-template-hash")
    if replica_set is None and hashed and owner[1].endswith("-" + hashed):
        return DEPLOYMENT.name, owner[1].removesuffix("-" + hashed)
    return owner


@dataclass(frozen=True, slots=True)
class Workloads:
    """Every workload, and the one that owns each pod."""

    all: tuple[Workload, ...]
    _by_pod: Mapping[tuple[str, str], Workload]

    @classmethod
    def build(cls, catalog: Catalog) -> Workloads:
        """Join pods with the controllers that own them."""
        pods: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
        for pod in catalog.of(POD):
            kind, name = _owner_of_pod(pod, catalog)
            pods[kind, pod.namespace, name].append(pod)
        objects = {
            (kind.name, item.namespace, item.name): item
            for kind in (*CONTROLLERS, REPLICA_SET, JOB, POD)
            for item in catalog.of(kind)
        }
        idle = [
            key for key, item in objects.items() if item.kind in CONTROLLERS and key not in pods
        ]
        workloads = tuple(
            Workload(key[0], key[1], key[2], objects.get(key), tuple(pods.get(key, ())))
            for key in sorted((*pods, *idle), key=lambda key: (key[1], key[2], key[0]))
        )
        by_pod = {(w.namespace, pod.name): w for w in workloads for pod in w.pods}
        return cls(workloads, by_pod)

    def owning(self, pod: Resource) -> Workload:
        """The workload that owns this pod."""
        return self._by_pod[pod.namespace, pod.name]

    def within(self, namespace: str) -> tuple[Workload, ...]:
        """The workloads of one namespace."""
        return tuple(w for w in self.all if w.namespace == namespace)
