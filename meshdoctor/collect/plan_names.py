"""Which pods a person means by a caller, a pod or a destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.catalog import Catalog
from meshdoctor.model.kinds import POD
from meshdoctor.model.object_words import (
    GATEWAY_WORDS,
    SERVICE_WORDS,
    WORKLOAD_KINDS,
    is_named,
)
from meshdoctor.model.pod import is_gateway
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels
from meshdoctor.model.workload import Workload, Workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.model.resource import Resource


def workloads_of(pods: Iterable[Resource]) -> Workloads:
    """The workloads that own pods, as far as pods alone tell."""
    return Workloads.build(Catalog.build(pods, {}))


def pods_named(
    text: str, pods: Sequence[Resource], workloads: Workloads, namespaces: Sequence[str] = ()
) -> tuple[Resource, ...]:
    """The pods of the workload that ``pod[.namespace]``, ``deploy/name`` or its name means.

    Args:
        text: what a person wrote.
        pods: all of them.
        workloads: what owns them.
        namespaces: where to look; none for everywhere.

    Returns:
        All pods of the workload; none when there is no such thing.
    """
    kind, slash, name = text.partition("/")
    found: list[Workload] = []
    wanted = WORKLOAD_KINDS.get(kind.lower())
    if slash and wanted != POD.name:
        found = [
            w for w in workloads.all if w.kind == wanted and is_named(name, w.name, w.namespace)
        ]
    else:
        word = name if slash else text
        found = [workloads.owning(pod) for pod in pods if is_named(word, pod.name, pod.namespace)]
        if not found and not slash:
            found = [w for w in workloads.all if is_named(word, w.name, w.namespace)]
    chosen = {
        (pod.namespace, pod.name): pod
        for workload in found
        if not namespaces or workload.namespace in namespaces
        for pod in workload.pods
    }
    return tuple(chosen.values())


def host_of(text: str) -> str:
    """The host of ``host``, ``host:port``, ``host:port/path``, ``svc/host`` or a URL."""
    kind, slash, name = text.partition("/")
    if slash and kind.lower() in SERVICE_WORDS:
        text = name
    rest = text.partition("://")[2] or text
    authority = rest.partition("/")[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].rstrip(".").lower()


def services_named(
    to: str, services: Iterable[Resource], namespaces: Sequence[str] = ()
) -> tuple[Resource, ...]:
    """The Services that a destination means.

    Args:
        to: ``host[:port][/path]`` or a URL; the host short or full.
        services: all of them.
        namespaces: where a short name is looked up first: the caller's own.

    Returns:
        None when the host is no Service's: a host outside, or one that a gateway serves.
    """
    host = host_of(to)
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    named = [item for item in services if item.name == name]
    if namespace and (not domain or domain.startswith("svc")):
        return tuple(item for item in named if item.namespace == namespace)
    if namespace:
        return ()
    near = [item for item in named if item.namespace in namespaces]
    return tuple(near or named)


def pods_behind(services: Iterable[Resource], pods: Iterable[Resource]) -> tuple[Resource, ...]:
    """The pods that Services select; one without a selector selects none."""
    selectors = [
        (item.namespace, as_strings(item.spec.get("selector")))
        for item in services
        if as_strings(item.spec.get("selector"))
    ]
    return tuple(
        pod
        for pod in pods
        if any(
            pod.namespace == namespace and matches_labels(selector, pod.labels)
            for namespace, selector in selectors
        )
    )


def hosts_routed_to(to: str, namespace: str, virtual_services: Iterable[Resource]) -> set[str]:
    """The hosts that VirtualServices lead calls of a host to.

    Args:
        to: the host that is called.
        namespace: where a short name in ``to`` belongs.
        virtual_services: all of them.
    """
    host = host_of(to)
    spellings = {host, f"{host}.{namespace}.svc.cluster.local", f"{host}.svc.cluster.local"}
    found: set[str] = set()
    for item in virtual_services:
        hosts = [str(name) for name in as_list(item.spec.get("hosts"))]
        full = {
            name if "." in name else f"{name}.{item.namespace}.svc.cluster.local" for name in hosts
        }
        if spellings.isdisjoint(full | set(hosts)):
            continue
        for destination in _destinations(item):
            found.add(destination if "." in destination else f"{destination}.{item.namespace}")
    return found


def _destinations(virtual_service: Resource) -> Iterator[str]:
    for protocol in ("http", "tls", "tcp"):
        for rule in map(as_mapping, as_list(virtual_service.spec.get(protocol))):
            for route in map(as_mapping, as_list(rule.get("route"))):
                host = as_mapping(route.get("destination")).get("host")
                if isinstance(host, str) and host:
                    yield host


@dataclass(frozen=True, slots=True)
class Ends:
    """The objects among which both ends of a call are found."""

    pods: Sequence[Resource]
    services: Sequence[Resource]
    virtual_services: Sequence[Resource]
    workloads: Workloads

    def pods_calling(self, source: str, namespaces: Sequence[str]) -> tuple[Resource, ...]:
        """The pods of a caller.

        Args:
            source: ``pod[.namespace]``, ``deploy/name``, ``svc/name``; ``gateway``, or
                ``gateway/name``, for every gateway, since which one serves a host decides later.
            namespaces: where to look; none for everywhere.
        """
        kind, slash, name = source.partition("/")
        word = kind.lower()
        if slash and word in SERVICE_WORDS:
            found = pods_behind(services_named(name, self.services, namespaces), self.pods)
        elif word in GATEWAY_WORDS:
            found = tuple(pod for pod in self.pods if is_gateway(pod))
        else:
            return pods_named(source, self.pods, self.workloads, namespaces)
        return tuple(pod for pod in found if not namespaces or pod.namespace in namespaces)

    def pods_called(self, to: str, near: Sequence[str]) -> tuple[Resource, ...]:
        """The pods that answer calls of a destination, whichever Service they are led to.

        Args:
            to: ``host[:port][/path]`` or a URL.
            near: namespaces where a short name is looked up first.
        """
        called = list(services_named(to, self.services, near))
        for namespace in {item.namespace for item in called} or set(near) or {""}:
            for host in sorted(hosts_routed_to(to, namespace, self.virtual_services)):
                called += services_named(host, self.services, near)
        return pods_behind(called, self.pods)
