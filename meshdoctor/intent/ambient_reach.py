"""Which pairs of pods in ambient mode NetworkPolicies keep apart on HBONE's port 15008.

The CNI plugin sees the tunnel, not what is in it: a policy that admits the application's port and
not 15008 stops everything once both ends are in ambient mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.ambient import captured_workloads
from meshdoctor.intent.network_policies import (
    Block,
    Decision,
    Direction,
    Verdict,
    decide,
    isolating,
)
from meshdoctor.model.pod import container_ports
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.ztunnel import HBONE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_NEAR = 20
"""So many workloads of a namespace are taken for possible callers of a pod in it."""
_FAR = 20
"""So many namespaces are taken for possible callers, by one workload each."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """A client and a server that policies keep from speaking HBONE."""

    client: Resource
    server: Resource
    decision: Decision
    admitted: int | None
    """An application port that the same policies let through: they mean to let this call pass."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The policies to change: those that admit something already first, the newest first."""

        def order(block: Block) -> tuple[bool, float, str]:
            created = block.policy.created
            rules = as_list(block.policy.get(*block.path))
            return not rules, -(created.timestamp() if created else 0.0), block.policy.name

        return tuple(sorted(self.decision.blocks, key=order))


@lru_cache(maxsize=2)
def _representatives(mesh: Snapshot) -> dict[str, list[Resource]]:
    """One captured pod a workload, by namespace."""
    found: dict[str, list[Resource]] = {}
    for workload, pods in captured_workloads(mesh):
        found.setdefault(workload.namespace, []).append(pods[0])
    return found


def possible_callers(
    mesh: Snapshot, server: Resource, seen: Iterable[Resource]
) -> Iterator[Resource]:
    """Pods that may call a server: those seen to, its neighbours, and a few from elsewhere."""
    by_namespace = _representatives(mesh)
    chosen = {(pod.namespace, pod.name): pod for pod in seen}
    for pod in by_namespace.get(server.namespace, ())[:_NEAR]:
        chosen.setdefault((pod.namespace, pod.name), pod)
    for space in list(by_namespace)[:_FAR]:
        pod = by_namespace[space][0]
        chosen.setdefault((pod.namespace, pod.name), pod)
    own = mesh.workloads.owning(server)
    yield from (pod for pod in chosen.values() if mesh.workloads.owning(pod) is not own)


def _named_ports(blocks: Iterable[Block]) -> set[int]:
    """The port numbers that policies speak of."""
    rules = (rule for block in blocks for rule in as_list(block.policy.get(*block.path)))
    ports = (port for rule in rules for port in as_list(as_mapping(rule).get("ports")))
    numbers = (as_mapping(port).get("port") for port in ports)
    return {number for number in numbers if isinstance(number, int)}


def _admitted(
    mesh: Snapshot, client: Resource, server: Resource, blocks: Iterable[Block]
) -> int | None:
    """An application port of the server that the policies let this client reach."""
    declared = set(container_ports(server).values())
    for port in sorted(declared or _named_ports(blocks)):
        if port != HBONE_PORT and decide(mesh, client, server, port).verdict is Verdict.ALLOWED:
            return port
    return None


def barrier(mesh: Snapshot, client: Resource, server: Resource) -> Barrier | None:
    """What keeps a client from tunnelling to a server; None when nothing does.

    Where an unread input decides, the barrier names no policy.
    """
    decision = decide(mesh, client, server, HBONE_PORT)
    if decision.verdict is Verdict.ALLOWED:
        return None
    return Barrier(client, server, decision, _admitted(mesh, client, server, decision.blocks))


def is_isolated(mesh: Snapshot, pod: Resource, direction: Direction) -> bool:
    """Whether some NetworkPolicy selects a pod for a direction."""
    return bool(isolating(mesh, pod, direction))
