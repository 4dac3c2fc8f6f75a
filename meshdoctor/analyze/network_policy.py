"""Whether NetworkPolicies let clients reach the servers that they call.

A policy is at fault only where somebody wants to pass: calls that fail the way dropped packets do,
or, where no log tells, a destination that a workload is configured to call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Call, Calls
from meshdoctor.analyze.base import (
    PROXY_HOSTS,
    PROXY_LOG,
    destination_subject,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.destination_facts import failed_calls_text
from meshdoctor.analyze.merged_findings import merged
from meshdoctor.analyze.network_policy_words import add_rule, fills_of, isolation_text, rule_for
from meshdoctor.analyze.policed_paths import PolicedPath, Target, policed_paths
from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.intent.network_policies import (
    Block,
    Decision,
    Direction,
    Verdict,
    decide,
    nearest_first,
)
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy.names import build_cluster_name
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import NAMESPACE, NETWORK_POLICY, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

BLOCKED = "MD0160"
"""A NetworkPolicy keeps a client from a server that it calls."""
_MOST_LINES = 3
_NO_ANSWER = ("DC", "UF", "UT")
"""Flags of a call to which nothing came back: the caller gave up, or the proxy did."""
_OTHER_REASONS = ("TLS_error", "CERTIFICATE", "SSL")


def _went_unanswered(call: Call) -> bool:
    """Whether a call failed as it does when its packets are dropped or rejected."""
    entry = call.entry
    if not call.failed or (entry.details or "").startswith("via_upstream"):
        return False
    reason = f"{entry.details or ''} {entry.transport_failure or ''}"
    if any(word in reason for word in _OTHER_REASONS):
        return False
    return any(entry.flagged(flag) for flag in _NO_ANSWER)


def _failed_at(calls: Calls, blocked: tuple[Target, ...]) -> Calls:
    """The calls that went to a blocked pod (or to none that the log names) and got no answer."""
    ips = {pod.status.get("podIP") for pod, _ in blocked}
    return tuple(
        call
        for call in calls
        if _went_unanswered(call) and host_port(call.entry.upstream_host)[0] in (None, *ips)
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A path with what the policies make of it."""

    path: PolicedPath
    decisions: tuple[tuple[Target, Decision], ...]

    @property
    def blocked(self) -> tuple[Target, ...]:
        """The servers that cannot be reached."""
        return tuple(t for t, d in self.decisions if d.verdict is Verdict.BLOCKED)

    @property
    def failed(self) -> Calls:
        """The calls that a block explains."""
        return _failed_at(self.path.calls, self.blocked)

    @property
    def hurts(self) -> bool:
        """Whether somebody suffers from it."""
        if self.path.calls:
            return bool(self.failed)
        # Where some servers can be reached, only calls would tell that it matters.
        return len(self.blocked) == len(self.decisions)

    def blocks(self, direction: Direction) -> tuple[Block, ...]:
        """The policies that block in one direction, the one to change first."""
        found = dict.fromkeys(
            block
            for _, decision in self.decisions
            for block in decision.blocks
            if block.direction is direction
        )
        return tuple(found)


def _unanswered_fact(mesh: Snapshot, judged: _Judged) -> Fact:
    fact, path = "connections-get-no-answer", judged.path
    if judged.failed:
        newest = (call.evidence for call in reversed(judged.failed[-_MOST_LINES:]))
        return holds(fact, failed_calls_text(mesh, judged.failed), *newest)
    who = str(mesh.workloads.owning(path.client))
    if path.failing is not None and path.proxy is not None:
        cluster = build_cluster_name("outbound", path.port, "", path.host)
        count = path.failing.cx_connect_fail
        text = f"The proxy of {who} counts {count} failed connections to {path.failing}"
        return holds(fact, text, host_evidence(path.proxy, cluster, path.failing))
    text = f"No access log shows the calls of {who} to {path.to}, which its template names"
    if path.proxy is not None and path.proxy.log is not None:
        return silent(fact, text)
    return unread(fact, text)


def _wanted_evidence(path: PolicedPath) -> tuple[Evidence, ...]:
    return (path.named.evidence,) if path.named else ()


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """A path that is blocked in one direction, and the policies that block it."""

    judged: _Judged
    direction: Direction
    blocks: tuple[Block, ...]

    @property
    def policy(self) -> Resource:
        """The policy to change."""
        return self.blocks[0].policy


def _obstacles(mesh: Snapshot, judged: _Judged) -> Iterator[_Obstacle]:
    server, port = judged.blocked[0]
    for direction in Direction:
        if found := judged.blocks(direction):
            blocks = nearest_first(mesh, found, judged.path.client, server, port)
            yield _Obstacle(judged, direction, blocks)


