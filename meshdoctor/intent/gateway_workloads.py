"""The proxies behind a Gateway: the pods it selects, their workloads, and the Services before them.

istiod gives a Gateway's servers to proxies of type ``router`` whose labels match its selector, in
any namespace; a Gateway without a selector is for every such proxy (model.PushContext).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind, target_port, templates_behind
from meshdoctor.model.kinds import DAEMON_SET, DEPLOYMENT, STATEFUL_SET
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    containers,
    is_finished,
    is_gateway,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_TEMPLATE_KINDS = frozenset({DEPLOYMENT.name, STATEFUL_SET.name, DAEMON_SET.name})
_ROUTER = "router"


def gateway_selector(gateway: Resource) -> dict[str, str]:
    """Labels that a Gateway asks of pods."""
    return as_strings(gateway.spec.get("selector"))


def _role(pod: Resource) -> str:
    """What the proxy is told to be: ``proxy router``, ``proxy sidecar`` …; empty when unsaid."""
    for _, container in containers(pod):
        if container.get("name") == PROXY_CONTAINER:
            args = as_list(container.get("args"))
            return str(args[1]) if len(args) > 1 and args[0] == "proxy" else ""
    return ""


def is_router(pod: Resource) -> bool:
    """Whether a pod's proxy takes Gateways' servers: it is an ingress or egress gateway."""
    role = _role(pod)
    return role == _ROUTER or (not role and is_gateway(pod))


@lru_cache(maxsize=2)
def _every_router(mesh: Snapshot) -> tuple[Resource, ...]:
    return tuple(
        pod
        for pod in mesh.proxy_pods
        if is_router(pod) and not is_finished(pod) and not is_terminating(pod)
    )


def router_pods(mesh: Snapshot, gateway: Resource) -> tuple[Resource, ...]:
    """The pods whose proxies take a Gateway's servers."""
    selector = gateway_selector(gateway)
    return tuple(pod for pod in _every_router(mesh) if matches_labels(selector, pod.labels))


@lru_cache(maxsize=2)
def _every_idle_template(mesh: Snapshot) -> tuple[Workload, ...]:
    return tuple(
        item
        for item in mesh.workloads.all
        if item.kind in _TEMPLATE_KINDS and item.resource is not None and not item.running_pods
    )


def idle_templates(mesh: Snapshot, gateway: Resource) -> tuple[Workload, ...]:
    """The workloads whose pods a Gateway would select, if they had any."""
    selector = gateway_selector(gateway)
    return tuple(
        item
        for item in _every_idle_template(mesh)
        if selector and matches_labels(selector, item.template_labels)
    )


def routers(mesh: Snapshot) -> tuple[Workload, ...]:
    """The workloads that run as ingress or egress gateways now."""
    found = (mesh.workloads.owning(pod) for pod in _every_router(mesh))
    return tuple({str(item): item for item in found}.values())


@lru_cache(maxsize=2)
def _services_by_namespace(mesh: Snapshot) -> dict[str, tuple[ServiceHost, ...]]:
    found: dict[str, list[ServiceHost]] = {}
    for service in mesh.registry.hosts:
        if service.is_kubernetes:
            found.setdefault(service.namespace, []).append(service)
    return {namespace: tuple(services) for namespace, services in found.items()}


def services_before(mesh: Snapshot, gateway: Resource) -> tuple[ServiceHost, ...]:
    """The Services that lead to the pods of a Gateway, or would if it had any."""
    pods = set(router_pods(mesh, gateway))
    idle = {str(item) for item in idle_templates(mesh, gateway)}
    spaces = {pod.namespace for pod in pods} | {
        item.namespace for item in idle_templates(mesh, gateway)
    }
    return tuple(
        service
        for namespace in sorted(spaces)
        for service in _services_by_namespace(mesh).get(namespace, ())
        if not pods.isdisjoint(pods_behind(mesh, service))
        or not idle.isdisjoint(str(item) for item in templates_behind(mesh, service))
    )


def open_ports(service: ServiceHost, pods: tuple[Resource, ...]) -> Iterator[int]:
    """The server ports that a Service leads to.

    That is its own ports, which istiod translates, and the target ports behind them.
    """
    for port in service.ports:
        yield port.number
        for pod in pods:
            number = target_port(port, pod)
            if number is not None:
                yield number


def host_ports(pod: Resource) -> Iterator[int]:
    """The ports that a pod takes on its node, without any Service."""
    for _, container in containers(pod):
        for item in as_list(container.get("ports")):
            number = item.get("hostPort") if isinstance(item, dict) else None
            if isinstance(number, int):
                yield number
