"""The pod at the other end of a stream: who plays it, and which of its containers run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.streams_refusal import RefusedError, recorded_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ROOMS = {"proxy": "proxies", "istiod": "istiod", "ztunnel": "ztunnels"}
"""Folder of a recording that holds what a pod of each role said."""


class PodFiles(Protocol):
    """What streams need of the mesh that is played."""

    def pod(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The pod as it stands now; None where there is none."""

    def file(self, path: str) -> bytes | None:
        """A file of the recording; None where it has none."""

    def problem(self, path: str) -> str | None:
        """Why the recorder could not read this file; None where nothing was noted."""

    def withheld(self, path: str) -> bool:
        """Whether a file does not count any more, though its pod may well answer."""

    def now(self) -> datetime:
        """The server's clock."""

    def quit_proxy(self, namespace: str, name: str) -> bool:
        """Let a pod's proxy end, as it does when told to quit; False where nothing moves."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, as far as streams look at it."""

    namespace: str
    name: str
    uid: str
    node: str
    """Empty while it is not scheduled."""
    containers: tuple[str, ...]
    init_containers: tuple[str, ...]
    """Native sidecars are among them."""
    states: Mapping[str, Mapping[str, Any]]
    """Status of each container by name."""
    role: str
    """proxy, istiod or ztunnel; empty for a pod without an admin interface."""

    @property
    def folder(self) -> str:
        """Where the recording keeps what its admin interface said."""
        return f"{ROOMS[self.role]}/{self.namespace}/{self.name}" if self.role else ""

    def is_running(self, container: str) -> bool:
        """Whether a container runs; one without a status is taken to."""
        status = self.states.get(container)
        return status is None or "running" in as_mapping(status.get("state"))


def _names(spec: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(
        str(name) for item in as_list(spec.get(key)) if (name := as_mapping(item).get("name"))
    )


def _role(labels: Mapping[str, Any], containers: tuple[str, ...]) -> str:
    if "discovery" in containers:
        return "istiod"
    if labels.get("app") == "ztunnel":
        return "ztunnel"
    return "proxy" if "istio-proxy" in containers else ""


def _read_pod(pod: Mapping[str, Any]) -> Pod:
    metadata = as_mapping(pod.get("metadata"))
    spec, status = as_mapping(pod.get("spec")), as_mapping(pod.get("status"))
    containers, init = _names(spec, "containers"), _names(spec, "initContainers")
    states = {
        str(item.get("name")): item
        for key in ("initContainerStatuses", "containerStatuses")
        for value in as_list(status.get(key))
        if (item := as_mapping(value))
    }
    return Pod(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        node=str(spec.get("nodeName") or ""),
        containers=containers,
        init_containers=init,
        states=states,
        role=_role(as_mapping(metadata.get("labels")), containers + init),
    )


def find_pod(mesh: PodFiles, namespace: str, name: str) -> Pod:
    """The pod of a request.

    Raises:
        RefusedError: there is none.
    """
    pod = mesh.pod(namespace, name)
    if pod is None:
        raise RefusedError(404, f'pods "{name}" not found')
    return _read_pod(pod)


def container_of(pod: Pod, wanted: str) -> str:
    """The container a request means (validateContainer in pkg/registry/core/pod/strategy.go).

    Args:
        pod: the pod.
        wanted: the container it names; empty where it names none.

    Raises:
        RefusedError: it has to name one, or names one that the pod lacks.
    """
    if wanted:
        if wanted not in pod.containers + pod.init_containers:
            raise RefusedError(400, f"container {wanted} is not valid for pod {pod.name}")
        return wanted
    if len(pod.containers) == 1:
        return pod.containers[0]
    if not pod.containers:
        raise RefusedError(400, f"a container must be specified for pod {pod.name}")
    message = (
        f"a container name must be specified for pod {pod.name}, "
        f"choose one of: [{' '.join(pod.containers)}]"
    )
    if pod.init_containers:
        message += f" or one of the init containers: [{' '.join(pod.init_containers)}]"
    raise RefusedError(400, message)


def need_host(mesh: PodFiles, pod: Pod) -> None:
    """A stream needs a node to end at.

    Raises:
        RefusedError: the pod is on none.
    """
    if pod.node:
        return
    for file in ("config_dump.json", "debug/syncz.json"):
        reason = mesh.problem(f"{pod.folder}/{file}") if pod.folder else None
        if reason and "host assigned" in reason:
            raise recorded_refusal(reason)
    raise RefusedError(400, f"pod {pod.name} does not have a host assigned")
