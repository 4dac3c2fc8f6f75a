"""Waypoints that are asked for and take no calls: not accepted, no pods, or pods that do not start.

A service that is bound to a waypoint is reached through it or not at all: ztunnel closes the
connection (``unknown waypoint``). A pod that runs and refuses its configuration is another fault,
which the proxy's own rejection names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    NODE_SELECTOR,
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    affected_by,
    undecided,
    why_proxy_fails,
    without_node_label,
    ztunnel_log_unread,
)
from meshdoctor.analyze.ambient_waypoints import (
    needed,
    services_affected,
    wanted_waypoints,
    waypoint_failures,
    waypoint_subject,
)
from meshdoctor.analyze.base import ISTIOD_SYNC, holds, silent, unread
from meshdoctor.analyze.pod_evidence import ready_evidence
from meshdoctor.analyze.sync_rejections import rejections
from meshdoctor.intent.ambient import node_of, uses_ambient
from meshdoctor.intent.waypoints import (
    WAYPOINT_CLASS,
    Binding,
    WaypointName,
    class_of,
    makes_waypoints,
    waypoint_pods,
    waypoint_workload,
)
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, GATEWAY_CLASS, NAMESPACE, POD, SERVICE
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, is_ready
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOT_READY = "MD0504"
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a waypoint takes no calls; the object to change comes first."""

    text: str
    objects: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    do: str
    command: str
    changes: str = "Nothing, it only reads."
    undo: str = "Nothing to undo."


def _of_class(mesh: Snapshot, gateway: Resource) -> _Fault | None:
    """A Gateway whose class makes no waypoints, or does not exist."""
    name = class_of(gateway)
    if makes_waypoints(mesh, name) is not False:
        return None
    exists = mesh.catalog.find(GATEWAY_CLASS, "", name) is not None
    why = "makes no waypoints" if exists else "does not exist"
    target = f"kubectl patch gateways.gateway.networking.k8s.io {gateway.name}"
    target += f" -n {gateway.namespace} --type=merge"

    def change(value: str) -> str:
        return f'{target} -p=\'{{"spec":{{"gatewayClassName":"{value}"}}}}\''

    return _Fault(
        text=f"its GatewayClass {name} {why}",
        objects=(str(gateway),),
        evidence=(gateway.evidence("spec", "gatewayClassName"),),
        do=f"Give it the class of waypoints, {WAYPOINT_CLASS}.",
        command=change(WAYPOINT_CLASS),
        changes=f"The class of {gateway}; istiod makes a Deployment and a Service for it.",
        undo=change(name),
    )


def _of_status(gateway: Resource) -> _Fault | None:
    """What istiod says against it in the Gateway's status, whose words are the reason."""
    for index, value in enumerate(as_list(gateway.status.get("conditions"))):
        item = as_mapping(value)
        if item.get("type") not in ("Accepted", "Programmed") or item.get("status") != "False":
            continue
        said = str(item.get("message") or item.get("reason") or "no reason given")
        return _Fault(
            text=f"it is not {str(item['type']).lower()}: {said}",
            objects=(str(gateway),),
            evidence=(gateway.evidence("status", "conditions", index, "reason"),),
            do="Read the conditions of the Gateway, and mend what they name.",
            command=f"kubectl describe gateways.gateway.networking.k8s.io {gateway.name} "
            f"-n {gateway.namespace}",
        )
    return None


def _without_pods(mesh: Snapshot, waypoint: WaypointName, gateway: Resource) -> _Fault | None:
    workload = waypoint_workload(mesh, waypoint)
    if workload is None or workload.resource is None:
        if not mesh.catalog.known(DEPLOYMENT):
            return None
        return _Fault(
            text="istiod has made no Deployment for it",
            objects=(str(gateway),),
            evidence=(gateway.evidence("spec", "gatewayClassName"),),
            do="See whether istiod watches Gateways and what it says of this one.",
            command=f"kubectl logs -n {mesh.root_namespace} deploy/istiod --tail=200 | "
            f"grep {gateway.namespace}/{gateway.name}",
        )
    if workload.wanted == 0:
        scale = f"kubectl scale deployment {workload.name} -n {workload.namespace} --replicas="
        return _Fault(
            text=f"{workload} is scaled to 0 replicas",
            objects=(str(workload), str(gateway)),
            evidence=(workload.resource.evidence("spec", "replicas"),),
            do="Scale it up.",
            command=f"{scale}1",
            changes=f"The number of replicas of {workload}.",
            undo=f"{scale}0",
        )
    return _Fault(
        text=f"{workload} wants pods and has none",
        objects=(str(workload), str(gateway)),
        evidence=(workload.resource.evidence("status", "conditions"),),
        do="Read the events of its ReplicaSet, which say why no pod can be made.",
        command=f"kubectl get events -n {workload.namespace} --field-selector reason=FailedCreate",
    )


def _pods_fault(mesh: Snapshot, gateway: Resource, pods: tuple[Resource, ...]) -> _Fault:
    reasons = [why_proxy_fails(mesh, pod) for pod in pods[:_MOST_SHOWN]]
    owner = mesh.workloads.owning(pods[0])
    workload, resource = str(owner), owner.resource
    text = "; ".join(text for text, _ in reasons)
    evidence = tuple(shown for _, shown in reasons)
    wanted = as_strings(resource.get(*NODE_SELECTOR)) if resource else {}
    if resource is not None and wanted and not any(map(node_of, pods)):
        label, value = next(iter(wanted.items()))
        command, undo = without_node_label(resource, label)
        return _Fault(
            text=text,
            objects=(workload, str(gateway)),
            evidence=(resource.evidence(*NODE_SELECTOR, label), *evidence),
            do=f"Take {label}={value} out of its nodeSelector, or give a node that label.",
            command=command,
            changes=f"The pod template of {workload}; its pods may run on any node.",
            undo=undo,
        )
    return _Fault(
        text=text,
        objects=(workload, str(gateway)),
        evidence=evidence,
        do="Read what keeps its pod from starting, and mend that in its Deployment.",
        command=f"kubectl describe pod {pods[0].name} -n {pods[0].namespace}",
    )


