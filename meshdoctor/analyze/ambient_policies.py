"""AuthorizationPolicies in ambient mode that only a waypoint could enforce, and none does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    dump_evidence,
    failures,
    server_pod,
    undecided,
    ztunnel_log_unread,
)
from meshdoctor.analyze.authorization_workloads import first_target
from meshdoctor.analyze.base import holds, silent, unread, workload_subject
from meshdoctor.intent.ambient import Enrolment, captured_workloads, enrolment
from meshdoctor.intent.ambient_policies import HttpField, http_fields
from meshdoctor.intent.authorization import action_of, is_enforced, policies_at, rules_of
from meshdoctor.intent.backends import pods_behind
from meshdoctor.intent.policy_attachment import governs, targets
from meshdoctor.intent.waypoints import binding_label, serving, waypoint_of
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import (
    AUTHORIZATION_POLICY,
    NAMESPACE,
    POD,
    SERVICE,
)
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

NO_WAYPOINT = "MD0506"
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Case:
    """A policy, whom it was meant for, and what becomes of it."""

    policy: Resource
    servers: tuple[Workload, ...]
    pods: tuple[Resource, ...]
    fields: tuple[HttpField, ...]
    target: Resource | None = None
    """The Service that it targets and that has no waypoint; None for a policy with a selector."""

    @property
    def words(self) -> str:
        """The HTTP attributes, each once."""
        return ", ".join(dict.fromkeys(item.word for item in self.fields))

    @property
    def effect(self) -> str:
        """What callers notice."""
        if self.target is not None:
            return "nothing enforces it: every call gets through"
        if action_of(self.policy) != "ALLOW":
            return "ztunnel cannot match those rules, so they do not do what they say"
        broken = {item.rule for item in self.fields}
        if len(broken) == len(rules_of(self.policy)):
            return "ztunnel leaves its rules out, so it admits nobody: every call is refused"
        return "ztunnel leaves those rules out: calls that only they admit are refused"


@lru_cache(maxsize=2)
def _cases(mesh: Snapshot) -> tuple[_Case, ...]:
    found = []
    captured = captured_workloads(mesh)
    by_space: dict[str, list[tuple[Workload, tuple[Resource, ...]]]] = defaultdict(list)
    for workload, running in captured:
        by_space[workload.namespace].append((workload, running))
    for policy in mesh.catalog.of(AUTHORIZATION_POLICY):
        if not is_enforced(policy):
            continue
        if targets(policy):
            found += list(_targeting(mesh, policy))
            continue
        fields = http_fields(policy)
        if not fields:
            continue
        near = captured if policy.namespace == mesh.root_namespace else by_space[policy.namespace]
        held = [(w, pods) for w, pods in near if governs(mesh, policy, pods[0])]
        if held:
            pods = tuple(pod for _, items in held for pod in items)
            found.append(_Case(policy, tuple(w for w, _ in held), pods, fields))
    return tuple(found)


def _goes_straight(mesh: Snapshot, service: Resource) -> bool:
    """Whether no waypoint is in the path to a service, and none that is missing is asked for."""
    waypoint = waypoint_of(mesh, service)
    if waypoint is None:
        return True
    return waypoint.gateway(mesh) is not None and serving(mesh, service) is None


def _targeting(mesh: Snapshot, policy: Resource) -> Iterator[_Case]:
    """The Services of ambient workloads that a policy targets and no label binds to a waypoint."""
    for kind, name in targets(policy):
        service = mesh.catalog.find(SERVICE, policy.namespace, name) if kind == "Service" else None
        if service is None or not _goes_straight(mesh, service):
            continue
        host = mesh.registry.service(f"{name}.{policy.namespace}.svc.{mesh.registry.domain}")
        behind = pods_behind(mesh, host) if host else ()
        pods = tuple(pod for pod in behind if enrolment(mesh, pod) is Enrolment.CAPTURED)
        if pods:
            owners = {str(w): w for w in (mesh.workloads.owning(pod) for pod in pods)}
            yield _Case(policy, tuple(owners.values()), pods, http_fields(policy), service)


def _said(policy: Resource) -> tuple[tuple[str | int, ...], str] | None:
    """What istiod says against a policy in its status."""
    for index, value in enumerate(as_list(policy.status.get("conditions"))):
        item = as_mapping(value)
        bad = item.get("reason") == "UnsupportedValue" or item.get("status") == "False"
        if item.get("type") in ("ZtunnelAccepted", "WaypointAccepted") and bad:
            path = ("status", "conditions", index, "reason")
            return path, str(item.get("message") or item.get("reason"))
    return None


def _denied(mesh: Snapshot, case: _Case) -> tuple[Failure, ...]:
    """Calls to those servers that a ztunnel turned down of late."""
    names = {(pod.namespace, pod.name) for pod in case.pods}
    return tuple(
        item
        for item in failures(mesh)
        if "policy rejection" in item.error
        and (pod := server_pod(mesh, item.connection)) is not None
        and (pod.namespace, pod.name) in names
    )


def _needs_fact(case: _Case) -> Fact:
    policy = case.policy
    if case.fields:
        text = f"{policy} names what only HTTP has: {case.words}"
        evidence = [policy.evidence(*item.path) for item in case.fields[:_MOST_SHOWN]]
        return holds("policy-needs-a-waypoint", text, *evidence)
    text = f"{policy} has targetRefs, which ztunnel does not heed"
    return holds("policy-needs-a-waypoint", text, policy.evidence("spec", "targetRefs"))


def _unserved_fact(mesh: Snapshot, case: _Case) -> Fact:
    policy = case.policy
    if case.target is not None:
        space = mesh.catalog.find(NAMESPACE, "", case.target.namespace)
        text = f"No label of {case.target} or of its namespace names a waypoint"
        asked = waypoint_of(mesh, case.target)
        gateway = asked.gateway(mesh) if asked else None
        if gateway is not None:
            text = f"{gateway}, which labels name, does not serve {case.target}"
            shown = [gateway.evidence("metadata", "labels"), gateway.evidence("spec", "listeners")]
            return holds("no-waypoint-enforces-it", text, *shown)
        shown = [case.target.evidence("metadata", "labels")]
        if binding_label(mesh, case.target) is None and space is not None:
            shown.append(space.evidence("metadata", "labels"))
        return holds("no-waypoint-enforces-it", text, *shown)
    place = ("spec", "selector") if policy.get("spec", "selector") else ("metadata", "namespace")
    text = "It has no targetRefs: ztunnel enforces it, at the connection"
    return holds("no-waypoint-enforces-it", text, policy.evidence(*place))


def _effect_fact(mesh: Snapshot, case: _Case) -> Fact:
    """Whether istiod, a ztunnel's dump or its log shows the effect."""
    policy, evidence, texts = case.policy, [], []
    said = _said(policy)
    if said is not None:
        texts.append(f"istiod says: {said[1]}")
        evidence.append(policy.evidence(*said[0]))
    for ztunnel in mesh.ztunnels if case.target is None else ():
        held = [
            item
            for item in (ztunnel.config.policies if ztunnel.config else ())
            if (item.namespace, item.name) == (policy.namespace, policy.name)
        ]
        if held and held[0].rules < len(rules_of(policy)):
            texts.append(f"ztunnel holds {held[0].rules} of its {len(rules_of(policy))} rules")
            pointer = f"{held[0].pointer}/name"
            evidence.append(dump_evidence(ztunnel, pointer, held[0].name, "policies"))
            break
    denied = _denied(mesh, case) if case.target is None else ()
    if denied:
        texts.append(f"{len(denied)} connections were refused of late: {denied[-1].error}")
        evidence.append(denied[-1].evidence)
    if texts:
        return holds("effect-is-seen", "; ".join(texts), *evidence)
    if ztunnel_log_unread(mesh) or not mesh.ztunnels:
        return unread("effect-is-seen", "No ztunnel's dump and log could be read")
    return silent("effect-is-seen", "No connection was refused of late")


