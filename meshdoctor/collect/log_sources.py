"""Which logs belong to what is read: of proxies, istiods, ztunnels, and of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.envoy import proxy_folder
from meshdoctor.collect.istiod import istiod_folder
from meshdoctor.collect.logs import LogSource, log_sources
from meshdoctor.collect.ztunnel import ztunnel_folder
from meshdoctor.model import proxy as files
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    PROXY_CONTAINER,
    containers,
    has_proxy,
    is_istiod,
    is_ztunnel,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from meshdoctor.model.resource import Resource

_CNI = "install-cni"
"""The container of Istio's CNI node agent, whose log says why pods were not captured."""
_SYSTEM = "kube-"
_FEW = 50
"""Logs from outside the mesh's namespaces."""
_MESH_LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")


def proxy_logs(pod: Resource) -> tuple[LogSource, ...]:
    """The log of a pod's proxy: access log, Envoy and its agent in one stream."""
    return log_sources(pod, PROXY_CONTAINER, f"{proxy_folder(pod)}/{files.LOG}")


def istiod_logs(pod: Resource) -> tuple[LogSource, ...]:
    """The log of an istiod."""
    return log_sources(pod, ISTIOD_CONTAINER, f"{istiod_folder(pod)}/discovery.log")


def ztunnel_logs(pod: Resource) -> tuple[LogSource, ...]:
    """The log of a ztunnel, whose container is called ``istio-proxy`` as well."""
    return log_sources(pod, PROXY_CONTAINER, f"{ztunnel_folder(pod)}/ztunnel.log")


def mesh_namespaces(pods: Iterable[Resource], namespaces: Iterable[Resource]) -> frozenset[str]:
    """Namespaces that take part in the mesh: a proxy is in them, or a label speaks of it."""
    labelled = {
        item.name for item in namespaces if any(label in item.labels for label in _MESH_LABELS)
    }
    return frozenset(labelled | {pod.namespace for pod in pods if has_proxy(pod)})


def application_logs(
    pods: Iterable[Resource], within: Collection[str], asked: Collection[str] = ()
) -> tuple[LogSource, ...]:
    """The logs of everything else: applications, and Istio's CNI node agent.

    Args:
        pods: all of them.
        within: namespaces that take part in the mesh.
        asked: the namespaces that were asked for; none for all.

    Returns:
        Those of the mesh's namespaces; those of others too when they are few, for a caller
        without a proxy tells in its own log alone how its calls fared.
    """
    inside: list[LogSource] = []
    outside: list[LogSource] = []
    for pod in pods:
        if is_istiod(pod) or is_ztunnel(pod) or (asked and pod.namespace not in asked):
            continue
        for path, container in containers(pod):
            name = container.get("name")
            if not isinstance(name, str) or name == PROXY_CONTAINER:
                continue
            sources = log_sources(pod, name, f"logs/{pod.namespace}/{pod.name}/{name}.log")
            if name == _CNI or (path[1] == "containers" and pod.namespace in within):
                inside += sources
            elif path[1] == "containers" and not pod.namespace.startswith(_SYSTEM):
                outside += sources
    return (*inside, *outside) if len(outside) <= _FEW else tuple(inside)
