"""The objects behind what a server's proxy asks of its callers, and whether it holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import policies_at, rules_of
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import (
    AUTHORIZATION_POLICY,
    PEER_AUTHENTICATION,
    REQUEST_AUTHENTICATION,
)
from meshdoctor.model.resource import as_list
from meshdoctor.trace.ages import differs
from meshdoctor.trace.filter_chains import RAW, Connection, choose_chain
from meshdoctor.trace.staleness import note_listener_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.peer_authentication import PeerMode
    from meshdoctor.model.envoy import FilterChain, Listener
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.trail import Trail

SECTION = "ListenersConfigDump"


def peer_of(mesh: Snapshot, pod: Resource, port: int) -> PeerMode | None:
    """The PeerAuthentication mode at a port; None where PeerAuthentications were not read."""
    if not mesh.catalog.known(PEER_AUTHENTICATION):
        return None
    return peer_mode(mesh, pod.namespace, pod.labels, port)


def peer_text(mesh: Snapshot, pod: Resource, port: int) -> str:
    """The mode and what sets it, for a sentence."""
    mode = peer_of(mesh, pod, port)
    return mode.text if mode else "PeerAuthentications were not read"


def peer_objects(mesh: Snapshot, pod: Resource, port: int) -> tuple[str, ...]:
    """The PeerAuthentication that sets the mode at a port."""
    mode = peer_of(mesh, pod, port)
    return (str(mode.policy),) if mode and mode.policy else ()


def _chains_at(listener: Listener, port: int) -> list[FilterChain]:
    own = [c for c in listener.filter_chains if c.match.destination_port == port]
    return own or [c for c in listener.filter_chains if c.match.destination_port is None]


def _held_policies(chains: list[FilterChain]) -> set[tuple[str, str]]:
    return {
        policy.source[:2]
        for chain in chains
        for held in chain.rbac
        for policy in (*held.policies, *held.shadow_policies)
        if policy.source
    }


def _policy_differences(
    mesh: Snapshot, pod: Resource, chains: list[FilterChain]
) -> Iterator[tuple[str, Resource | None, str]]:
    if not mesh.catalog.known(AUTHORIZATION_POLICY):
        return
    held = _held_policies(chains)
    for policy in policies_at(mesh, pod):
        # A DENY policy without rules matches nothing, and istiod leaves it out.
        idle = not rules_of(policy) and policy.spec.get("action") not in (None, "ALLOW")
        if (policy.namespace, policy.name) not in held and not idle:
            yield f"{policy} is in force here, and the proxy does not hold it", policy, str(policy)
    for namespace, name in sorted(held):
        if mesh.catalog.find(AUTHORIZATION_POLICY, namespace, name) is None:
            gone = f"AuthorizationPolicy {namespace}/{name}"
            yield f"the proxy still holds {gone}, which is not there any more", None, gone


def _token_differences(
    mesh: Snapshot, pod: Resource, chains: list[FilterChain]
) -> Iterator[tuple[str, Resource | None, str]]:
    held = {p.issuer for chain in chains for p in (chain.http.jwt_providers if chain.http else ())}
    if not any(chain.http for chain in chains):
        return
    for policy in governing(mesh, REQUEST_AUTHENTICATION, pod):
        issuers = {
            str(rule.get("issuer"))
            for rule in as_list(policy.spec.get("jwtRules"))
            if isinstance(rule, dict)
        }
        if issuers - held:
            text = f"{policy} is in force here, and the proxy does not hold its rules"
            yield text, policy, str(policy)


def _peer_difference(
    mesh: Snapshot, pod: Resource, listener: Listener, port: int
) -> tuple[str, Resource | None, str] | None:
    mode = peer_of(mesh, pod, port)
    if mode is None or listener.has_matcher:
        return None
    plain = Connection(port, protocols=("http/1.1",))
    chain = choose_chain(listener, plain)
    takes = chain is not None and bool(chain.filters)
    wants = mode.mode is not ServerMode.STRICT
    if takes == wants:
        return None
    does = "takes plaintext" if takes else f"takes no plaintext ({RAW})"
    text = f"the mode here is {mode.text}, and the proxy {does} at port {port}"
    return text, mode.policy, str(mode.policy) if mode.policy else ""


def note_inbound_differences(
    trail: Trail, pod: Resource, proxy: Proxy, listener: Listener, port: int
) -> None:
    """Note where a server's proxy holds something else than the policies in force.

    Args:
        trail: takes the differences.
        pod: the server.
        proxy: its sidecar.
        listener: its inbound listener.
        port: the port that is called.
    """
    chains = _chains_at(listener, port)
    note_listener_error(trail, proxy, listener)
    found = [
        *_policy_differences(trail.mesh, pod, chains),
        *_token_differences(trail.mesh, pod, chains),
    ]
    peer = _peer_difference(trail.mesh, pod, listener, port)
    for text, policy, name in (*found, *((peer,) if peer else ())):
        objects = (name,) if name else ()
        differs(trail, proxy, text, objects, listener.name, policy)
