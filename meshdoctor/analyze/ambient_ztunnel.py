"""Whether every node with pods in ambient mode has a ready ztunnel.

Those pods have no other way to the network: without their ztunnel they lose DNS as well, which it
answers, and new ones do not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    NODE_SELECTOR,
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    undecided,
    why_proxy_fails,
    without_node_label,
)
from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.pod_evidence import ready_evidence
from meshdoctor.intent.ambient import (
    Enrolment,
    enrolments,
    node_of,
    ztunnel_daemonset,
    ztunnel_pods,
)
from meshdoctor.intent.inbound_capture import REDIRECTION
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import DAEMON_SET, NAMESPACE, NODE, POD
from meshdoctor.model.pod import is_ready
from meshdoctor.model.resource import as_strings, object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOT_READY = "MD0501"
_USERS = (Enrolment.CAPTURED, Enrolment.PENDING, Enrolment.WANTED)
_MOST_SHOWN = 3
_MOST_AFFECTED = 20


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why nodes are without a ztunnel, what shows it, and what mends it."""

    text: str
    evidence: tuple[Evidence, ...]
    do: str
    command: str
    changes: str
    undo: str


def _users(mesh: Snapshot) -> dict[str, list[Resource]]:
    """Pods that need a ztunnel, by node."""
    found: dict[str, list[Resource]] = {}
    for kind in _USERS:
        for pod in enrolments(mesh).get(kind, ()):
            if node_of(pod):
                found.setdefault(node_of(pod), []).append(pod)
    return dict(sorted(found.items()))


def _name(mesh: Snapshot) -> str:
    """The DaemonSet at fault; where it is gone, what the chart calls it."""
    daemonset = ztunnel_daemonset(mesh)
    if daemonset is not None:
        return str(daemonset)
    for pods in ztunnel_pods(mesh).values():
        return str(mesh.workloads.owning(pods[0]))
    return object_text(DAEMON_SET.name, mesh.root_namespace, "ztunnel")


def _selects_no_node(mesh: Snapshot, daemonset: Resource, nodes: list[str]) -> str:
    """A label of the template's nodeSelector that one of these nodes lacks; empty for none."""
    wanted = as_strings(daemonset.get(*NODE_SELECTOR))
    known = [node for node in mesh.catalog.of(NODE) if node.name in nodes]
    for key, value in wanted.items():
        if any(node.labels.get(key) != value for node in known):
            return key
    if not known and daemonset.status.get("desiredNumberScheduled") == 0:
        own = [key for key in wanted if key != "kubernetes.io/os"]
        return own[0] if own else ""
    return ""


def _without_pod(mesh: Snapshot, daemonset: Resource | None, nodes: list[str]) -> _Fault:
    where = ", ".join(nodes[:_MOST_SHOWN])
    if daemonset is None:
        return _Fault(
            text="there is no DaemonSet that runs ztunnels",
            evidence=(),
            do="Install ztunnel again, as the mesh was installed (istioctl or helm).",
            command=f"helm upgrade --install ztunnel istio/ztunnel -n {mesh.root_namespace} --wait",
            changes="Adds the ztunnel DaemonSet: one pod on every node.",
            undo=f"helm uninstall ztunnel -n {mesh.root_namespace}",
        )
    label = _selects_no_node(mesh, daemonset, nodes)
    if label:
        value = str(daemonset.get(*NODE_SELECTOR, label))
        command, undo = without_node_label(daemonset, label)
        return _Fault(
            text=f"its nodeSelector asks for {label}={value}, which node {where} does not have",
            evidence=(daemonset.evidence(*NODE_SELECTOR, label),),
            do=f"Take {label} out of the nodeSelector, so that every node gets a ztunnel.",
            command=command,
            changes=f"The pod template of {daemonset}; a ztunnel starts on every such node.",
            undo=undo,
        )
    shown = daemonset.evidence("status", "desiredNumberScheduled")
    return _Fault(
        text=f"the DaemonSet has no pod on node {where}",
        evidence=(shown,),
        do="See why the DaemonSet puts no pod there: taints, affinity, quota or admission.",
        command=f"kubectl describe daemonset {daemonset.name} -n {daemonset.namespace}",
        changes="Nothing, it only reads.",
        undo="Nothing to undo.",
    )


