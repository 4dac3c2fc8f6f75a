"""One client and one server at one destination: what is sent, what is accepted, does it fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.mtls_accepting import Accepting, accepting
from meshdoctor.analyze.mtls_sending import Sending, Target, client_of, sending
from meshdoctor.analyze.mtls_servers import Server, servers_behind
from meshdoctor.analyze.mtls_verdict import Verdict, is_http, verdict
from meshdoctor.intent.backends import target_port
from meshdoctor.intent.client_tls import client_tls
from meshdoctor.intent.destination_rules import subset_named
from meshdoctor.model.kinds import DESTINATION_RULE

if TYPE_CHECKING:
    from meshdoctor.intent.client_tls import ClientTls
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Served = tuple[Accepting, str]
"""What a kind of server accepts, and its identity."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One client and one server."""

    sending: Sending
    accepting: Accepting
    verdict: Verdict


def tls_for(
    mesh: Snapshot, service: ServiceHost, port: int, subset: str, client: Resource
) -> ClientTls | None:
    """What governs one client at a destination; None where DestinationRules were not read."""
    if not mesh.catalog.known(DESTINATION_RULE):
        return None
    return client_tls(mesh, service.host, port, subset, client.namespace, client.labels)


def behind(
    mesh: Snapshot, service: ServiceHost, port: ServicePort, tls: ClientTls | None, subset: str
) -> tuple[Server, ...]:
    """The servers of a destination; none for a subset that nobody defines."""
    if not subset:
        return servers_behind(mesh, service, port)
    chosen = subset_named(tls.rules, subset) if tls else None
    return servers_behind(mesh, service, port, chosen.labels) if chosen else ()


def _identity(mesh: Snapshot, pod: Resource) -> str:
    """A server's principal; empty where the mesh's trust domain was not read."""
    known = any(istiod.mesh is not None for istiod in mesh.istiods)
    return identity(mesh, pod) if known else ""


def served(mesh: Snapshot, server: Server) -> Served:
    """What a server accepts, and who it is."""
    return accepting(mesh, server.pod, server.port), _identity(mesh, server.pod)


def pair(
    mesh: Snapshot,
    client: Resource,
    service: ServiceHost,
    port: ServicePort,
    server: Resource,
    subset: str = "",
) -> Pair | None:
    """What becomes of one client's connection to one server of a destination.

    Args:
        mesh: the snapshot; its pods and Services must be known.
        client: the calling pod.
        service: the Service that is called.
        port: its port.
        server: the pod that is reached.
        subset: empty for none.

    Returns:
        None where the Service's port leads to no port of this pod.
    """
    number = target_port(port, server)
    if number is None:
        return None
    tls = tls_for(mesh, service, port.number, subset, client)
    every = tuple(served(mesh, item)[0] for item in behind(mesh, service, port, tls, subset))
    accepts = accepting(mesh, server, number)
    target = Target(service, port.number, tls, every)
    sends = sending(mesh, client_of(client), target, accepts)
    found = verdict(sends, accepts, http=is_http(port), identity=_identity(mesh, server))
    return Pair(sends, accepts, found)
