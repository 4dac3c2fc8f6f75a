"""Whether gateways have ready pods.

Who calls from outside leaves no line in any log when nobody is there to take the call, so this is
looked at whether or not anything is seen to suffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.pod_evidence import ready_evidence
from meshdoctor.analyze.pod_states import why_not_ready
from meshdoctor.intent.backends import BACKEND_KINDS
from meshdoctor.intent.gateways import (
    GATEWAY_NAME,
    configures,
    gateway_workloads,
)
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import EVENT, GATEWAY, KUBERNETES_GATEWAY
from meshdoctor.model.pod import is_ready, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

NO_READY_POD = "MD0600"
_MOST_SHOWN = 3


def _wishes(mesh: Snapshot, workload: Workload) -> list[Resource]:
    """The Gateways, of either API, that a gateway's pods are for."""
    managed = mesh.catalog.find(
        KUBERNETES_GATEWAY, workload.namespace, workload.template_labels.get(GATEWAY_NAME, "")
    )
    own = [item for item in mesh.catalog.of(GATEWAY) if configures(mesh, item, workload)]
    return [managed, *own] if managed is not None else own


def _why(mesh: Snapshot, workload: Workload) -> tuple[str, tuple[Evidence, ...]]:
    """Why a gateway without ready pods has none, and what shows it."""
    pods = [pod for pod in workload.running_pods if not is_terminating(pod)]
    if pods:
        reasons = [why_not_ready(mesh, pod) for pod in pods[:_MOST_SHOWN]]
        shown = tuple(item for reason in reasons for item in reason.evidence[:1])
        return "; ".join(reason.text for reason in reasons), shown
    if workload.resource is None:
        return f"{workload} has no pod", ()
    has_replicas = workload.resource.get("spec", "replicas") is not None
    path = ("spec", "replicas") if has_replicas else ("status", "numberReady")
    evidence = (workload.resource.evidence(*path),)
    if workload.wanted == 0:
        return f"{workload} is scaled to 0 replicas", evidence
    return f"{workload} wants pods and has none", evidence


def _not_ready(mesh: Snapshot, workload: Workload, wishes: list[Resource]) -> Finding:
    why, shown = _why(mesh, workload)
    names = ", ".join(map(str, wishes[:_MOST_SHOWN]))
    message = f"No pod of gateway {workload} is ready: {why}"
    if names:
        message += f"; nothing takes calls for {names}"
    return Finding(
        code=NO_READY_POD,
        subject=workload_subject(workload),
        outcome=Outcome.WARN,
        message=message,
        resource=str(workload),
        objects=(str(workload), *map(str, wishes[:_MOST_SHOWN])),
        facts=(holds("gateway-has-no-ready-pod", message, *shown),),
        affected=(Affected(str(workload), ""),),
        root=False,
    )


def _ready(workload: Workload, ready: list[Resource]) -> Finding:
    message = f"{len(ready)} of {len(workload.running_pods)} pods of gateway {workload} are ready"
    first = ready_evidence(ready[0])
    return Finding(
        code=NO_READY_POD,
        subject=workload_subject(workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(workload),
        facts=(holds("gateway-is-ready", message, first),),
    )


def _is_idle(mesh: Snapshot, workload: Workload, wishes: list[Resource]) -> bool:
    """Whether a gateway is switched off and nobody wants it: scaled to nothing, no Gateway."""
    return workload.wanted == 0 and not wishes and mesh.catalog.known(GATEWAY)


@dataclass(frozen=True, slots=True)
class GatewayPods:
    """Gateways that are wanted are ready."""

    name: str = "gateway-pods"
    description: str = "Every gateway has a ready pod."
    inputs: tuple[str, ...] = (
        *(kind.input for kind in BACKEND_KINDS),
        GATEWAY.input,
        EVENT.input,
    )
    codes: tuple[str, ...] = (NO_READY_POD,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each gateway."""
        if not mesh.catalog.known(*BACKEND_KINDS):
            return
        for workload in gateway_workloads(mesh):
            ready = [pod for pod in workload.running_pods if is_ready(pod)]
            wishes = _wishes(mesh, workload)
            if ready:
                yield _ready(workload, ready)
            elif not _is_idle(mesh, workload, wishes):
                yield _not_ready(mesh, workload, wishes)


ANALYZER = GatewayPods()