def _not_ready(mesh: Snapshot, pods: list[Resource]) -> _Fault:
    reasons = [why_proxy_fails(mesh, pod) for pod in pods[:_MOST_SHOWN]]
    first = pods[0]
    return _Fault(
        text="; ".join(text for text, _ in reasons),
        evidence=tuple(shown for _, shown in reasons),
        do="Read what keeps the pod from being ready, and mend that.",
        command=f"kubectl describe pod {first.name} -n {first.namespace}; "
        f"kubectl logs {first.name} -n {first.namespace} --tail=50",
        changes="Nothing, it only reads.",
        undo="Nothing to undo.",
    )


def _fault(mesh: Snapshot, nodes: list[str]) -> _Fault:
    """Why these nodes have no ready ztunnel: their own pods first, then the DaemonSet."""
    there = [pod for node in nodes for pod in ztunnel_pods(mesh).get(node, ())]
    waiting = list(ztunnel_pods(mesh).get("", ()))
    if there or waiting:
        return _not_ready(mesh, there or waiting)
    return _without_pod(mesh, ztunnel_daemonset(mesh), nodes)


def _failing(mesh: Snapshot, unserved: dict[str, list[Resource]]) -> Finding:
    nodes = list(unserved)
    fault = _fault(mesh, nodes)
    users = [pod for pods in unserved.values() for pod in pods]
    workloads = list(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in users))
    name = _name(mesh)
    where = f"node {nodes[0]}" if len(nodes) == 1 else f"{len(nodes)} nodes"
    message = f"No ztunnel is ready on {where}: {fault.text}"
    pods = tuple(
        pod.evidence("metadata", "annotations", REDIRECTION)
        for pod in users[:_MOST_SHOWN]
        if REDIRECTION in pod.annotations
    )
    users_text = f"{len(users)} pods there are in ambient mode: {', '.join(workloads[:4])}"
    return Finding(
        code=NOT_READY,
        subject=workload_subject(name),
        outcome=Outcome.FAIL,
        message=message,
        resource=name,
        objects=(name, *workloads[:_MOST_SHOWN]),
        facts=(
            holds("node-has-no-ready-ztunnel", message, *fault.evidence),
            holds("pods-depend-on-it", users_text, *pods),
        ),
        affected=tuple(Affected(item, "") for item in workloads[:_MOST_AFFECTED]),
        fills={
            "nodes": where,
            "reason": fault.text,
            "do": fault.do,
            "command": fault.command,
            "changes": fault.changes,
            "undo": fault.undo,
            "user_namespaces": " ".join(dict.fromkeys(pod.namespace for pod in users)),
        },
    )


def _serving(mesh: Snapshot, served: dict[str, list[Resource]]) -> Iterator[Finding]:
    """One PASS a workload: the ztunnel of its pods' node is ready."""
    seen: set[str] = set()
    for node, users in served.items():
        ztunnel = next(pod for pod in ztunnel_pods(mesh)[node] if is_ready(pod))
        message = f"Ztunnel {ztunnel.name} on node {node} is ready"
        for pod in users:
            workload = str(mesh.workloads.owning(pod))
            if workload in seen:
                continue
            seen.add(workload)
            yield Finding(
                code=NOT_READY,
                subject=workload_subject(workload),
                outcome=Outcome.PASS,
                message=message,
                resource=workload,
                facts=(holds("node-has-ready-ztunnel", message, ready_evidence(ztunnel)),),
            )


@dataclass(frozen=True, slots=True)
class AmbientZtunnel:
    """Nodes with pods in ambient mode have a ready ztunnel."""

    name: str = "ambient-ztunnel"
    description: str = "Every node with pods in ambient mode has a ready ztunnel."
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        DAEMON_SET.input,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (NOT_READY,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for all nodes that lack a ztunnel, one for each workload that has one."""
        missing = undecided(mesh, NOT_READY, "Whether ztunnels are ready", POD)
        if missing is not None:
            yield missing
        if not mesh.catalog.known(POD):
            return
        ready = {
            node for node, pods in ztunnel_pods(mesh).items() if any(is_ready(pod) for pod in pods)
        }
        users = _users(mesh)
        unserved = {node: pods for node, pods in users.items() if node not in ready}
        yield from _serving(mesh, {node: users[node] for node in users if node in ready})
        if not unserved:
            return
        no_pods = not any(node in ztunnel_pods(mesh) for node in (*unserved, ""))
        if no_pods and not mesh.catalog.known(DAEMON_SET):
            unknown = undecided(mesh, NOT_READY, "Why no ztunnel runs", DAEMON_SET)
            if unknown is not None:
                yield unknown
            return
        yield _failing(mesh, unserved)


ANALYZER = AmbientZtunnel()
