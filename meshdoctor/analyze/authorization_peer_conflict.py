"""PeerAuthentications that say different things of the same workloads: the oldest alone counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import save_and_delete
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    holds,
    namespace_subject,
    workload_subject,
)
from meshdoctor.intent.peer_authentication import is_for_workloads
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CONFLICT = "MD0721"


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Policies for the same workloads, oldest first, that do not agree."""

    subject: str
    policies: tuple[Resource, ...]
    workloads: tuple[str, ...]
    what: str
    """What they are for, in a sentence."""

    @property
    def winner(self) -> Resource:
        """The only one that counts."""
        return self.policies[0]

    @property
    def ignored(self) -> tuple[Resource, ...]:
        """The others."""
        return self.policies[1:]


def _demands(policy: Resource) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What a policy asks for: its mode and those of ports."""
    mode = policy.get("spec", "mtls", "mode")
    ports = as_mapping(policy.get("spec", "portLevelMtls"))
    by_port = tuple(
        sorted((port, str(as_mapping(entry).get("mode"))) for port, entry in ports.items())
    )
    # Ports count only on policies with a selector.
    return str(mode or "UNSET"), by_port if is_for_workloads(policy) else ()


def _oldest_first(policies: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(
        sorted(policies, key=lambda p: (str(p.metadata.get("creationTimestamp") or ""), p.name))
    )


def _disagree(policies: tuple[Resource, ...]) -> bool:
    return len({_demands(policy) for policy in policies}) > 1


def _proxied(mesh: Snapshot) -> list[Resource]:
    # Gateways follow their Gateway objects.
    pods = mesh.catalog.of(POD)
    return [p for p in pods if has_proxy(p) and not is_gateway(p) and not is_finished(p)]


def _wide(mesh: Snapshot, policies: Iterable[Resource]) -> Iterator[_Conflict]:
    by_space: dict[str, list[Resource]] = defaultdict(list)
    for policy in policies:
        by_space[policy.namespace].append(policy)
    for space, members in sorted(by_space.items()):
        ordered = _oldest_first(members)
        if not _disagree(ordered):
            continue
        root = space == mesh.root_namespace
        pods = [p for p in _proxied(mesh) if root or p.namespace == space]
        workloads = tuple(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))
        what = "the whole mesh" if root else f"namespace {space}"
        yield _Conflict(namespace_subject(space), ordered, workloads, what)


def _selecting(mesh: Snapshot, policies: Iterable[Resource]) -> Iterator[_Conflict]:
    by_space: dict[str, list[Resource]] = defaultdict(list)
    for policy in policies:
        if policy.namespace != mesh.root_namespace:
            by_space[policy.namespace].append(policy)
    seen: set[str] = set()
    for pod in _proxied(mesh) if by_space else ():
        members = [
            policy
            for policy in by_space.get(pod.namespace, ())
            if matches_labels(as_strings(policy.get("spec", "selector", "matchLabels")), pod.labels)
        ]
        workload = str(mesh.workloads.owning(pod))
        if len(members) > 1 and workload not in seen and _disagree(_oldest_first(members)):
            seen.add(workload)
            ordered = _oldest_first(members)
            yield _Conflict(workload_subject(workload), ordered, (workload,), workload)


def _mode(policy: Resource) -> str:
    mode, ports = _demands(policy)
    return ", ".join([mode, *(f"port {port} {value}" for port, value in ports)])


def _finding(conflict: _Conflict) -> Finding:
    winner, ignored = conflict.winner, conflict.ignored
    names = ", ".join(f"{policy} ({_mode(policy)})" for policy in ignored)
    text = (
        f"{len(conflict.policies)} PeerAuthentications are for {conflict.what} and differ; the "
        f"oldest, {winner} ({_mode(winner)}), counts, and {names} does not"
    )
    away, back = save_and_delete(winner)
    remove, restore = save_and_delete(ignored[-1])
    created = [p.evidence("metadata", "creationTimestamp") for p in conflict.policies[:3]]
    modes = [p.evidence("spec", "mtls", "mode") for p in conflict.policies[:3]]
    return Finding(
        code=CONFLICT,
        subject=conflict.subject,
        outcome=Outcome.FAIL,
        message=text,
        resource=str(winner),
        objects=tuple(map(str, conflict.policies))[:6],
        facts=(
            holds("policies-differ", text, *modes),
            holds("oldest-counts", f"{winner} is the oldest of them", *created),
        ),
        affected=tuple(Affected(name, "") for name in conflict.workloads),
        fills={
            "winner": str(winner),
            "winner_mode": _mode(winner),
            "ignored": names,
            "what": conflict.what,
            "remove_winner": away,
            "restore_winner": back,
            "remove_ignored": remove,
            "restore_ignored": restore,
            "newest": str(ignored[-1]),
        },
    )


@dataclass(frozen=True, slots=True)
class _PeerConflicts:
    name: str = "peerauthentication-conflicts"
    description: str = "No two PeerAuthentications disagree about the same workloads."
    inputs: tuple[str, ...] = (PEER_AUTHENTICATION.input, POD.input)
    codes: tuple[str, ...] = (CONFLICT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge those without a selector by namespace, those with one by workload."""
        needs = mesh.catalog.unread(PEER_AUTHENTICATION, POD)
        if needs:
            text = "Whether PeerAuthentications disagree cannot be told"
            yield Finding(CONFLICT, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        policies = mesh.catalog.of(PEER_AUTHENTICATION)
        for conflict in _wide(mesh, (p for p in policies if not is_for_workloads(p))):
            yield _finding(conflict)
        for conflict in _selecting(mesh, (p for p in policies if is_for_workloads(p))):
            yield _finding(conflict)


ANALYZER = _PeerConflicts()
