"""Where clients and servers meet: kinds of client, times destinations, times kinds of server.

Pods that are governed alike stand together, so that a thousand clients of a thousand services make
a few meetings a service and no million of pairs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.mtls_accepting import OUTSIDE
from meshdoctor.analyze.mtls_encounters import subsets_with_tls
from meshdoctor.analyze.mtls_pairs import behind, served
from meshdoctor.analyze.mtls_sending import ClientKind, Target, sending
from meshdoctor.analyze.mtls_verdict import is_http, verdict
from meshdoctor.intent.backends import serves_mesh_itself
from meshdoctor.intent.client_tls import client_tls, tls_hosts
from meshdoctor.intent.clients import clients_of
from meshdoctor.intent.destination_rules import covers
from meshdoctor.intent.destinations import Destination
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.views.mtls_clients import PROXIED, pods_by_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.analyze.mtls_accepting import Accepting
    from meshdoctor.analyze.mtls_pairs import Served
    from meshdoctor.analyze.mtls_sending import Client, Sending
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.analyze.mtls_verdict import Verdict
    from meshdoctor.intent.client_tls import ClientTls
    from meshdoctor.intent.clients import Clients
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.snapshot import Snapshot

    Groups = tuple[Clients, ...]
    Sides = tuple[tuple[ClientTls | None, Groups | None], ...]

OUTSIDE_NAME = "outside the mesh"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Clients that send alike, and servers that accept alike, at one destination."""

    destination: Destination
    service: ServiceHost
    client: Client
    groups: tuple[Clients, ...] | None
    """Those of them that send so; None for all."""
    servers: tuple[str, ...]
    """Workloads."""
    sending: Sending
    accepting: Accepting
    verdict: Verdict


def _has_tls_rule(mesh: Snapshot, host: str) -> bool:
    hosts, wildcards = tls_hosts(mesh)
    return host in hosts or any(covers(pattern, host) for pattern in wildcards)


def _is_shown(mesh: Snapshot, service: ServiceHost) -> bool:
    """Whether a host is an application's, or one outside to which a DestinationRule speaks TLS."""
    if service.is_external_name:
        return False
    if service.selector:
        return not serves_mesh_itself(mesh, service)
    return not service.is_kubernetes and _has_tls_rule(mesh, service.host)


def _sides(mesh: Snapshot, host: str, port: int, subset: str) -> Sides:
    """What governs the clients that have a proxy, for each group that is governed alike."""
    if not mesh.catalog.known(DESTINATION_RULE):
        return ((None, None),)
    return tuple(
        (client_tls(mesh, host, port, subset, group.namespace, group.labels), (group,))
        for group in clients_of(mesh, host)
    )


def _by_kind(mesh: Snapshot, servers: Iterable[Server]) -> Mapping[Served, tuple[str, ...]]:
    """The servers' workloads, by what they accept and who they are."""
    found: dict[Served, dict[str, None]] = defaultdict(dict)
    for server in servers:
        found[served(mesh, server)][str(mesh.workloads.owning(server.pod))] = None
    return {key: tuple(names) for key, names in found.items()}


def _sent(
    mesh: Snapshot, client: Client, service: ServiceHost, port: ServicePort, subset: str
) -> Iterator[tuple[Served, tuple[str, ...], Sending, Groups | None]]:
    """What a kind of client sends to each kind of server, and which groups of it do."""
    governed = client.kind in PROXIED
    sides = _sides(mesh, service.host, port.number, subset) if governed else ((None, None),)
    found: dict[tuple[Served, Sending], tuple[dict[str, None], list[Clients]]] = {}
    for tls, groups in sides:
        kinds = _by_kind(mesh, behind(mesh, service, port, tls, subset))
        if not service.selector:
            kinds = {(OUTSIDE, ""): (OUTSIDE_NAME,)}
        target = Target(service, port.number, tls, tuple(item for item, _ in kinds))
        for (accepting, who), names in kinds.items():
            sends = sending(mesh, client, target, accepting)
            key = ((accepting, who if sends.names else ""), sends)
            workloads, those = found.setdefault(key, ({}, []))
            workloads.update(dict.fromkeys(names))
            those += [group for group in groups or () if group not in those]
    for (kind, sends), (workloads, those) in found.items():
        everybody = sides[0][1] is None or len(those) == len(sides)
        yield kind, tuple(workloads), sends, None if everybody else tuple(those)


def _at(mesh: Snapshot, service: ServiceHost, port: ServicePort, subset: str) -> Iterator[Meeting]:
    destination = Destination(service.host, port.number, subset)
    http = is_http(port)
    for client in pods_by_client(mesh):
        if subset and client.kind not in PROXIED:
            continue
        if not service.selector and client.kind in (ClientKind.NONE, ClientKind.AMBIENT):
            continue
        for kind, names, sends, groups in _sent(mesh, client, service, port, subset):
            judged = verdict(sends, kind[0], http=http, identity=kind[1])
            yield Meeting(destination, service, client, groups, names, sends, kind[0], judged)


def meetings(mesh: Snapshot, *, hosts: frozenset[str] | None = None) -> Iterator[Meeting]:
    """Every meeting, by destination.

    Services of the mesh's own parts and ExternalNames are left out: gateways follow their Gateway
    objects. So are subsets that set no ``tls`` of their own. Whether a Sidecar or ``exportTo``
    hides a host from a client is not asked: such a call takes another way, past DestinationRules.

    Args:
        mesh: the snapshot; its pods and Services must be known.
        hosts: only these; None for all.
    """
    for service in mesh.registry.hosts:
        if hosts is not None and service.host not in hosts:
            continue
        if not _is_shown(mesh, service):
            continue
        ruled = _has_tls_rule(mesh, service.host)
        subsets = sorted(set(subsets_with_tls(mesh, service.host))) if ruled else []
        for port in service.ports:
            if port.protocol.upper() != "UDP":
                for subset in ("", *subsets):
                    yield from _at(mesh, service, port, subset)
