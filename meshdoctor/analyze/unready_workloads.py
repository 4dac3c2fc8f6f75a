"""Do the applications of the mesh run: no crash loop, no probe that the sidecar resets?

Whoever is called with no ready pod is told about the destination; this looks at every workload
with a sidecar, whether anybody calls it or not, and whether older pods of it still serve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.container_exits import crash_facts, crash_fills, init_crash
from meshdoctor.analyze.pod_evidence import ready_evidence
from meshdoctor.analyze.pod_states import PodReason, PodState, why_not_ready
from meshdoctor.analyze.probe_resets import policy_of, reset_facts, reset_fills
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import EVENT, JOB, PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import (
    has_proxy,
    is_finished,
    is_gateway,
    is_istiod,
    is_ready,
    is_terminating,
    is_ztunnel,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.container_exits import Crash
    from meshdoctor.analyze.kubelet_probes import ProbeReset
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

CRASHES = "MD0330"
PROBE_RESET = "MD0331"
CAPTURE_FAILS = "MD0334"


def _is_application(pod: Resource) -> bool:
    """Whether a pod of the mesh runs something of its own."""
    infrastructure = is_gateway(pod) or is_istiod(pod) or is_ztunnel(pod)
    gone = is_finished(pod) or is_terminating(pod)
    return not (infrastructure or gone) and (has_proxy(pod) or is_in_ambient(pod))


def _served(workload: Workload) -> str:
    ready = len(workload.ready_pods)
    if not ready:
        return "No pod of it is ready"
    return f"{ready} other pods of it still serve" if ready > 1 else "One other pod still serves"


def _crash(mesh: Snapshot, workload: Workload, crash: Crash) -> Finding:
    return Finding(
        code=CRASHES,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=f"{workload} crashes: {crash.text}",
        resource=str(workload),
        objects=(str(workload),),
        facts=crash_facts(mesh, crash),
        affected=(Affected(str(workload), ""),),
        fills={
            **crash_fills(mesh, crash),
            "served": _served(workload),
            "target": f"{workload.kind.lower()}/{workload.name}",
            "space": workload.namespace,
        },
    )


def _reset(mesh: Snapshot, workload: Workload, pod: Resource, reset: ProbeReset) -> Finding:
    return Finding(
        code=PROBE_RESET,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=f"The sidecar of {workload} resets the kubelet's {reset.probe.word}, which goes to "
        f"port {reset.probe.port} in plaintext",
        resource=str(workload),
        objects=(str(workload), *policy_of(mesh, pod, reset)),
        facts=reset_facts(mesh, pod, reset),
        affected=(Affected(str(workload), ""),),
        fills=reset_fills(mesh, pod, reset),
    )


def _capture_fails(mesh: Snapshot, workload: Workload, crash: Crash) -> Finding:
    return Finding(
        code=CAPTURE_FAILS,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=f"{workload} does not start: {crash.text}",
        resource=str(workload),
        objects=(str(workload),),
        facts=crash_facts(mesh, crash),
        affected=(Affected(str(workload), ""),),
    )


def _passes(code: str, workload: Workload, pod: Resource, reason: PodReason) -> Finding:
    message = {
        CRASHES: f"No container of {workload}'s application crashes",
        PROBE_RESET: f"No probe of {workload} is reset by its sidecar",
    }[code]
    evidence = reason.evidence or (ready_evidence(pod),)
    fact = holds("another-state", f"{message}: {reason.text}", *evidence)
    return Finding(
        code=code,
        subject=workload_subject(workload),
        outcome=Outcome.PASS,
        message=fact.text,
        resource=str(workload),
        facts=(fact,),
    )


def _counts_as_crash(reason: PodReason) -> bool:
    """Whether a container was started again at least once: a first ending may be the last."""
    return reason.crash is not None and (reason.crash.restarts > 0 or reason.crash.is_init)


@dataclass(frozen=True, slots=True)
class UnreadyWorkloadsAnalyzer:
    """Looks at every pod of the mesh that is not ready."""

    name: str = "unready-workloads"
    description: str = "Applications of the mesh run, and their probes reach them"
    inputs: tuple[str, ...] = (POD.input, EVENT.input, PEER_AUTHENTICATION.input)
    codes: tuple[str, ...] = (CRASHES, PROBE_RESET, CAPTURE_FAILS)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Findings for each workload with a pod that is not ready."""
        for workload in mesh.workloads.all:
            pods = [pod for pod in workload.pods if _is_application(pod) and not is_ready(pod)]
            if pods and workload.kind != JOB.name:
                yield from self._of(mesh, workload, pods)

    def _of(self, mesh: Snapshot, workload: Workload, pods: list[Resource]) -> Iterator[Finding]:
        reasons = [(pod, why_not_ready(mesh, pod)) for pod in pods]
        crashes = [reason.crash for _, reason in reasons if _counts_as_crash(reason)]
        if crashes and crashes[0] is not None:
            yield _crash(mesh, workload, crashes[0])
        resets = [(pod, reason.reset) for pod, reason in reasons if reason.reset is not None]
        if resets and resets[0][1] is not None:
            yield _reset(mesh, workload, resets[0][0], resets[0][1])
        for pod in pods:
            failing = init_crash(pod, of_capture=True)
            if failing is not None:
                yield _capture_fails(mesh, workload, failing)
                return
        first, reason = reasons[0]
        if reason.state is not PodState.READY:
            if not crashes:
                yield _passes(CRASHES, workload, first, reason)
            if not resets:
                yield _passes(PROBE_RESET, workload, first, reason)


ANALYZER = UnreadyWorkloadsAnalyzer()
