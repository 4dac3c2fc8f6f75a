"""Workloads whose pods are refused, crash or wait, as controllers and the kubelet show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.finding import Outcome
from tests.build import deployment, namespace, pod

if TYPE_CHECKING:
    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

LATELY = "2026-11-21T07:59:30Z"
FORBIDDEN = (
    'pods "till-v2-abc-x" is forbidden: violates PodSecurity "restricted:latest": '
    'unrestricted capabilities (container "istio-init" must not include "NET_ADMIN", "NET_RAW" in '
    'securityContext.capabilities.add), runAsUser=0 (container "istio-init" must not set '
    "runAsUser=0)"
)
OWN_FAULT = (
    'pods "till-v2-abc-x" is forbidden: violates PodSecurity "baseline:latest": '
    'privileged (container "app" must not set securityContext.privileged=true)'
)
MUST_SPECIFY = (
    'pods "till-v2-abc-x" is forbidden: failed quota: tight: must specify limits.cpu for: app'
)
USED_UP = (
    'pods "till-v2-abc-x" is forbidden: exceeded quota: tight, requested: limits.cpu=2500m, '
    "used: limits.cpu=8, limited: limits.cpu=9"
)
TOO_BIG = 'pods "till-v2-abc-x" is forbidden: maximum cpu usage per Container is 1, but limit is 2'
_CALL = (
    'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed '
    'to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": '
)
NOT_TRUSTED = (
    _CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority"
)
NO_ANSWER = _CALL + "context deadline exceeded"
REFUSED = _CALL + "dial tcp 10.96.0.1:443: connect: connection refused"


def event(kind: str, name: str, message: str, *, at: str = LATELY, **more: Any) -> dict[str, Any]:
    """An Event of namespace market, ``FailedCreate`` unless told otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{len(message)}", "namespace": "market"},
        "involvedObject": {"kind": kind, "namespace": "market", "name": name},
        "reason": "FailedCreate",
        "message": message,
        "lastTimestamp": at,
        **more,
    }


def _failure(message: str) -> dict[str, Any]:
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": message,
        "lastTransitionTime": "2026-11-21T07:59:00Z",
    }


def refused(message: str | None, *, has: int = 0, name: str = "till-v2") -> list[dict[str, Any]]:
    """A Deployment and its newest ReplicaSet, which wants one pod more than it has.

    Args:
        message: what its condition says; None for no such condition.
        has: pods of the ReplicaSet.
        name: of the Deployment.
    """
    install = deployment(name, "market")
    owner = {"kind": "Deployment", "name": name, "controller": True}
    conditions = [_failure(message)] if message else []
    install["status"] = {"replicas": has, "conditions": conditions}
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": f"{name}-abc", "namespace": "market", "ownerReferences": [owner]},
        "spec": {"replicas": 1},
        "status": {"replicas": has, "conditions": conditions},
    }
    return [install, replica_set]


def market(**labels: str) -> dict[str, Any]:
    """Namespace market, injected."""
    return namespace("market", istio_injection="enabled", **labels)


def quota(hard: str = "9", used: str = "9", resource: str = "limits.cpu") -> dict[str, Any]:
    """ResourceQuota market/tight."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tight", "namespace": "market"},
        "spec": {"hard": {resource: hard}},
        "status": {"hard": {resource: hard}, "used": {resource: used}},
    }


def ended(code: int, reason: str = "Error", *, at: str = "2026-11-21T07:59:00Z") -> dict[str, Any]:
    """The state of a container that has ended."""
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": at}}


def crashing(*, proxy: str | None = "native", **status: Any) -> list[dict[str, Any]]:
    """Deployment market/till-v2 and its pod, whose application has ended twice."""
    made = pod("till-v2-abc-x", "market", owner="till-v2", proxy=proxy, ready=False)
    for item in made["status"]["initContainerStatuses"]:
        item["ready"] = True
    made["status"]["containerStatuses"][0] |= {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": ended(3),
        "restartCount": 2,
        **status,
    }
    return [deployment("till-v2", "market"), made]


def problems(analyzer: Analyzer, mesh: Snapshot) -> list[Finding]:
    """Its failures and warnings."""
    return [f for f in analyzer.analyze(mesh) if f.outcome in (Outcome.FAIL, Outcome.WARN)]


def named(analyzer: Analyzer, mesh: Snapshot) -> list[tuple[str, str, str, bool]]:
    """Code, subject, object at fault and whether it names a root cause, of each problem."""
    return sorted((f.code, f.subject, f.objects[0], f.root) for f in problems(analyzer, mesh))


def passed(analyzer: Analyzer, mesh: Snapshot) -> set[tuple[str, str]]:
    """Code and subject of what it rules out."""
    return {(f.code, f.subject) for f in analyzer.analyze(mesh) if f.outcome is Outcome.PASS}


def states(found: Finding) -> dict[str, str]:
    """The state of each fact of a finding."""
    return {fact.id: fact.state.value for fact in found.facts}
