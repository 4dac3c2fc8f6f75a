"""Does a NetworkPolicy keep one pod from reaching a TCP port of another?

Evaluated as networking.k8s.io/v1 documents it: a pod that some policy selects for a direction is
isolated in that direction, and only what the union of the rules of all those policies allows gets
through. Both ends count: the egress policies of the caller and the ingress policies of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY
from meshdoctor.model.pod import containers, host_network, pod_ip
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label the API server puts on every namespace."""


class Direction(StrEnum):
    """The two halves of a policy, spelled as ``policyTypes`` does."""

    INGRESS = "Ingress"
    EGRESS = "Egress"

    @property
    def key(self) -> str:
        """The field of the spec that holds this direction's rules."""
        return self.value.lower()

    @property
    def peers(self) -> str:
        """The field of a rule that names the other end."""
        return "from" if self is Direction.INGRESS else "to"


class Verdict(StrEnum):
    """Whether a connection gets through."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    """An input that decides was not read, or Kubernetes leaves it to the network plugin."""


@dataclass(frozen=True, slots=True)
class Block:
    """A policy that takes part in blocking: it isolates a pod and no rule of it lets this pass."""

    policy: Resource
    direction: Direction

    @property
    def path(self) -> tuple[str, ...]:
        """Where in the policy the missing rule would stand."""
        return ("spec", self.direction.key)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policies make of one connection."""

    verdict: Verdict
    blocks: tuple[Block, ...] = ()
    """For BLOCKED: the policies to change, the likeliest first."""
    needs: tuple[str, ...] = ()
    """For UNKNOWN: the unread inputs."""


def policy_types(policy: Resource) -> frozenset[Direction]:
    """The directions a policy isolates: Ingress always, Egress when it has such rules.

    That is the API server's default for an absent ``policyTypes``.
    """
    named = as_list(policy.spec.get("policyTypes"))
    if named:
        return frozenset(direction for direction in Direction if direction in named)
    found = {Direction.INGRESS}
    if as_list(policy.spec.get(Direction.EGRESS.key)):
        found.add(Direction.EGRESS)
    return frozenset(found)


def selects(policy: Resource, pod: Resource) -> bool:
    """Whether a policy applies to a pod: same namespace, matching labels (empty matches all)."""
    return policy.namespace == pod.namespace and matches_selector(
        policy.spec.get("podSelector"), pod.labels
    )


def isolating(mesh: Snapshot, pod: Resource, direction: Direction) -> tuple[Resource, ...]:
    """The policies that isolate a pod in one direction; none for a pod on its node's network."""
    if host_network(pod):
        return ()
    return tuple(
        policy
        for policy in mesh.catalog.within(NETWORK_POLICY, pod.namespace)
        if direction in policy_types(policy) and selects(policy, pod)
    )


@lru_cache(maxsize=2)
def _namespace_labels(mesh: Snapshot) -> dict[str, dict[str, str]]:
    return {item.name: item.labels for item in mesh.catalog.of(NAMESPACE)}


def _either(answers: Iterable[bool | None]) -> bool | None:
    """Three-valued "or": True wins, then None (not known)."""
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def _namespace_matches(mesh: Snapshot, selector: Mapping[str, Any], name: str) -> bool | None:
    labels = _namespace_labels(mesh).get(name)
    if labels is not None:
        return matches_selector(selector, {NAMESPACE_NAME: name, **labels})
    keys = {*as_mapping(selector.get("matchLabels"))} | {
        as_mapping(item).get("key") for item in as_list(selector.get("matchExpressions"))
    }
    # Without the Namespace object only the label that every namespace has is certain.
    return matches_selector(selector, {NAMESPACE_NAME: name}) if keys <= {NAMESPACE_NAME} else None


def in_block(block: Mapping[str, Any], ip: str) -> bool | None:
    """Whether an ``ipBlock`` covers an address; None when either cannot be read."""
    try:
        address = ip_address(ip)
        nets = [ip_network(str(block.get("cidr")), strict=False)]
        excluded = [ip_network(str(item), strict=False) for item in as_list(block.get("except"))]
    except ValueError:
        return None
    return address in nets[0] and not any(address in net for net in excluded)


def _peer_matches(mesh: Snapshot, peer: object, policy: Resource, other: Resource) -> bool | None:
    entry = as_mapping(peer)
    if "ipBlock" in entry:
        inside = in_block(as_mapping(entry["ipBlock"]), pod_ip(other))
        # Traffic of a pod's own node is always let in, whatever the blocks say.
        return inside or None if host_network(other) else inside
    if host_network(other):
        # Kubernetes leaves it to the network plugin whether such a pod is seen as its node.
        return None
    chosen = entry.get("namespaceSelector")
    if chosen is None:
        inside = other.namespace == policy.namespace
    else:
        inside = _namespace_matches(mesh, as_mapping(chosen), other.namespace)
    if not matches_selector(entry.get("podSelector"), other.labels):
        return False
    return inside