def _fills(case: _Case) -> dict[str, str]:
    policy, server = case.policy, case.servers[0]
    space = server.namespace
    return {
        "effect": case.effect,
        "words": case.words or "targetRefs",
        "servers": ", ".join(map(str, case.servers[:_MOST_SHOWN])),
        "server_namespace": space,
        "how": "is bound to a Service that no waypoint serves"
        if case.target is not None
        else "selects pods, and no waypoint heeds selectors",
        "policy_name": policy.name,
    }


def _failing(mesh: Snapshot, case: _Case) -> Finding:
    policy = case.policy
    message = f"{policy} needs a waypoint and none enforces it; {case.effect}"
    denied = _denied(mesh, case) if case.target is None else ()
    hosts = dict.fromkeys(first_target(mesh, pod) for pod in case.pods)
    fallback = tuple(Affected("", host) for host in hosts if host)
    also = (str(case.target),) if case.target is not None else ()
    return Finding(
        code=NO_WAYPOINT,
        subject=workload_subject(case.servers[0]),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(policy),
        objects=(str(policy), *also, *map(str, case.servers[:_MOST_SHOWN])),
        facts=(_needs_fact(case), _unserved_fact(mesh, case), _effect_fact(mesh, case)),
        affected=affected_by(mesh, denied) or fallback,
        fills=_fills(case),
    )


def _plain(mesh: Snapshot, workload: Workload, pod: Resource) -> Finding | None:
    """The policies of a workload ask nothing that ztunnel could not judge."""
    held = policies_at(mesh, pod)
    if not held:
        return None
    message = f"ztunnel can judge every rule of {held[0]}"
    return Finding(
        code=NO_WAYPOINT,
        subject=workload_subject(workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(held[0]),
        facts=(holds("rules-are-of-connections", message, held[0].evidence("spec", "rules")),),
    )


@dataclass(frozen=True, slots=True)
class AmbientPolicies:
    """Policies that need a waypoint have one."""

    name: str = "ambient-policies"
    description: str = "Policies of ambient workloads are enforced by what can judge them."
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        SERVICE.input,
        AUTHORIZATION_POLICY.input,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (NO_WAYPOINT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each policy that nothing can enforce."""
        kinds = (NAMESPACE, POD, SERVICE, AUTHORIZATION_POLICY)
        missing = undecided(mesh, NO_WAYPOINT, "Who enforces which policy", *kinds)
        if missing is not None:
            yield missing
        if not mesh.catalog.known(POD, AUTHORIZATION_POLICY):
            return
        failing = set()
        for case in _cases(mesh):
            # A namespace's label may bind the target: without namespaces that cannot be told.
            if case.target is not None and not mesh.catalog.known(NAMESPACE):
                continue
            failing |= {str(server) for server in case.servers}
            yield _failing(mesh, case)
        for workload, pods in captured_workloads(mesh):
            if str(workload) not in failing:
                found = _plain(mesh, workload, pods[0])
                if found is not None:
                    yield found


ANALYZER = AmbientPolicies()
