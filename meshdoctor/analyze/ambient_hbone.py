"""NetworkPolicies against HBONE: between pods in ambient mode everything travels on TCP 15008."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    called,
    client_pod,
    failures,
    server_pod,
    undecided,
    ztunnel_log_unread,
)
from meshdoctor.analyze.authorization_workloads import first_target, target_at
from meshdoctor.analyze.base import holds, silent, unread, workload_subject
from meshdoctor.intent.ambient import captured_pods, captured_workloads
from meshdoctor.intent.ambient_reach import (
    Barrier,
    barrier,
    is_isolated,
    possible_callers,
)
from meshdoctor.intent.inbound_capture import REDIRECTION
from meshdoctor.intent.network_policies import NAMESPACE_NAME, Block, Direction
from meshdoctor.intent.policy_attachment import is_waypoint
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY, POD
from meshdoctor.model.resource import as_list
from meshdoctor.model.ztunnel import HBONE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

BLOCKED = "MD0502"
_TIMED_OUT = ("connection timed out", "deadline has elapsed")
_GRACE = 15.0
"""Seconds after a policy's creation in which open tunnels may still carry calls."""
_MOST_SHOWN = 3
_MOST_AFFECTED = 20


@dataclass(slots=True)
class _Case:
    """One workload and what keeps callers from it."""

    server: Resource
    barriers: list[Barrier] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    doubtful: bool = False
    """Whether some caller is kept away on purpose, or an unread input decides."""


def _timeouts(mesh: Snapshot) -> dict[tuple[str, str], list[Failure]]:
    """Tunnels that nobody answered, by the server's pod."""
    found: dict[tuple[str, str], list[Failure]] = {}
    for item in failures(mesh):
        if item.connection.target_port != HBONE_PORT or item.connection.direction != "outbound":
            continue
        if not any(words in item.error for words in _TIMED_OUT):
            continue
        pod = server_pod(mesh, item.connection)
        if pod is not None:
            found.setdefault((pod.namespace, pod.name), []).append(item)
    return found


def _talks(mesh: Snapshot) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Who reached whom through a tunnel after the newest policy was made."""
    policies = [item.created for item in mesh.catalog.of(NETWORK_POLICY) if item.created]
    since = max(policies, default=None)
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for ztunnel in mesh.ztunnels:
        for item in ztunnel.log.latest if ztunnel.log else ():
            if item.target_port != HBONE_PORT or item.time is None:
                continue
            # A tunnel that was open before may outlive the policy for a short while.
            if since is not None and (item.time - since).total_seconds() < _GRACE:
                continue
            client, server = client_pod(mesh, item), server_pod(mesh, item)
            if client is not None and server is not None:
                key = (server.namespace, server.name)
                found.setdefault(key, set()).add((client.namespace, client.name))
    return found


def _rule(block: Block, barriers: Iterable[Barrier]) -> dict[str, Any]:
    """The rule to add: 15008 from anyone in, or 15008 out to the servers' namespaces."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": HBONE_PORT}]}
    if block.direction is Direction.EGRESS:
        spaces = sorted({item.server.namespace for item in barriers})
        rule["to"] = [
            {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: space}}} for space in spaces
        ]
    return rule


def _fills(block: Block, barriers: list[Barrier], workload: str) -> dict[str, str]:
    policy, key = block.policy, block.direction.key
    rules = as_list(policy.spec.get(key))
    rule = _rule(block, barriers)
    # A JSON patch cannot append to a list that is not there.
    place, value = (f"/spec/{key}/-", rule) if rules else (f"/spec/{key}", [rule])
    last = f"/spec/{key}/{len(rules)}" if rules else f"/spec/{key}"
    target = f"kubectl patch networkpolicy {policy.name} -n {policy.namespace} --type=json"
    change = json.dumps([{"op": "add", "path": place, "value": value}])
    admitted = next((item.admitted for item in barriers if item.admitted), None)
    return {
        "direction": "into" if block.direction is Direction.INGRESS else "out of",
        "workload": workload,
        "also": f" It admits port {admitted}, which no call uses any more." if admitted else "",
        "key": key,
        "command": f"{target} -p='{change}'",
        "undo": f'{target} -p=\'[{{"op":"remove","path":"{last}"}}]\'',
    }


def _seen_fact(mesh: Snapshot, case: _Case) -> Fact:
    if case.failures:
        last = case.failures[-1]
        text = f"{len(case.failures)} tunnels to it timed out of late: {last.error}"
        return holds("tunnels-time-out", text, last.evidence)
    if ztunnel_log_unread(mesh) or not mesh.ztunnels:
        return unread("tunnels-time-out", "The callers' ztunnel log could not be read")
    return silent("tunnels-time-out", "No ztunnel logs a call to it of late")


def _policy_fact(block: Block, message: str) -> Fact:
    policy = block.policy
    rules = as_list(policy.get(*block.path))
    path: tuple[str | int, ...] = (*block.path, 0, "ports") if rules else block.path
    evidence = [policy.evidence("spec", "podSelector"), policy.evidence(*path)]
    return holds("policy-blocks-15008", message, *dict.fromkeys(evidence))


