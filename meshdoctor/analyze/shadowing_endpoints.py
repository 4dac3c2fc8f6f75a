"""What a ServiceEntry adds to a Kubernetes Service's host, and how that fares at the proxies.

Istio keeps the Service's own ports and addresses, and puts the endpoints of both into one cluster
(pilot/pkg/model/push_context.go ``initServiceRegistry``; endpoint shards are kept by host name).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.intent.backends import (
    endpoint_slices,
    pods_behind,
    workload_entries_behind,
    workload_entry_labels,
)
from meshdoctor.model.access_log import host_port
from meshdoctor.model.kinds import WORKLOAD_ENTRY
from meshdoctor.model.pod import pod_ip
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.envoy import Endpoint, HostStatus
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


_TAKEN_OVER = ("STRICT_DNS", "LOGICAL_DNS", "STATIC")
"""Types of a cluster whose endpoints are no longer the Service's, which come by EDS."""


@dataclass(frozen=True, slots=True)
class Added:
    """How the endpoints that a ServiceEntry adds fare."""

    held: tuple[tuple[Proxy, Endpoint], ...]
    """Proxies that were sent such an endpoint."""
    broken: tuple[tuple[Proxy, HostStatus], ...]
    """Proxies to which such an endpoint never answered, though it was tried."""
    serving: tuple[tuple[Proxy, HostStatus], ...]
    """Proxies to which such an endpoint answered."""
    failed: Calls
    """Recent calls that such an endpoint took, or that the entry left without any, and failed."""
    taken_over: tuple[Proxy, ...]
    """Proxies whose cluster is the ServiceEntry's alone."""
    counted: bool
    """Whether some proxy's counters of them were read."""

    @property
    def is_harmful(self) -> bool:
        """Whether requests are lost to them."""
        return bool(self.broken or self.failed)


def _own(mesh: Snapshot, service: ServiceHost) -> Iterator[str]:
    """Addresses that the Service has by itself."""
    for item in endpoint_slices(mesh, service):
        for value in as_list(item.raw.get("endpoints")):
            yield from map(str, as_list(as_mapping(value).get("addresses")))
    yield from map(pod_ip, pods_behind(mesh, service))
    for entry in workload_entries_behind(mesh, service):
        yield str(entry.spec.get("address") or "")


def _of_entry(mesh: Snapshot, entry: ServiceHost) -> Iterator[str]:
    """Addresses that a ServiceEntry lists, or selects."""
    for value in as_list(entry.resource.spec.get("endpoints")):
        yield str(as_mapping(value).get("address") or "")
    if entry.selector:
        yield from map(pod_ip, mesh.catalog.pods_matching(entry.namespace, entry.selector))
        for item in mesh.catalog.within(WORKLOAD_ENTRY, entry.namespace):
            if matches_labels(entry.selector, workload_entry_labels(item)):
                yield str(item.spec.get("address") or "")


def added_addresses(mesh: Snapshot, service: ServiceHost, entry: ServiceHost) -> tuple[str, ...]:
    """Addresses that a ServiceEntry gives the Service's host and that are not the Service's."""
    own = set(_own(mesh, service))
    listed = [ip for ip in _of_entry(mesh, entry) if ip and ip not in own]
    if not listed and str(entry.resource.spec.get("resolution")).startswith("DNS"):
        # Without endpoints DNS is asked for the host itself.
        listed = [entry.host]
    return tuple(dict.fromkeys(listed))


def _answered(host: HostStatus) -> bool:
    """Whether a host answered a request, or took a connection to its end."""
    return host.rq_success > 0 or host.cx_total - host.cx_connect_fail - host.cx_active > 0


def _was_tried(host: HostStatus) -> bool:
    return bool(host.cx_connect_fail or host.rq_error or host.rq_timeout)


def _failed(mesh: Snapshot, use: Use, entry: Resource, wanted: set[str], taken: set[str]) -> Calls:
    """Recent calls since the entry is there that one of its endpoints took, or none could take."""
    return tuple(
        call
        for call in recent(mesh, use.calls)
        if call.failed
        and (entry.created is None or call.time >= entry.created)
        and (host_port(call.entry.upstream_host)[0] in wanted or call.proxy.id in taken)
    )


def _callers_first(mesh: Snapshot, use: Use) -> list[Proxy]:
    callers = {call.proxy.id for call in use.calls}
    return sorted(mesh.proxies.values(), key=lambda proxy: proxy.id not in callers)


def _is_taken_over(proxy: Proxy, use: Use) -> bool:
    held = proxy.config.cluster(use.destination.cluster) if proxy.config else None
    return held is not None and held.type in _TAKEN_OVER


def how_added_fare(mesh: Snapshot, use: Use, entry: Resource, addresses: tuple[str, ...]) -> Added:
    """How these endpoints of a ServiceEntry fare at the proxies that hold them, callers first.

    Args:
        mesh: the snapshot.
        use: the Service's port.
        entry: the ServiceEntry.
        addresses: what it adds.
    """
    wanted, cluster = set(addresses), use.destination.cluster
    held: list[tuple[Proxy, Endpoint]] = []
    broken: list[tuple[Proxy, HostStatus]] = []
    serving: list[tuple[Proxy, HostStatus]] = []
    counted = False
    proxies = _callers_first(mesh, use)
    taken = tuple(proxy for proxy in proxies if _is_taken_over(proxy, use))
    for proxy in proxies:
        assigned = proxy.config.load_assignment(cluster) if proxy.config else None
        found = [e for e in assigned.endpoints if e.address in wanted] if assigned else []
        held += [(proxy, item) for item in found[:1]]
        for host in proxy.hosts.hosts_of(cluster) if proxy.hosts else ():
            if host.address in wanted or proxy in taken:
                counted = True
                if _answered(host):
                    serving.append((proxy, host))
                elif _was_tried(host):
                    broken.append((proxy, host))
    failed = _failed(mesh, use, entry, wanted, {proxy.id for proxy in taken})
    return Added(tuple(held), tuple(broken), tuple(serving), failed, taken, counted)
