"""The server's end by its objects alone, where its proxy could not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import target_port
from meshdoctor.intent.ingress_listeners import ingress_listener
from meshdoctor.intent.peer_authentication import ServerMode
from meshdoctor.intent.port_protocol import PortProtocol, protocol_of
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.application import answer
from meshdoctor.trace.handshake import CLOSED, WRONG_VERSION, refusal
from meshdoctor.trace.inbound import LOOPBACK, through
from meshdoctor.trace.owners import services_before
from meshdoctor.trace.policies_intent import pass_policies
from meshdoctor.trace.replies import Kind, Reply, Sender
from meshdoctor.trace.server_policies import peer_objects, peer_of, peer_text
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Trail


def _peer(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> Reply | None:
    """How the two ends fail to agree on TLS, if they do."""
    mode = peer_of(trail.mesh, pod, arrival.port)
    if mode is None:
        trail.miss("kubernetes/security.istio.io/peerauthentications", "whether plaintext passes")
        return None
    said = peer_text(trail.mesh, pod, arrival.port)
    objects = peer_objects(trail.mesh, pod, arrival.port)
    refused: tuple[Kind, str, str] | None = None
    if arrival.hbone:
        refused = None
    elif mode.mode is ServerMode.STRICT and not arrival.tls:
        refused = Kind.CLOSED, "filter_chain_not_found", f"plaintext is turned away: {said}"
    elif mode.mode is ServerMode.DISABLE and arrival.tls:
        refused = Kind.TLS_FAILED, WRONG_VERSION, f"TLS is not taken: {said}"
    elif arrival.tls and not arrival.mutual:
        refused = Kind.TLS_FAILED, CLOSED, f"only mutual TLS of the mesh is taken: {said}"
    elif arrival.tls and (words := refusal(trail.mesh, arrival, pod, None)) is not None:
        refused = Kind.TLS_FAILED, *words
    verdict = Verdict.FAILS if refused else Verdict.PASSES
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "PeerAuthentication",
        f"{pod.name} port {arrival.port}",
        verdict,
        refused[2] if refused else f"takes what the caller sends: {said}",
        objects=objects,
        evidence=mode.evidence,
        basis=Basis.INTENT,
    )
    if refused is None:
        return None
    kind, details, text = refused
    owner = str(trail.mesh.workloads.owning(pod))
    place = Place.SERVER_PROXY
    return Reply(kind, branch.share, text, objects or (owner,), place, details=details)


def _as_read(trail: Trail, arrival: Arrival, pod: Resource) -> Arrival:
    """The connection as the server reads it: HTTP is mere bytes at a port for TCP or TLS.

    The caller's proxy may know no better, or there may be none (buildInboundListeners in
    pilot/pkg/networking/core/listener_inbound.go).
    """
    if not arrival.http or ingress_listener(trail.mesh, pod, arrival.port) is not None:
        return arrival
    protocols = {
        protocol_of(service, port)
        for service in services_before(trail.mesh, pod)
        for port in service.ports
        if target_port(port, pod) == arrival.port
    }
    if protocols and protocols <= {PortProtocol.TCP, PortProtocol.TLS}:
        return replace(arrival, http=False)
    return arrival


def walk_inbound_intent(
    trail: Trail, branch: Branch, arrival: Arrival, pod: Resource
) -> list[Reply]:
    """What a server's sidecar, or ztunnel in its place, should make of a connection.

    Args:
        trail: takes the hops.
        branch: where it stands.
        arrival: the connection.
        pod: the server.
    """
    failed = _peer(trail, branch, arrival, pod)
    if failed is not None:
        return [failed]
    arrival = _as_read(trail, arrival, pod)
    passage = pass_policies(trail, branch, pod, arrival.port, Place.SERVER_PROXY, arrival)
    found = [item.as_reply(Place.SERVER_PROXY) for item in passage.refusals]
    if passage.share:
        onward = Branch(passage.share, branch.labels)
        found += _behind(trail, onward, arrival, pod)
    elif passage.old_connections:
        when = "on a connection from before the policy, which still drains"
        old = Branch(0.0, (*branch.labels, "on an old connection"))
        behind = _behind(trail, old, arrival, pod)
        found += [replace(reply, share=0.0, condition=when) for reply in behind]
    return found


def _behind(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> list[Reply]:
    """Past the policies: the application, which the sidecar connects to."""
    number, local = arrival.port, False
    entry = ingress_listener(trail.mesh, pod, number)
    if entry is not None:
        number, local = entry.port, entry.address in LOOPBACK
        trail.hop(
            branch,
            Place.SERVER_PROXY,
            "Sidecar",
            f"{pod.name} port {arrival.port}",
            Verdict.PASSES,
            f"ingress leads port {arrival.port} to {entry.address}:{number}",
            objects=(str(entry.sidecar),),
            evidence=(entry.sidecar.evidence(*entry.path),),
            basis=Basis.INTENT,
        )
    replies = answer(trail, branch, arrival, pod, number, proxied=True, local=local)
    sender = Sender(arrival.http, None)
    return [through(reply, sender, http=arrival.http) for reply in replies]
