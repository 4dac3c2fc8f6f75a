"""The Snapshot: everything that was read at one moment, immutable and indexed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, host_network, is_finished, pod_ip
from meshdoctor.model.provenance import UNTOLD, Provenance
from meshdoctor.model.registry import DEFAULT_DOMAIN, Registry
from meshdoctor.model.workload import Workload, Workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from meshdoctor.model.catalog import Catalog
    from meshdoctor.model.container_log import ContainerLog
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.not_read import NotRead
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.ztunnel import Ztunnel

DEFAULT_ROOT_NAMESPACE = "istio-system"


@dataclass(frozen=True, slots=True)
class About:
    """What the recording says of itself."""

    name: str
    captured_at: datetime
    """"Now", for every age and expiry."""
    kubernetes: str
    istio: str
    source: str
    """``recording``, ``live`` or a kind of archive: shown to people, never asked by analyzers."""
    provenance: Provenance = UNTOLD
    """Who read it and how much: shown to people, never asked by analyzers."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One moment of a mesh. Live and recorded snapshots are the same type.

    Compared and hashed by identity, so that pure functions of it may be cached.
    """

    about: About
    catalog: Catalog
    workloads: Workloads
    registry: Registry
    istiods: tuple[Istiod, ...]
    proxies: Mapping[str, Proxy]
    """By proxy id, ``pod.namespace``."""
    ztunnels: tuple[Ztunnel, ...]
    """The node proxies of ambient mode."""
    not_read: tuple[NotRead, ...]
    container_logs: Mapping[str, ContainerLog]
    """The ends of applications' logs, by path."""
    root_namespace: str
    """MeshConfig's rootNamespace; where mesh-wide policies live."""
    proxy_pods: tuple[Resource, ...]
    """Pods that carry an Envoy."""
    _pods_by_ip: Mapping[str, Resource]
    further: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    """ConfigMaps of further clusters of the mesh, by cluster id: their roots are among them."""

    @classmethod
    def build(
        cls,
        about: About,
        catalog: Catalog,
        istiods: Iterable[Istiod],
        proxies: Iterable[Proxy],
        not_read: Iterable[NotRead],
        container_logs: Iterable[ContainerLog] = (),
        ztunnels: Iterable[Ztunnel] = (),
        further: Mapping[str, tuple[Resource, ...]] | None = None,
    ) -> Snapshot:
        """Join what was read and build the indexes."""
        replicas = tuple(sorted(istiods, key=lambda item: (item.namespace, item.pod)))
        by_id = {proxy.id: proxy for proxy in sorted(proxies, key=lambda p: (p.namespace, p.pod))}
        return cls(
            about=about,
            catalog=catalog,
            workloads=Workloads.build(catalog),
            registry=Registry.build(catalog, _domain(by_id.values())),
            istiods=replicas,
            proxies=by_id,
            ztunnels=tuple(sorted(ztunnels, key=lambda item: (item.namespace, item.pod))),
            not_read=tuple(sorted(set(not_read))),
            container_logs={log.source: log for log in container_logs},
            root_namespace=_root_namespace(replicas),
            proxy_pods=tuple(pod for pod in catalog.of(POD) if has_proxy(pod)),
            _pods_by_ip=_pods_by_ip(catalog),
            further=dict(sorted((further or {}).items())),
        )

    @property
    def now(self) -> datetime:
        """The moment of the snapshot."""
        return self.about.captured_at

    def proxy_of(self, pod: Resource) -> Proxy | None:
        """What was read of a pod's proxy; None when nothing was."""
        return self.proxies.get(f"{pod.name}.{pod.namespace}")

    def pod_at(self, ip: str) -> Resource | None:
        """The pod that has this IP (host-network pods share their node's and are left out)."""
        return self._pods_by_ip.get(ip)

    def pod_of(self, proxy: Proxy) -> Resource | None:
        """The pod object of a proxy; None when pods were not read."""
        return self.catalog.find(POD, proxy.namespace, proxy.pod)

    def workload_of(self, proxy: Proxy) -> Workload | None:
        """The workload behind a proxy."""
        pod = self.pod_of(proxy)
        return self.workloads.owning(pod) if pod else None

    def caller(self, proxy: Proxy) -> str:
        """How a proxy is named as a caller: its workload, or its pod when that is unknown."""
        workload = self.workload_of(proxy)
        return str(workload) if workload else f"Pod {proxy.namespace}/{proxy.pod}"


def _domain(proxies: Iterable[Proxy]) -> str:
    """The cluster's DNS domain, from the proxies' node ids (``…~<ns>.svc.<domain>``)."""
    for proxy in proxies:
        bootstrap = proxy.config.bootstrap if proxy.config else None
        _, found, domain = (bootstrap.dns_domain if bootstrap else "").partition(".svc.")
        if found:
            return domain
    return DEFAULT_DOMAIN


def _root_namespace(istiods: Iterable[Istiod]) -> str:
    for istiod in istiods:
        value = (istiod.mesh or {}).get("rootNamespace")
        if isinstance(value, str) and value:
            return value
    return DEFAULT_ROOT_NAMESPACE


def _pods_by_ip(catalog: Catalog) -> dict[str, Resource]:
    return {
        pod_ip(pod): pod
        for pod in catalog.of(POD)
        if pod_ip(pod) and not host_network(pod) and not is_finished(pod)
    }