def _named_ports(target: Resource, protocol: str) -> Iterator[tuple[str, int]]:
    for _, container in containers(target):
        for item in as_list(container.get("ports")):
            port = as_mapping(item)
            number = port.get("containerPort")
            if isinstance(number, int) and port.get("protocol", "TCP") == protocol:
                yield str(port.get("name") or ""), number


def _port_matches(entry: object, target: Resource, port: int, protocol: str) -> bool:
    wanted = as_mapping(entry)
    if wanted.get("protocol", "TCP") != protocol:
        return False
    value = wanted.get("port")
    if value is None:
        return True
    if isinstance(value, str):
        return (value, port) in _named_ports(target, protocol)
    last = wanted.get("endPort", value)
    return isinstance(value, int) and isinstance(last, int) and value <= port <= last


@dataclass(frozen=True, slots=True)
class _Connection:
    mesh: Snapshot
    source: Resource
    target: Resource
    port: int
    protocol: str

    def rule_allows(self, rule: object, policy: Resource, direction: Direction) -> bool | None:
        """Whether one rule lets this connection pass."""
        entry = as_mapping(rule)
        ports = as_list(entry.get("ports"))
        if ports and not any(
            _port_matches(item, self.target, self.port, self.protocol) for item in ports
        ):
            return False
        other = self.source if direction is Direction.INGRESS else self.target
        peers = as_list(entry.get(direction.peers))
        # An absent or empty peer list means everyone.
        if not peers:
            return True
        return _either(_peer_matches(self.mesh, peer, policy, other) for peer in peers)

    def allows(self, policy: Resource, direction: Direction) -> bool | None:
        """Whether one policy has a rule for this connection."""
        rules = as_list(policy.spec.get(direction.key))
        return _either(self.rule_allows(rule, policy, direction) for rule in rules)


def _likeliest(block: Block) -> tuple[bool, float, str]:
    """Order of blame: policies that allow nothing at all first, then the newest."""
    created = block.policy.created
    age = -created.timestamp() if created else 0.0
    return bool(as_list(block.policy.get(*block.path))), age, block.policy.name


def decide(
    mesh: Snapshot, source: Resource, target: Resource, port: int, protocol: str = "TCP"
) -> Decision:
    """What the NetworkPolicies make of a connection between two pods.

    Args:
        mesh: the snapshot.
        source: the calling pod.
        target: the called pod.
        port: the port on the target *pod* (not the Service's port).
        protocol: ``TCP``, ``UDP`` or ``SCTP``.

    Returns:
        BLOCKED only when every policy that matters was read and none allows it. Traffic within
        one pod is never policed; a pod on its node's network is not isolated.
    """
    if not mesh.catalog.known(NETWORK_POLICY):
        return Decision(Verdict.UNKNOWN, needs=mesh.catalog.unread(NETWORK_POLICY))
    if source == target:
        return Decision(Verdict.ALLOWED)
    connection = _Connection(mesh, source, target, port, protocol)
    blocks: list[Block] = []
    unknown = False
    for direction, pod in ((Direction.EGRESS, source), (Direction.INGRESS, target)):
        policies = isolating(mesh, pod, direction)
        answer = _either(connection.allows(policy, direction) for policy in policies)
        if policies and answer is False:
            blocks += [Block(policy, direction) for policy in policies]
        unknown = unknown or (bool(policies) and answer is None)
    if blocks:
        return Decision(Verdict.BLOCKED, tuple(sorted(blocks, key=_likeliest)))
    if unknown:
        return Decision(Verdict.UNKNOWN, needs=mesh.catalog.unread(NAMESPACE))
    return Decision(Verdict.ALLOWED)


def _nearness(connection: _Connection, policy: Resource, direction: Direction) -> int:
    """How nearly a policy's rules let a connection pass: 1 when the port or the peer fits."""
    for rule in map(as_mapping, as_list(policy.spec.get(direction.key))):
        alone = ({"ports": rule.get("ports")}, {direction.peers: rule.get(direction.peers)})
        for part in alone:
            if any(part.values()) and connection.rule_allows(part, policy, direction):
                return 1
    return 0


def nearest_first(
    mesh: Snapshot,
    blocks: Iterable[Block],
    source: Resource,
    target: Resource,
    port: int,
    protocol: str = "TCP",
) -> tuple[Block, ...]:
    """Policies that block a connection in one direction, the one to change first.

    That is one whose rule fits the port or the peer already, then one with any rules (beside such
    a policy one that denies everything only sets the stage), then the newest.
    """
    connection = _Connection(mesh, source, target, port, protocol)

    def order(block: Block) -> tuple[int, bool, float, str]:
        created = block.policy.created
        age = -created.timestamp() if created else 0.0
        near = -_nearness(connection, block.policy, block.direction)
        return near, not as_list(block.policy.get(*block.path)), age, block.policy.name

    return tuple(sorted(blocks, key=order))
