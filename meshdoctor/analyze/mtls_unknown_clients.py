"""Plaintext that STRICT servers turn away and that comes from no pod outside the mesh.

A node, a pod that is gone, something outside the cluster, or a pod whose own proxy is passed by:
no object can be blamed, but somebody is cut off, and silence about that would pass for health.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_LOG, destination_subject, holds
from meshdoctor.analyze.mtls_outbound_capture import bypass_of
from meshdoctor.analyze.mtls_refusals import Refusal, Source, refusals
from meshdoctor.analyze.mtls_side_effects import rules_in_conflict
from meshdoctor.analyze.mtls_targets import target_of
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.intent.destinations import Destination
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNKNOWN_CLIENT = "MD0204"
FEWEST = 2
"""A single connection may be a port scan."""
_MOST_NAMED = 3


@lru_cache(maxsize=2)
def _nodes(mesh: Snapshot) -> frozenset[str]:
    return frozenset(str(pod.status.get("hostIP") or "") for pod in mesh.catalog.of(POD))


def _who(mesh: Snapshot, item: Refusal) -> str:
    """Who tried, in words."""
    address = item.entry.remote_ip or "an unnamed address"
    if item.client is not None and item.source is Source.INSIDE:
        return f"{mesh.workloads.owning(item.client)}, whose own proxy is passed by"
    if item.client is not None:
        return f"{mesh.workloads.owning(item.client)}, which is part of the mesh itself"
    if address in _nodes(mesh):
        return f"node {address} (kubelet, or a pod in the host's network)"
    return f"{address}, which is no pod now (a node, a pod that is gone, or outside the cluster)"


def _source(mesh: Snapshot, item: Refusal) -> str:
    return str(mesh.workloads.owning(item.client)) if item.client is not None else ""


def _finding(mesh: Snapshot, destination: Destination, items: list[Refusal]) -> Finding:
    newest = items[-1]
    policy = newest.policy
    counted = Counter(_who(mesh, item) for item in items).most_common(_MOST_NAMED)
    told = "; ".join(f"{count} from {who}" for who, count in counted)
    message = (
        f"{newest.server.pod.name} takes only mutual TLS, and {len(items)} plaintext connections "
        f"to {destination} were turned away of late: {told}"
    )
    evidence = [item.evidence for item in reversed(items[-_MOST_NAMED:])]
    peer = newest.server.peer
    return Finding(
        code=UNKNOWN_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.WARN,
        message=message,
        resource=str(mesh.workloads.owning(newest.server.pod)),
        objects=(str(policy),) if policy else (),
        facts=(
            holds("server-refused-plaintext", message, *evidence),
            holds("server-is-strict", peer.text if peer else "", *(peer.evidence if peer else ())),
        ),
        affected=tuple(
            Affected(source, destination.to)
            for source in sorted({_source(mesh, item) for item in items})
        ),
        root=False,
    )


def _unexplained(mesh: Snapshot) -> Iterable[Refusal]:
    """Refusals that no other analyzer speaks of."""
    conflicts: dict[Resource, bool] = {}
    for item in refusals(mesh):
        policy = item.policy
        if item.source is Source.OUTSIDE or policy is None or bypass_of(mesh, item):
            continue
        if policy not in conflicts:
            conflicts[policy] = bool(rules_in_conflict(mesh, policy))
        # A DestinationRule that makes pods of the mesh speak plaintext is told by itself.
        if item.source is not Source.INSIDE or not conflicts[policy]:
            yield item


@dataclass(frozen=True, slots=True)
class UnknownPlaintextClients:
    """Nobody unknown is turned away by a STRICT server."""

    name: str = "mtls-unknown-clients"
    description: str = "STRICT servers turn nobody away but pods that are known to have no proxy."
    inputs: tuple[str, ...] = (POD.input, SERVICE.input, PEER_AUTHENTICATION.input, PROXY_LOG)
    codes: tuple[str, ...] = (UNKNOWN_CLIENT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One WARN for each destination that was tried several times in vain."""
        if not mesh.catalog.known(POD, PEER_AUTHENTICATION):
            return
        found: dict[Destination, list[Refusal]] = {}
        for item in _unexplained(mesh):
            found.setdefault(target_of(mesh, item.server), []).append(item)
        for destination, items in sorted(found.items()):
            if len(items) >= FEWEST:
                yield _finding(mesh, destination, items)


ANALYZER = UnknownPlaintextClients()