def _refuses(mesh: Snapshot, pods: tuple[Resource, ...]) -> bool:
    """Whether one of these pods refuses its configuration: a fault with a name of its own."""
    ids = {f"{pod.name}.{pod.namespace}" for pod in pods}
    return any(item.proxy_id in ids for item in rejections(mesh))


def _may_refuse(mesh: Snapshot, pods: tuple[Resource, ...]) -> bool:
    """Whether a pod runs, and what it makes of its configuration was not read of every istiod."""
    if mesh.istiods and all(item.syncs is not None for item in mesh.istiods):
        return False
    return any(container_runs(pod, PROXY_CONTAINER) for pod in pods)


def _seen_fact(mesh: Snapshot, waypoint: WaypointName) -> Fact:
    seen = waypoint_failures(mesh, waypoint)
    if seen:
        last = seen[-1]
        text = f"ztunnel closed {len(seen)} connections of late: {last.error.partition(':')[0]}"
        return holds("callers-are-turned-away", text, last.evidence)
    if ztunnel_log_unread(mesh) or not mesh.ztunnels:
        return unread("callers-are-turned-away", "The callers' ztunnel log could not be read")
    return silent("callers-are-turned-away", "No ztunnel logs a call to what it serves of late")


def _failing(
    mesh: Snapshot, waypoint: WaypointName, asking: tuple[Binding, ...], fault: _Fault
) -> Finding:
    message = f"Waypoint {waypoint.namespace}/{waypoint.name} takes no calls: {fault.text}"
    labelled = [str(item.labelled) for item in asking]
    seen = waypoint_failures(mesh, waypoint)
    return Finding(
        code=NOT_READY,
        subject=waypoint_subject(waypoint),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(waypoint),
        objects=tuple(dict.fromkeys((*fault.objects, *labelled))),
        facts=(
            holds("waypoint-takes-no-calls", message, *fault.evidence),
            holds("services-are-bound-to-it", f"{labelled[0]} sends calls through it"),
            _seen_fact(mesh, waypoint),
        ),
        affected=affected_by(mesh, seen) or services_affected(asking, mesh.registry.domain),
        fills={
            "waypoint": f"{waypoint.namespace}/{waypoint.name}",
            "waypoint_namespace": waypoint.namespace,
            "waypoint_name": waypoint.name,
            "labelled": ", ".join(labelled[:_MOST_SHOWN]),
            "reason": fault.text,
            "do": fault.do,
            "command": fault.command,
            "changes": fault.changes,
            "undo": fault.undo,
        },
    )


def _ready(waypoint: WaypointName, pod: Resource) -> Finding:
    message = f"Waypoint {waypoint.namespace}/{waypoint.name} has a ready pod, {pod.name}"
    return Finding(
        code=NOT_READY,
        subject=waypoint_subject(waypoint),
        outcome=Outcome.PASS,
        message=message,
        resource=str(waypoint),
        facts=(holds("waypoint-is-ready", message, ready_evidence(pod)),),
    )


def _untold(waypoint: WaypointName) -> Finding:
    message = (
        f"A pod of waypoint {waypoint.namespace}/{waypoint.name} runs and is not ready; "
        "whether it refuses its configuration was not read"
    )
    return Finding(
        code=NOT_READY,
        subject=waypoint_subject(waypoint),
        outcome=Outcome.UNKNOWN,
        message=message,
        resource=str(waypoint),
        needs=(ISTIOD_SYNC,),
    )


@dataclass(frozen=True, slots=True)
class AmbientWaypointReady:
    """Waypoints that labels ask for take calls."""

    name: str = "ambient-waypoint-ready"
    description: str = "Every waypoint that a label names takes calls."
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        SERVICE.input,
        POD.input,
        ISTIOD_SYNC,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (NOT_READY,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each waypoint that is asked for and exists."""
        missing = undecided(mesh, NOT_READY, "Whether waypoints are ready", POD, *needed(mesh))
        if missing is not None:
            yield missing
        if not mesh.catalog.known(POD) or not uses_ambient(mesh):
            return
        for waypoint, asking in wanted_waypoints(mesh).items():
            gateway = waypoint.gateway(mesh)
            if gateway is not None:
                yield from self._of(mesh, waypoint, asking, gateway)

    def _of(
        self,
        mesh: Snapshot,
        waypoint: WaypointName,
        asking: tuple[Binding, ...],
        gateway: Resource,
    ) -> Iterator[Finding]:
        pods = waypoint_pods(mesh, waypoint)
        ready = next((pod for pod in pods if is_ready(pod)), None)
        fault = _of_class(mesh, gateway)
        if fault is None and ready is not None:
            yield _ready(waypoint, ready)
            return
        if fault is None and _refuses(mesh, pods):
            return
        if fault is None and _may_refuse(mesh, pods):
            yield _untold(waypoint)
            return
        if fault is None:
            fault = _pods_fault(mesh, gateway, pods) if pods else _of_status(gateway)
        fault = fault or _without_pods(mesh, waypoint, gateway)
        if fault is not None:
            yield _failing(mesh, waypoint, asking, fault)


ANALYZER = AmbientWaypointReady()
