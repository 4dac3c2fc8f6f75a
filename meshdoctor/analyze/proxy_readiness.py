"""Does every proxy become ready? It does once it has its first configuration and certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_LOG, holds, silent, unread, workload_subject
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_status, is_finished, is_terminating
from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NEVER_READY = "MD0333"
_STARTING = timedelta(seconds=60)
"""What a proxy is given to start and to get its first configuration."""
_SAYS_SO = "Envoy proxy is NOT ready"


def _waits(mesh: Snapshot, pod: Resource) -> Evidence | None:
    """Where a pod shows that its proxy runs and is not ready, long after it was started."""
    found = container_status(pod, PROXY_CONTAINER)
    if found is None or is_finished(pod) or is_terminating(pod) or found[1].get("ready") is True:
        return None
    running = as_mapping(as_mapping(found[1].get("state")).get("running"))
    since = parse_time(running.get("startedAt"))
    if since is None or mesh.now - since < _STARTING:
        return None
    return pod.evidence(*found[0], "ready")


def _why(mesh: Snapshot, pod: Resource) -> Fact:
    """What the proxy's own agent gives as the reason."""
    fact = "agent-says-why"
    proxy = mesh.proxy_of(pod)
    if proxy is None or proxy.log is None:
        return unread(fact, "its log could not be read")
    for line in reversed(proxy.log.agent):
        if _SAYS_SO in line.message:
            command = f"kubectl logs {pod.name} -n {pod.namespace} -c {PROXY_CONTAINER}"
            shown = Evidence(proxy.path("istio-proxy.log"), line.text, command, line=line.line)
            return holds(fact, line.message.partition(": ")[2] or line.message, shown)
    return silent(fact, "its log does not say why")


@dataclass(frozen=True, slots=True)
class ProxyReadinessAnalyzer:
    """Looks at proxies that run and are not ready."""

    name: str = "proxy-readiness"
    description: str = "Every proxy becomes ready within a minute of its start"
    inputs: tuple[str, ...] = (POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (NEVER_READY,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each workload whose proxy is not ready."""
        told: set[str] = set()
        for pod in mesh.proxy_pods:
            workload = str(mesh.workloads.owning(pod))
            shown = _waits(mesh, pod)
            if shown is None or workload in told:
                continue
            told.add(workload)
            why = _why(mesh, pod)
            message = f"The proxy of {pod.name} runs and is not ready: {why.text}"
            yield Finding(
                code=NEVER_READY,
                subject=workload_subject(workload),
                outcome=Outcome.WARN,
                message=message,
                resource=workload,
                objects=(workload,),
                facts=(holds("proxy-is-not-ready", message, shown), why),
                affected=(Affected(workload, ""),),
                root=False,
            )


ANALYZER = ProxyReadinessAnalyzer()
