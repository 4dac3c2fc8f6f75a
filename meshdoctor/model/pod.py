"""What a pod says about itself: containers, readiness, proxies, owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource

PROXY_CONTAINER = "istio-proxy"
"""Name of the Envoy container in sidecars, gateways and waypoints, and of ztunnel's too."""
ISTIOD_CONTAINER = "discovery"
"""Name of istiod's own container."""


def containers(pod: Resource) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """App containers, then init containers, each with its path in the pod."""
    for key in ("containers", "initContainers"):
        for index, item in enumerate(as_list(pod.spec.get(key))):
            yield ("spec", key, index), as_mapping(item)


def container_path(pod: Resource, name: str) -> tuple[str | int, ...] | None:
    """Path of a container within the pod; None when there is none of that name."""
    return next((path for path, item in containers(pod) if item.get("name") == name), None)


def is_ztunnel(pod: Resource) -> bool:
    """Whether this is a ztunnel pod (its container is called istio-proxy as well)."""
    return pod.labels.get("app") == "ztunnel"


def is_istiod(pod: Resource) -> bool:
    """Whether the pod is a control plane replica (the charts label it ``app=istiod``)."""
    return pod.labels.get("app") == "istiod"


def has_proxy(pod: Resource) -> bool:
    """Whether the pod carries an Envoy: classic or native sidecar, gateway or waypoint."""
    return container_path(pod, PROXY_CONTAINER) is not None and not is_ztunnel(pod)


def is_gateway(pod: Resource) -> bool:
    """Whether the pod is nothing but a proxy: an ingress, egress or waypoint gateway."""
    names = [as_mapping(item).get("name") for item in as_list(pod.spec.get("containers"))]
    return names == [PROXY_CONTAINER] and not is_ztunnel(pod)


def host_network(pod: Resource) -> bool:
    """Whether the pod shares its node's network namespace."""
    return pod.spec.get("hostNetwork") is True


def is_finished(pod: Resource) -> bool:
    """Whether the pod has run to its end (a Job's pod, an evicted pod)."""
    return pod.status.get("phase") in ("Succeeded", "Failed")


def is_terminating(pod: Resource) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod.metadata


def pod_ip(pod: Resource) -> str:
    """The pod's IP, empty before it has one."""
    return str(pod.status.get("podIP") or "")


def is_ready(pod: Resource) -> bool:
    """The pod's Ready condition."""
    return any(
        as_mapping(item).get("type") == "Ready" and as_mapping(item).get("status") == "True"
        for item in as_list(pod.status.get("conditions"))
    )


def container_statuses(
    pod: Resource,
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Statuses of app and init containers, each with its path in the pod."""
    for key in ("containerStatuses", "initContainerStatuses"):
        for index, item in enumerate(as_list(pod.status.get(key))):
            yield ("status", key, index), as_mapping(item)


def container_status(
    pod: Resource, name: str
) -> tuple[tuple[str | int, ...], Mapping[str, Any]] | None:
    """Status of one container with its path in the pod."""
    return next((pair for pair in container_statuses(pod) if pair[1].get("name") == name), None)


def container_ports(pod: Resource) -> dict[str | int, int]:
    """Declared container ports of app containers, by number and by name (proxy's left out)."""
    ports: dict[str | int, int] = {}
    for path, container in containers(pod):
        if path[1] != "containers" or container.get("name") == PROXY_CONTAINER:
            continue
        for item in as_list(container.get("ports")):
            port = as_mapping(item)
            number = port.get("containerPort")
            if isinstance(number, int):
                ports[number] = number
                if isinstance(port.get("name"), str):
                    ports[str(port["name"])] = number
    return ports


def container_runs(pod: Resource, name: str) -> bool:
    """Whether a container of the pod is running now."""
    found = container_status(pod, name)
    return found is not None and "running" in as_mapping(found[1].get("state"))
