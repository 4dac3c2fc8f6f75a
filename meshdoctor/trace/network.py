"""The network between two pods: whether packets get through at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.intent.network_policies import Direction, decide, isolating
from meshdoctor.intent.network_policies import Verdict as Passage
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.replies import Kind, Reply

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail

HBONE_PORT = 15008
_KEPT = timedelta(minutes=10)


def _is_fresh(trail: Trail, policy: Resource) -> bool:
    """Whether a policy came so lately that connections from before it may still be in use."""
    changed = policy.changed
    return changed is not None and trail.mesh.now - changed < _KEPT


def blocked(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> list[Reply] | None:
    """How the request ends where NetworkPolicies keep it from its server; None where they do not.

    The policies of both ends count. Traffic between ambient pods is seen at port 15008 only.
    """
    port = HBONE_PORT if arrival.hbone else arrival.port
    decision = decide(trail.mesh, arrival.source, pod, port)
    name = f"{arrival.source.name} to {pod.name} port {port}"
    if decision.verdict is Passage.ALLOWED:
        selecting = (
            *isolating(trail.mesh, arrival.source, Direction.EGRESS),
            *isolating(trail.mesh, pod, Direction.INGRESS),
        )
        objects = tuple(str(policy) for policy in selecting)
        text = "the NetworkPolicies of both ends let it through"
        trail.hop(
            branch,
            Place.NETWORK,
            "network",
            name,
            Verdict.PASSES,
            text if objects else "no NetworkPolicy selects either end",
            objects=objects,
            basis=Basis.INTENT,
        )
        return None
    if decision.verdict is Passage.UNKNOWN:
        text = "whether a NetworkPolicy is in the way cannot be told"
        trail.hop(branch, Place.NETWORK, "network", name, Verdict.UNKNOWN, text, basis=Basis.INTENT)
        for need in decision.needs or ("the network plugin",):
            trail.miss(need, "whether NetworkPolicies let the connection through")
        return None
    objects = tuple(dict.fromkeys(str(item.policy) for item in decision.blocks))
    sides = " and ".join(sorted({str(item.direction) for item in decision.blocks}))
    text = f"{', '.join(objects)} has no {sides} rule that lets it through to port {port}"
    evidence = tuple(item.policy.evidence(*item.path) for item in decision.blocks[:2])
    trail.hop(
        branch,
        Place.NETWORK,
        "NetworkPolicy",
        name,
        Verdict.FAILS,
        text,
        objects=objects,
        evidence=evidence,
        basis=Basis.INTENT,
    )
    found = [Reply(Kind.SILENT, branch.share, text, objects, Place.NETWORK)]
    status = arrival.host.status if arrival.host else None
    fresh = status is None and any(_is_fresh(trail, item.policy) for item in decision.blocks)
    if fresh or (status is not None and status.rq_success):
        when = "on a connection from before the policy, where the network plugin leaves it alone"
        found.append(Reply(Kind.ANSWERED, 0.0, text, objects, condition=when))
    return found