def _rule(mesh: Snapshot, alike: list[_Obstacle]) -> tuple[str, str]:
    """One rule in one policy for all that it keeps apart."""
    policy, direction = alike[0].policy, alike[0].direction
    targets = [target for item in alike for target in item.judged.blocked]
    clients = [item.judged.path.client for item in alike]
    others = clients if direction is Direction.INGRESS else [pod for pod, _ in targets]
    numbers = sorted({port for _, port in targets})
    ports = [{"protocol": "TCP", "port": number} for number in numbers]
    return add_rule(policy, direction, rule_for(mesh, direction, others, ports))


def _finding(mesh: Snapshot, obstacle: _Obstacle, alike: list[_Obstacle]) -> Finding:
    judged, direction, path = obstacle.judged, obstacle.direction, obstacle.judged.path
    server, port = judged.blocked[0]
    first = obstacle.policy
    why = isolation_text(first, direction)
    who = mesh.workloads.owning(path.client)
    message = f"{who} calls {path.to} and cannot reach port {port} of its pods: {why}"
    evidence = [first.evidence("spec", "podSelector")]
    if first.get("spec", direction.key):
        evidence.append(first.evidence("spec", direction.key))
    policies = tuple(dict.fromkeys(str(block.policy) for block in obstacle.blocks))
    return Finding(
        code=BLOCKED,
        subject=destination_subject(path.host, path.port),
        outcome=Outcome.FAIL,
        message=message,
        resource=policies[0],
        objects=(*policies[:5], str(mesh.workloads.owning(server))),
        facts=(
            holds("policy-blocks-connection", message, *evidence, *_wanted_evidence(path)),
            _unanswered_fact(mesh, judged),
        ),
        affected=(Affected(str(who), path.to),),
        fills=fills_of(mesh, path.client, path.to, why, _rule(mesh, alike)),
    )


def _allowed(judged: _Judged) -> Finding:
    """A PASS for calls that fail although no policy blocks them."""
    path = judged.path
    server, port = path.targets[0]
    message = f"No NetworkPolicy keeps {path.client} from port {port} of {server}"
    facts = (holds("policies-let-pass", message, server.evidence("metadata", "labels")),)
    subject = destination_subject(path.host, path.port)
    return Finding(BLOCKED, subject, Outcome.PASS, message, str(server), facts=facts)


def _cannot_tell(judged: _Judged, needs: tuple[str, ...]) -> Finding:
    path = judged.path
    message = f"Whether a NetworkPolicy keeps {path.client} from {path.to} cannot be told"
    subject = destination_subject(path.host, path.port)
    return Finding(BLOCKED, subject, Outcome.UNKNOWN, message, str(path.client), needs=needs)


def _unblocked(judged: _Judged) -> Finding | None:
    """What is to be said of a path that no policy is known to block: its calls fail or not."""
    decisions = judged.decisions
    if judged.blocked or not _failed_at(judged.path.calls, judged.path.targets):
        return None
    if any(decision.verdict is Verdict.UNKNOWN for _, decision in decisions):
        needs = {name for _, decision in decisions for name in decision.needs}
        return _cannot_tell(judged, tuple(sorted(needs)))
    return _allowed(judged)


def _judged(mesh: Snapshot) -> Iterator[_Judged]:
    for path in policed_paths(mesh):
        pairs = ((item, decide(mesh, path.client, *item)) for item in path.targets)
        yield _Judged(path, tuple(pairs))


@dataclass(frozen=True, slots=True)
class NetworkPolicies:
    """NetworkPolicies let clients reach the servers that they call."""

    name: str = "network-policies"
    description: str = "NetworkPolicies let clients reach the servers that they call."
    inputs: tuple[str, ...] = (
        NETWORK_POLICY.input,
        NAMESPACE.input,
        POD.input,
        SERVICE.input,
        PROXY_LOG,
        PROXY_HOSTS,
    )
    codes: tuple[str, ...] = (BLOCKED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each known way from a client to a server."""
        judged = list(_judged(mesh))
        hurting = [item for item in judged if item.blocked and item.hurts]
        # What a log shows speaks first, for those too of whom only their template tells.
        hurting.sort(key=lambda item: not item.failed)
        found = [obstacle for item in hurting for obstacle in _obstacles(mesh, item)]
        findings: list[Finding] = []
        for obstacle in found:
            key = (obstacle.policy, obstacle.direction)
            alike = [item for item in found if (item.policy, item.direction) == key]
            findings.append(_finding(mesh, obstacle, alike))
        yield from merged(findings)
        yield from filter(None, map(_unblocked, judged))


ANALYZER = NetworkPolicies()
