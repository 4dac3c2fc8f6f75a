"""What is said of a NetworkPolicy that blocks a connection, and the rule that would let it pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.intent.network_policies import NAMESPACE_NAME, Direction
from meshdoctor.model.resource import as_list, as_strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_HASHES = frozenset({"pod-template-hash", "controller-revision-hash", "pod-template-generation"})


def _selector_of(mesh: Snapshot, pod: Resource) -> dict[str, str]:
    """Labels that pick a workload's pods: its selector, else what its pods carry."""
    resource = mesh.workloads.owning(pod).resource
    chosen = as_strings(resource.get("spec", "selector", "matchLabels")) if resource else {}
    if chosen:
        return chosen
    kept = {k: v for k, v in pod.labels.items() if k not in _HASHES and "/" not in k}
    return kept or pod.labels


def _peer(mesh: Snapshot, pod: Resource) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: pod.namespace}},
        "podSelector": {"matchLabels": _selector_of(mesh, pod)},
    }


def rule_for(
    mesh: Snapshot,
    direction: Direction,
    others: Sequence[Resource],
    ports: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The rule that lets a connection through.

    Args:
        mesh: the snapshot.
        direction: of the policy.
        others: pods at the other end; those of one workload count once.
        ports: ``ports`` entries.
    """
    workloads = {str(mesh.workloads.owning(pod)): pod for pod in others}
    peers = [_peer(mesh, workloads[name]) for name in sorted(workloads)]
    return {direction.peers: peers, "ports": list(ports)}


def add_rule(policy: Resource, direction: Direction, rule: dict[str, Any]) -> tuple[str, str]:
    """The command that adds a rule to a policy, and the one that takes it back."""
    path = ("spec", direction.key)
    return replace_value(policy, path, [*as_list(policy.get(*path)), rule])


def isolation_text(policy: Resource, direction: Direction) -> str:
    """What a policy does, in a clause."""
    way = "into" if direction is Direction.INGRESS else "out of"
    rules = len(as_list(policy.spec.get(direction.key)))
    if not rules:
        return f"{policy} lets nothing {way} the pods it selects"
    none = "its only rule does not let" if rules == 1 else f"none of its {rules} rules lets"
    return f"{policy} isolates what goes {way} the pods it selects, and {none} this pass"


def fills_of(
    mesh: Snapshot, client: Resource, to: str, why: str, commands: tuple[str, str]
) -> dict[str, str]:
    """Words for the cause's templates."""
    workload = str(mesh.workloads.owning(client))
    return {
        "client": workload,
        "destination": to,
        "why": why,
        "caller": command_target(workload),
        "command": commands[0],
        "undo": commands[1],
    }
