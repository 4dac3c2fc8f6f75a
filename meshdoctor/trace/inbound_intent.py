"""The server's end by its objects alone, where its proxy could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import Access, decide
from meshdoctor.intent.peer_authentication import ServerMode
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, REQUEST_AUTHENTICATION
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.application import answer
from meshdoctor.trace.handshake import CLOSED, WRONG_VERSION, refusal
from meshdoctor.trace.judged import gatekeeping, judged
from meshdoctor.trace.replies import Kind, Reply
from meshdoctor.trace.server_policies import peer_objects, peer_of, peer_text
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Trail

_FORBIDDEN = 403


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


def _access(
    trail: Trail, branch: Branch, arrival: Arrival, pod: Resource
) -> tuple[list[Reply], float]:
    """Refusals by AuthorizationPolicies, and the share of requests that passes."""
    if not trail.mesh.catalog.known(AUTHORIZATION_POLICY):
        trail.miss(AUTHORIZATION_POLICY.input, "whether the caller is allowed")
        return [], branch.share
    validated = trail.request.has_token
    if not governing(trail.mesh, REQUEST_AUTHENTICATION, pod):
        validated = False
    seen = judged(trail.mesh, trail.request, arrival, arrival.port, validated)
    found = decide(trail.mesh, pod, seen)
    policies = [found.policy] if found.policy else [miss.policy for miss in found.missed]
    objects = tuple(dict.fromkeys(str(policy) for policy in policies))
    if found.access is Access.ALLOWED:
        text, verdict = "AuthorizationPolicies let it pass", Verdict.PASSES
    elif found.access is Access.DENIED:
        text, verdict = f"denied by {', '.join(objects)}", Verdict.FAILS
    else:
        text, verdict = f"{', '.join(objects)} may deny it", Verdict.MAY_FAIL
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "AuthorizationPolicy",
        pod.name,
        verdict,
        text,
        objects=objects,
        basis=Basis.INTENT,
        gatekeeping=gatekeeping(seen, arrival, pod, arrival.port),
    )
    part = {Access.ALLOWED: 0.0, Access.DENIED: 1.0}.get(found.access, 0.5) * branch.share
    if not part:
        return [], branch.share
    rule = "none"
    if found.policy is not None and found.rule is not None:
        rule = f"ns[{found.policy.namespace}]-policy[{found.policy.name}]-rule[{found.rule}]"
    reply = Reply(
        Kind.STATUS if arrival.http else Kind.CLOSED,
        part,
        text,
        objects,
        Place.SERVER_PROXY,
        _FORBIDDEN if arrival.http else 0,
        (),
        f"rbac_access_denied_matched_policy[{rule}]",
    )
    return [reply], branch.share - part


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
    refusals, share = _access(trail, branch, arrival, pod)
    if not share:
        return refusals
    onward = Branch(share, branch.labels)
    return refusals + answer(trail, onward, arrival, pod, arrival.port, proxied=True)
