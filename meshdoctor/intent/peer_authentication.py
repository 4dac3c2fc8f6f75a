"""What a workload demands of those who call it: the PeerAuthentication in force at a port.

Mesh, namespace, workload, then port: each level that is set replaces the one before, and UNSET
inherits (pilot/pkg/security/authn/policy_applier.go, ``ComposePeerAuthentication``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import PEER_AUTHENTICATION
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Path = tuple[str | int, ...]


class ServerMode(StrEnum):
    """Istio's words for what a server takes."""

    STRICT = "STRICT"
    """Mutual TLS only."""
    PERMISSIVE = "PERMISSIVE"
    """Mutual TLS and plaintext."""
    DISABLE = "DISABLE"
    """Plaintext only: TLS is not terminated by the proxy."""


_MODES = frozenset(mode.value for mode in ServerMode)


@dataclass(frozen=True, slots=True)
class PeerMode:
    """The mode in force at one port of one workload, and what sets it."""

    mode: ServerMode
    policy: Resource | None
    """None where nothing is set: Istio's default, PERMISSIVE."""
    path: Path
    """Path of the mode within the policy."""
    level: str
    """``mesh``, ``namespace``, ``workload``, ``port``, or ``default``."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Where the mode stands; nothing for the default."""
        return (self.policy.evidence(*self.path),) if self.policy else ()

    @property
    def text(self) -> str:
        """The mode and its origin, for a sentence."""
        if self.policy is None:
            return f"{self.mode} (Istio's default: no PeerAuthentication sets anything)"
        return f"{self.mode} ({self.policy}, {self.level} level)"


DEFAULT_MODE = PeerMode(ServerMode.PERMISSIVE, None, (), "default")
"""Without any policy a server takes both."""


def is_for_workloads(policy: Resource) -> bool:
    """Whether a policy has a selector; an empty one counts as none."""
    return bool(as_mapping(policy.get("spec", "selector", "matchLabels")))


@dataclass(frozen=True, slots=True)
class _Policies:
    """The policies of one namespace, oldest first."""

    wide: tuple[Resource, ...]
    """Without a selector: the oldest alone counts."""
    selecting: tuple[Resource, ...]


def _oldest_first(policies: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(
        sorted(policies, key=lambda p: (str(p.metadata.get("creationTimestamp") or ""), p.name))
    )


@lru_cache(maxsize=2)
def _by_namespace(mesh: Snapshot) -> Mapping[str, _Policies]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for policy in mesh.catalog.of(PEER_AUTHENTICATION):
        found[policy.namespace].append(policy)
    return {
        namespace: _Policies(
            wide=_oldest_first(p for p in policies if not is_for_workloads(p)),
            selecting=_oldest_first(p for p in policies if is_for_workloads(p)),
        )
        for namespace, policies in found.items()
    }


def _set_by(policy: Resource, path: Path, level: str) -> PeerMode | None:
    mode = policy.get(*path, "mode")
    if mode not in _MODES:
        return None
    return PeerMode(ServerMode(mode), policy, (*path, "mode"), level)


def _wide(mesh: Snapshot, namespace: str, level: str) -> PeerMode | None:
    policies = _by_namespace(mesh).get(namespace)
    if policies is None or not policies.wide:
        return None
    return _set_by(policies.wide[0], ("spec", "mtls"), level)


def namespace_mode(mesh: Snapshot, namespace: str) -> PeerMode:
    """The mode of a namespace's workloads as far as no selector speaks of them."""
    own = _wide(mesh, namespace, "namespace") if namespace != mesh.root_namespace else None
    return own or _wide(mesh, mesh.root_namespace, "mesh") or DEFAULT_MODE


def workload_policy(mesh: Snapshot, namespace: str, labels: Mapping[str, str]) -> Resource | None:
    """The policy with a selector that counts for a workload: the oldest that selects it.

    Selectors in the root namespace are ignored, for its own workloads too.
    """
    policies = _by_namespace(mesh).get(namespace)
    if policies is None or namespace == mesh.root_namespace:
        return None
    for policy in policies.selecting:
        wanted = as_strings(policy.get("spec", "selector", "matchLabels"))
        if matches_labels(wanted, labels):
            return policy
    return None


def peer_mode(
    mesh: Snapshot, namespace: str, labels: Mapping[str, str], port: int | None = None
) -> PeerMode:
    """The mode in force at a port of a workload.

    Args:
        mesh: the snapshot; its PeerAuthentications must be known.
        namespace: the workload's.
        labels: its pods' labels.
        port: *container* port, which is what ``portLevelMtls`` is keyed by; None for no port in
            particular.
    """
    above = namespace_mode(mesh, namespace)
    policy = workload_policy(mesh, namespace, labels)
    if policy is None:
        return above
    mode = _set_by(policy, ("spec", "mtls"), "workload") or above
    if port is None:
        return mode
    # Ports are an int-keyed proto map, so that JSON has them as strings.
    return _set_by(policy, ("spec", "portLevelMtls", str(port)), "port") or mode
