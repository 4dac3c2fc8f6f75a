"""Connections that ztunnels refuse because a policy says so: the same causes as with sidecars.

ztunnel's log names the DENY policy, or says that no ALLOW rule matched; a PeerAuthentication in
STRICT mode reaches it as a DENY policy of its own (pilot/pkg/serviceregistry/ambient). Policies
that name HTTP attributes are left to the analyzer of those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    client_pod,
    client_text,
    failures,
    server_pod,
    ztunnel_log_unread,
)
from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.authorization_no_match import widening
from meshdoctor.analyze.authorization_words import (
    REQUEST_DENIED,
    field_text,
    save_and_delete,
    save_and_edit,
)
from meshdoctor.analyze.base import holds, unread, workload_subject
from meshdoctor.intent.ambient import Enrolment, captured_workloads, enrolment
from meshdoctor.intent.ambient_policies import http_fields
from meshdoctor.intent.authorization import (
    Access,
    action_of,
    decide,
    is_enforced,
    judge_rules,
    matches_everything,
    policies_at,
    rules_of,
)
from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.intent.policy_attachment import governs
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, POD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

DENY_MATCHES = "MD0520"
DENIES_ALL = "MD0521"
NO_MATCH = "MD0522"
_DENIED = re.compile(r"explicitly denied by: ([^/\s]+)/([^\s\"]+)")
_NONE_ALLOWED = "none allowed"
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Server:
    """A captured workload, and who was refused there of late."""

    workload: Workload
    pod: Resource
    refused: tuple[Failure, ...]


@lru_cache(maxsize=2)
def refusals(mesh: Snapshot) -> dict[tuple[str, str], tuple[Failure, ...]]:
    """What the servers' ztunnels refused of late, by the server's pod."""
    found: dict[tuple[str, str], list[Failure]] = {}
    for item in failures(mesh):
        if "policy rejection" not in item.error or item.connection.direction != "inbound":
            continue
        pod = server_pod(mesh, item.connection)
        if pod is not None:
            found.setdefault((pod.namespace, pod.name), []).append(item)
    return {name: tuple(items) for name, items in found.items()}


def _servers(mesh: Snapshot) -> Iterator[_Server]:
    for workload, pods in captured_workloads(mesh):
        names = [(pod.namespace, pod.name) for pod in pods]
        yield _Server(
            workload,
            pods[0],
            tuple(item for name in names for item in refusals(mesh).get(name, ())),
        )


def _request(mesh: Snapshot, item: Failure) -> Request:
    """A connection as the server's ztunnel saw it: nothing of HTTP."""
    connection = item.connection
    principal = connection.source_identity.removeprefix("spiffe://")
    port = connection.inner_port or connection.target_port
    return Request(
        principal=principal or Seen.ABSENT,
        source_ip=connection.source_ip or Seen.UNKNOWN,
        port=str(port) if port else Seen.UNKNOWN,
        request_principal=Seen.ABSENT,
        method=Seen.ABSENT,
        path=Seen.ABSENT,
        host=Seen.ABSENT,
        http=False,
    )


def _is_left_out(mesh: Snapshot, item: Failure) -> bool:
    """Whether the caller has no identity because it is kept out of ambient mode."""
    pod = client_pod(mesh, item.connection)
    outside = (Enrolment.OPTED_OUT, Enrolment.WANTED)
    return pod is not None and enrolment(mesh, pod) in outside


def _denied_fact(refused: tuple[Failure, ...]) -> Fact:
    last = refused[-1]
    text = f"ztunnel closed {len(refused)} connections to it of late: {last.error}"
    return holds(REQUEST_DENIED, text, last.evidence)


