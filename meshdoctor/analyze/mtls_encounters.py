"""Where clients meet servers: each destination, who may call it, and how they would speak to it.

Looked at are destinations for which some DestinationRule sets ``tls``, and those that a route or
an access log shows in use.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import destination_subject
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.mtls_servers import Server, servers_behind
from meshdoctor.intent.client_tls import ClientTls, client_tls, policy_sets_tls, tls_hosts
from meshdoctor.intent.clients import Clients, clients_of
from meshdoctor.intent.destination_rules import covers, rules_for, subset_named, subsets_of
from meshdoctor.intent.destinations import Destination
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Encounter:
    """Clients that are governed alike, and the servers they meet at one destination."""

    destination: Destination
    service: ServiceHost
    tls: ClientTls
    clients: tuple[Clients, ...]
    servers: tuple[Server, ...]
    routed: bool
    """Whether a VirtualService sends requests there."""
    used: bool
    """Whether a route or an access log shows it in use."""

    @property
    def subject(self) -> str:
        """Subject of findings about it."""
        found = self.destination
        return destination_subject(found.host, found.port, found.subset)

    @property
    def pods(self) -> Iterator[Resource]:
        """The clients' pods that have a proxy, the servers themselves left out."""
        own = {server.pod for server in self.servers}
        yield from (pod for group in self.clients for pod in group.pods if pod not in own)

    def includes(self, mesh: Snapshot, proxy: Proxy) -> bool:
        """Whether a proxy is one of the clients'."""
        pod = mesh.pod_of(proxy)
        labels = pod.labels if pod else None
        return any(group.includes(proxy.namespace, labels) for group in self.clients)

    def calls(self, mesh: Snapshot) -> Calls:
        """What the clients' access logs hold of it, within the last hour."""
        found = access_logs(mesh).outbound.get(self.destination.cluster, ())
        return tuple(call for call in found if self.includes(mesh, call.proxy))

    def is_wanted(self, mesh: Snapshot) -> bool:
        """Whether it must be taken as used: it is called, or nobody can tell."""
        return bool(self.calls(mesh)) or self.routed or not access_logs(mesh).complete


def _has_tls_rule(mesh: Snapshot, host: str) -> bool:
    hosts, wildcards = tls_hosts(mesh)
    return host in hosts or any(covers(pattern, host) for pattern in wildcards)


def subsets_with_tls(mesh: Snapshot, host: str) -> Iterator[str]:
    """Subsets whose rule gives them a ``tls`` of their own."""
    for group in clients_of(mesh, host):
        rules = rules_for(mesh, host, group.namespace, group.labels)
        for item in subsets_of(rules):
            if policy_sets_tls(as_mapping(item.rule.get(*item.path, "trafficPolicy"))):
                yield item.name


@lru_cache(maxsize=2)
def ports_in_use(mesh: Snapshot) -> dict[tuple[str, int | None], dict[str, bool]]:
    """Subsets in use by host and port, and whether a route leads there."""
    found: dict[tuple[str, int | None], dict[str, bool]] = defaultdict(dict)
    for use in destinations_in_use(mesh):
        if use.is_seen:
            place = found[use.destination.host, use.destination.port]
            place[use.destination.subset] = bool(use.routes)
    return found


def _at(
    mesh: Snapshot,
    destination: Destination,
    service: ServiceHost,
    port: ServicePort,
    used: bool | None,
) -> Iterator[Encounter]:
    """The encounters at one destination; ``used`` is whether it is routed to, None for unused."""
    met: dict[tuple[object, ...], tuple[ClientTls, tuple[Server, ...], list[Clients]]] = {}
    for group in clients_of(mesh, service.host):
        tls = client_tls(
            mesh, service.host, port.number, destination.subset, group.namespace, group.labels
        )
        chosen = subset_named(tls.rules, destination.subset) if destination.subset else None
        if destination.subset and chosen is None:
            continue
        labels = tuple(sorted(chosen.labels.items())) if chosen else ()
        setting = (tls.setting.rule, tls.setting.path) if tls.setting else None
        key = (setting, tls.mode, labels)
        if key not in met:
            behind = servers_behind(mesh, service, port, dict(labels) if chosen else None)
            met[key] = (tls, behind, [])
        met[key][2].append(group)
    for tls, servers, groups in met.values():
        yield Encounter(
            destination, service, tls, tuple(groups), servers, bool(used), used is not None
        )


@lru_cache(maxsize=2)
def encounters(mesh: Snapshot) -> tuple[Encounter, ...]:
    """Every encounter worth a look, by host, port and subset.

    Services without a selector, ExternalNames and ServiceEntries are left out: what stands behind
    them cannot be seen. The mesh's own gateways and istiod are no servers.
    """
    found: list[Encounter] = []
    used = ports_in_use(mesh)
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name or not service.selector:
            continue
        ruled = _has_tls_rule(mesh, service.host)
        own = set(subsets_with_tls(mesh, service.host)) if ruled else set()
        for port in service.ports:
            subsets = used.get((service.host, port.number), {})
            if port.protocol.upper() != "TCP" or not (ruled or subsets):
                continue
            for subset in sorted({*subsets, *own, *([""] if ruled else [])}):
                destination = Destination(service.host, port.number, subset)
                found += _at(mesh, destination, service, port, subsets.get(subset))
    return tuple(item for item in found if item.servers and _has_clients(mesh, item))


def encounters_at(mesh: Snapshot, chosen: Callable[[Server], bool]) -> Iterator[Encounter]:
    """Every encounter worth a look, and those at servers that are chosen, though nobody calls."""
    looked = {(item.destination.host, item.destination.port) for item in encounters(mesh)}
    yield from encounters(mesh)
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name or not service.selector:
            continue
        for port in service.ports:
            if port.protocol.upper() != "TCP" or (service.host, port.number) in looked:
                continue
            if any(chosen(server) for server in servers_behind(mesh, service, port)):
                destination = Destination(service.host, port.number)
                found = _at(mesh, destination, service, port, None)
                yield from (item for item in found if _has_clients(mesh, item))


def _has_clients(mesh: Snapshot, meeting: Encounter) -> bool:
    """Whether anybody but the servers themselves is governed so, or they call themselves."""
    return next(meeting.pods, None) is not None or bool(meeting.calls(mesh))
