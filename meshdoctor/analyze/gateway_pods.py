"""Whether gateways have ready pods, and Gateways have gateways.

Who calls from outside leaves no line in any log when nobody is there to take the call, so these
two are looked at whether or not anything is seen to suffer.
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
    gateway_pods,
    gateway_workloads,
)
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import EVENT, GATEWAY, KUBERNETES_GATEWAY
from meshdoctor.model.pod import is_ready, is_terminating
from meshdoctor.model.resource import as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

NO_READY_POD = "MD0600"
CONFIGURES_NOTHING = "MD0601"
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


def _configures_nothing(gateway: Resource, others: tuple[Workload, ...]) -> Finding:
    selector = as_strings(gateway.spec.get("selector"))
    said = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    carried = "; ".join(f"{item} carries {_labels(item, selector)}" for item in others[:3])
    message = f"{gateway} selects {said or 'every gateway'}, and no gateway's pods carry that"
    if carried:
        message += f" ({carried})"
    shown = [gateway.evidence("spec", "selector")]
    shown += [
        item.pods[0].evidence("metadata", "labels", key)
        for item in others[:2]
        for key in sorted(selector)
        if item.pods and key in item.pods[0].labels
    ]
    return Finding(
        code=CONFIGURES_NOTHING,
        subject=f"gateway {gateway.namespace}/{gateway.name}",
        outcome=Outcome.WARN,
        message=message,
        resource=str(gateway),
        objects=(str(gateway), *map(str, others[:_MOST_SHOWN])),
        facts=(holds("gateway-selects-no-proxy", message, *shown),),
        root=False,
    )


def _labels(workload: Workload, keys: dict[str, str]) -> str:
    labels = workload.template_labels
    found = [f"{key}={labels[key]}" for key in sorted(keys) if key in labels]
    return ", ".join(found) or f"none of {', '.join(sorted(keys))}"


@dataclass(frozen=True, slots=True)
class GatewayPods:
    """Gateways that are wanted are ready, and every Gateway has a proxy to configure."""

    name: str = "gateway-pods"
    description: str = "Every gateway has a ready pod, and every Gateway selects a gateway."
    inputs: tuple[str, ...] = (
        *(kind.input for kind in BACKEND_KINDS),
        GATEWAY.input,
        EVENT.input,
    )
    codes: tuple[str, ...] = (NO_READY_POD, CONFIGURES_NOTHING)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each gateway, and one for each Gateway without any."""
        if not mesh.catalog.known(*BACKEND_KINDS):
            return
        workloads = gateway_workloads(mesh)
        for workload in workloads:
            ready = [pod for pod in workload.running_pods if is_ready(pod)]
            wishes = _wishes(mesh, workload)
            if ready:
                yield _ready(workload, ready)
            elif not _is_idle(mesh, workload, wishes):
                yield _not_ready(mesh, workload, wishes)
        for gateway in mesh.catalog.of(GATEWAY):
            would = any(configures(mesh, gateway, workload) for workload in workloads)
            if not would and not gateway_pods(mesh, gateway):
                yield _configures_nothing(gateway, workloads)


ANALYZER = GatewayPods()