def _finding(
    mesh: Snapshot,
    code: str,
    server: _Server,
    policies: tuple[Resource, ...],
    message: str,
    fact: Fact,
    refused: tuple[Failure, ...],
    fills: dict[str, str],
) -> Finding:
    policy = policies[0]
    edit, undo = save_and_edit(policy)
    away, back = save_and_delete(policy)
    who = ", ".join(dict.fromkeys(client_text(mesh, item.connection) for item in refused))
    log = (
        _denied_fact(refused)
        if refused
        else unread(REQUEST_DENIED, "The ztunnel log of its node could not be read")
    )
    return Finding(
        code=code,
        subject=workload_subject(server.workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(policy),
        objects=tuple(map(str, policies)),
        facts=(fact, log),
        affected=affected_by(mesh, refused) or (Affected("", str(server.workload)),),
        fills={
            "who": who or "everyone",
            "server": str(server.workload),
            "edit": edit,
            "undo_edit": undo,
            "remove": away,
            "restore": back,
            "check_log": "kubectl logs -n istio-system ds/ztunnel --since=1m | grep error=",
            **fills,
        },
    )


def _by_deny(mesh: Snapshot, server: _Server) -> Iterator[Finding]:
    """DENY policies that ztunnel's log names, or that match everything where it was not read."""
    named: dict[Resource, list[Failure]] = {}
    for item in server.refused:
        found = _DENIED.search(item.error)
        policy = mesh.catalog.find(AUTHORIZATION_POLICY, found[1], found[2]) if found else None
        if policy is not None and not http_fields(policy) and governs(mesh, policy, server.pod):
            named.setdefault(policy, []).append(item)
    if not server.refused and ztunnel_log_unread(mesh):
        for policy in policies_at(mesh, server.pod, "DENY"):
            if any(map(matches_everything, rules_of(policy))):
                named.setdefault(policy, [])
    for policy, refused in named.items():
        rule = _matching_rule(mesh, policy, refused)
        if rule is None:
            continue
        message = f"{policy} (action DENY) closes connections to {server.workload}, by rule {rule}"
        fact = holds("deny-rule-matches", message, policy.evidence("spec", "rules", rule))
        fills = {"rule": str(rule)}
        items = tuple(refused)
        yield _finding(mesh, DENY_MATCHES, server, (policy,), message, fact, items, fills)


def _matching_rule(mesh: Snapshot, policy: Resource, refused: list[Failure]) -> int | None:
    """The rule that matches the newest of these calls now; None when the policy was mended."""
    if not refused:
        return 0
    for answer in judge_rules(mesh, policy, _request(mesh, refused[-1])):
        if answer.match is not Match.NO:
            return answer.index
    return None


def _by_allow(mesh: Snapshot, server: _Server) -> Finding | None:
    """ALLOW policies none of whose rules matches."""
    policies = policies_at(mesh, server.pod, "ALLOW")
    refused = tuple(
        item
        for item in server.refused
        if _NONE_ALLOWED in item.error and not _is_left_out(mesh, item)
    )
    if not policies or any(http_fields(policy) for policy in policies):
        return None
    if not any(rules_of(policy) for policy in policies):
        if not refused and not ztunnel_log_unread(mesh):
            return None
        return _empty(mesh, server, policies, refused)
    return _unmatched(mesh, server, refused) if refused else None


def _empty(
    mesh: Snapshot,
    server: _Server,
    policies: tuple[Resource, ...],
    refused: tuple[Failure, ...],
) -> Finding:
    narrowest = tuple(reversed(policies))
    message = f"{narrowest[0]} has action ALLOW and no rules: nobody may call {server.workload}"
    shown = [policy.evidence("spec") for policy in narrowest[:_MOST_SHOWN]]
    fact = holds("policy-has-no-rules", message, *shown)
    return _finding(mesh, DENIES_ALL, server, narrowest, message, fact, refused, {})


def _unmatched(mesh: Snapshot, server: _Server, refused: tuple[Failure, ...]) -> Finding | None:
    decision = decide(mesh, server.pod, _request(mesh, refused[-1]))
    if decision.access is Access.ALLOWED or not decision.missed:
        return None
    miss = min(
        decision.missed,
        key=lambda m: (sum(f.match is Match.NO for f in m.rule.fields), str(m.policy)),
    )
    policy, fields = miss.policy, miss.rule.failed
    why = "; ".join(field_text(policy, field) for field in fields[:_MOST_SHOWN])
    why = why or "it has no rule that could"
    client = client_pod(mesh, refused[-1].connection)
    if client is not None and not refused[-1].connection.source_identity:
        why += f" (it would be {identity(mesh, client)} in ambient mode)"
    widen, narrow = widening(policy, fields)
    rule = fields[0].path[2] if fields else 0
    message = f"No rule of {policy} lets the connections to {server.workload} in: {why}"
    shown = [policy.evidence(*field.path) for field in fields[:_MOST_SHOWN]]
    fact = holds("no-rule-matches", message, *(shown or [policy.evidence("spec")]))
    fills = {"rule": str(rule), "why": why, "widen": widen, "narrow": narrow}
    return _finding(mesh, NO_MATCH, server, (policy,), message, fact, refused, fills)


def _passing(mesh: Snapshot, server: _Server, code: str) -> Finding | None:
    """Nobody was refused of late although policies are in force."""
    held = [p for p in policies_at(mesh, server.pod) if is_enforced(p) and action_of(p) != "CUSTOM"]
    if server.refused or not held or ztunnel_log_unread(mesh):
        return None
    message = f"No ztunnel refused a connection to {server.workload} of late"
    return Finding(
        code=code,
        subject=workload_subject(server.workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(server.workload),
        facts=(holds("connections-are-let-in", message, held[0].evidence("metadata", "name")),),
    )


@dataclass(frozen=True, slots=True)
class AmbientRefusals:
    """Policies on connections let in whom they should."""

    name: str = "ambient-refusals"
    description: str = "No policy on connections refuses calls between ambient workloads."
    inputs: tuple[str, ...] = (AUTHORIZATION_POLICY.input, POD.input, ZTUNNEL_LOG_INPUT)
    codes: tuple[str, ...] = (DENY_MATCHES, DENIES_ALL, NO_MATCH)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Judge every captured workload at which a connection was refused."""
        if not mesh.catalog.known(AUTHORIZATION_POLICY, POD):
            return
        for server in _servers(mesh):
            denied = list(_by_deny(mesh, server))
            yield from denied
            allowed = None if denied else _by_allow(mesh, server)
            if allowed is not None:
                yield allowed
            for code in self.codes:
                found = _passing(mesh, server, code)
                if found is not None and not denied and allowed is None:
                    yield found


ANALYZER = AmbientRefusals()