def _ambient_fact(case: _Case) -> Fact:
    ends = [case.server, *(item.client for item in case.barriers[:_MOST_SHOWN])]
    shown = [
        pod.evidence("metadata", "annotations", REDIRECTION)
        for pod in ends
        if REDIRECTION in pod.annotations
    ]
    return holds(
        "both-ends-in-ambient", "Both ends are in ambient mode, so calls are tunnelled", *shown
    )


def _affected(mesh: Snapshot, case: _Case) -> tuple[Affected, ...]:
    seen = affected_by(mesh, case.failures)
    if seen:
        return seen
    barriers = case.barriers
    port = next((item.admitted for item in barriers if item.admitted), None)
    to = target_at(mesh, case.server, port) if port else first_target(mesh, case.server)
    callers = {str(mesh.workloads.owning(item.client)) for item in barriers}
    return tuple(Affected(name, to) for name in sorted(callers))[:_MOST_AFFECTED]


def _failing(mesh: Snapshot, case: _Case) -> Finding:
    server = str(mesh.workloads.owning(case.server))
    blocks = list(dict.fromkeys(block for item in case.barriers for block in item.blocks))
    first = blocks[0]
    own = server
    if first.direction is Direction.EGRESS:
        own = str(mesh.workloads.owning(case.barriers[0].client))
    fills = _fills(first, case.barriers, own)
    message = (
        f"{first.policy} lets no TCP {HBONE_PORT} {fills['direction']} the pods of {own}, "
        "and ambient mode carries every call there"
    )
    policies = dict.fromkeys(str(block.policy) for block in blocks)
    return Finding(
        code=BLOCKED,
        subject=workload_subject(server),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(first.policy),
        objects=(*policies, server),
        facts=(
            _policy_fact(first, message),
            _ambient_fact(case),
            _seen_fact(mesh, case),
        ),
        affected=_affected(mesh, case),
        fills=fills,
    )


def _open(mesh: Snapshot, pod: Resource) -> Finding:
    """Nothing keeps tunnels from a workload."""
    workload = str(mesh.workloads.owning(pod))
    message = f"No NetworkPolicy keeps TCP {HBONE_PORT} from the pods of {workload}"
    labels = pod.evidence("metadata", "labels")
    return Finding(
        code=BLOCKED,
        subject=workload_subject(workload),
        outcome=Outcome.PASS,
        message=message,
        resource=workload,
        facts=(holds("hbone-is-admitted", message, labels),),
    )


def _servers(mesh: Snapshot) -> Iterator[Resource]:
    """A pod of every workload that takes tunnels: captured ones, and waypoints."""
    for _, pods in captured_workloads(mesh):
        yield pods[0]
    seen = set()
    for pod in mesh.proxy_pods:
        if is_waypoint(pod) and (name := str(mesh.workloads.owning(pod))) not in seen:
            seen.add(name)
            yield pod


@dataclass(frozen=True, slots=True)
class AmbientHbone:
    """NetworkPolicies let HBONE through between pods in ambient mode."""

    name: str = "ambient-hbone"
    description: str = "NetworkPolicies admit TCP 15008 between pods in ambient mode."
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        NETWORK_POLICY.input,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (BLOCKED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each workload that takes tunnels."""
        missing = undecided(mesh, BLOCKED, "Whether HBONE gets through", POD, NETWORK_POLICY)
        if missing is not None:
            yield missing
        if not mesh.catalog.known(POD, NETWORK_POLICY) or not captured_pods(mesh):
            return
        timeouts, talks = _timeouts(mesh), _talks(mesh)
        policed = {item.namespace for item in mesh.catalog.of(NETWORK_POLICY)}
        guarded = [
            pod
            for pod in captured_pods(mesh)
            if pod.namespace in policed and is_isolated(mesh, pod, Direction.EGRESS)
        ]
        for server in _servers(mesh):
            case = self._case(mesh, server, timeouts, talks, guarded=guarded)
            if case.barriers:
                yield _failing(mesh, case)
            elif not case.doubtful:
                yield _open(mesh, server)

    def _case(
        self,
        mesh: Snapshot,
        server: Resource,
        timeouts: dict[tuple[str, str], list[Failure]],
        talks: dict[tuple[str, str], set[tuple[str, str]]],
        *,
        guarded: list[Resource],
    ) -> _Case:
        case = _Case(server)
        pods = mesh.workloads.owning(server).pods
        seen = [item for pod in pods for item in timeouts.get((pod.namespace, pod.name), ())]
        named = {called(mesh, item.connection) for item in seen}
        failing = [pod for item in seen if (pod := client_pod(mesh, item.connection)) is not None]
        fine = {pair for pod in pods for pair in talks.get((pod.namespace, pod.name), ())}
        isolated = is_isolated(mesh, server, Direction.INGRESS)
        if not (isolated or guarded or named):
            return case
        suffering = {(pod.namespace, pod.name) for pod in failing}
        for client in possible_callers(mesh, server, failing):
            key = (client.namespace, client.name)
            if key in fine and key not in suffering:
                continue
            found = barrier(mesh, client, server)
            if found is None:
                continue
            if found.blocks and (key in suffering or found.admitted is not None):
                case.barriers.append(found)
            case.doubtful = True
        clients = {(item.client.namespace, item.client.name) for item in case.barriers}
        case.failures = [
            item
            for item in seen
            if (pod := client_pod(mesh, item.connection)) is not None
            and (pod.namespace, pod.name) in clients
        ]
        return case


ANALYZER = AmbientHbone()
