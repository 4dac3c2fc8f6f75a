"""Pods that stay out of ambient mode although their namespace is in it.

ztunnel neither encrypts what they send nor enforces a policy on what they get: they arrive at
STRICT servers in plain text and without an identity, and policies that select them do nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    client_pod,
    dump_evidence,
    failures,
    undecided,
)
from meshdoctor.analyze.base import holds, silent, unread, workload_subject
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.intent.ambient import (
    Enrolment,
    captured_workloads,
    enrolments,
)
from meshdoctor.intent.authorization import policies_at
from meshdoctor.intent.inbound_capture import REDIRECTION
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.intent.revision_labels import DATAPLANE_MODE
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    AUTHORIZATION_POLICY,
    NAMESPACE,
    PEER_AUTHENTICATION,
    POD,
)
from meshdoctor.model.pod import is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

OUTSIDE = "MD0505"
_TEMPLATE = ("spec", "template", "metadata", "labels")
_SETTLED = timedelta(minutes=1)
"""A pod that is younger may still be taken in."""
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Loss:
    """What goes wrong because a workload is out."""

    rules: tuple[Resource, ...]
    """Policies that select it and are not enforced."""
    denied: tuple[Failure, ...]
    """Its calls that ztunnels turned down of late for want of an identity."""

    def __bool__(self) -> bool:
        """Whether anything does."""
        return bool(self.rules or self.denied)


def _loss(mesh: Snapshot, pod: Resource, pods: tuple[Resource, ...]) -> _Loss:
    mode = peer_mode(mesh, pod.namespace, pod.labels)
    strict = (mode.policy,) if mode.policy and mode.mode is ServerMode.STRICT else ()
    names = {(item.namespace, item.name) for item in pods}
    denied = tuple(
        item
        for item in failures(mesh)
        if "policy rejection" in item.error
        and (client := client_pod(mesh, item.connection)) is not None
        and (client.namespace, client.name) in names
    )
    return _Loss((*policies_at(mesh, pod), *strict), denied)


def _loss_fact(loss: _Loss) -> Fact:
    texts: list[str] = []
    evidence: list[Evidence] = []
    if loss.rules:
        names = ", ".join(map(str, loss.rules[:_MOST_SHOWN]))
        texts.append(f"nothing enforces {names} on it")
        evidence += [item.evidence("metadata", "name") for item in loss.rules[:_MOST_SHOWN]]
    if loss.denied:
        last = loss.denied[-1]
        texts.append(f"{len(loss.denied)} calls of it were turned down of late ({last.error})")
        evidence.append(last.evidence)
    text = "; ".join(texts) or "No policy asks anything of it, and no server turns it away"
    build = holds if texts else silent
    return build("rules-pass-it-by", text, *evidence)


def _unserved_fact(mesh: Snapshot, pod: Resource) -> Fact:
    """Ztunnel's own word: no tunnel leads to the pod."""
    read = False
    for ztunnel in mesh.ztunnels:
        held = ztunnel.config.workload(pod.namespace, pod.name) if ztunnel.config else None
        read = read or ztunnel.config is not None
        if held is not None and held.protocol == "TCP":
            shown = dump_evidence(ztunnel, f"{held.pointer}/protocol", held.protocol, "workloads")
            return holds("no-ztunnel-serves-it", f"Ztunnel reaches {pod.name} in plain text", shown)
    if not read:
        return unread("no-ztunnel-serves-it", "No ztunnel's dump could be read")
    return silent("no-ztunnel-serves-it", f"No ztunnel that was read knows {pod.name}")


def _fills(workload: Workload, pod: Resource, *, opted_out: bool) -> dict[str, str]:
    if not opted_out:
        return {
            "how": "istio-cni has not taken its pods in",
            "do": "See that istio-cni runs on their node, then make the pods anew.",
            "command": restart_command([workload]),
            "changes": f"The pods of {workload} are replaced one by one.",
            "undo": "Nothing to undo.",
        }
    value = pod.labels.get(DATAPLANE_MODE, "")
    fills = {"how": f"its pods carry {DATAPLANE_MODE}={value or 'none'}"}
    resource = workload.resource
    if resource is None or resource.get(*_TEMPLATE, DATAPLANE_MODE) is None:
        target = f"kubectl label pod {pod.name} -n {pod.namespace}"
        return fills | {
            "do": "Take the label from the pod.",
            "command": f"{target} {DATAPLANE_MODE}-",
            "changes": f"The label of {pod.name}; istio-cni takes it in at once.",
            "undo": f"{target} {DATAPLANE_MODE}={value}",
        }
    place = "/" + "/".join((*_TEMPLATE, DATAPLANE_MODE.replace("/", "~1")))
    target = f"kubectl patch {workload.kind.lower()} {workload.name} -n {workload.namespace}"
    remove = json.dumps([{"op": "remove", "path": place}])
    add = json.dumps([{"op": "add", "path": place, "value": value}])
    return fills | {
        "do": "Take the label out of the pod template.",
        "command": f"{target} --type=json -p='{remove}'",
        "changes": f"The pod template of {workload}; its pods are replaced and join ambient mode.",
        "undo": f"{target} --type=json -p='{add}'",
    }


def _label_evidence(workload: Workload, pod: Resource) -> tuple[Evidence, ...]:
    found = [pod.evidence("metadata", "labels", DATAPLANE_MODE)]
    resource = workload.resource
    if resource is not None and resource.get(*_TEMPLATE, DATAPLANE_MODE) is not None:
        found.insert(0, resource.evidence(*_TEMPLATE, DATAPLANE_MODE))
    return tuple(found)


def _failing(
    mesh: Snapshot, workload: Workload, pods: tuple[Resource, ...], *, opted_out: bool
) -> Finding:
    pod = pods[0]
    loss = _loss(mesh, pod, pods)
    fills = _fills(workload, pod, opted_out=opted_out)
    message = f"{workload} is not in ambient mode, though its namespace is: {fills['how']}"
    space = mesh.catalog.find(NAMESPACE, "", pod.namespace)
    asks = (space.evidence("metadata", "labels", DATAPLANE_MODE),) if space else ()
    evidence = _label_evidence(workload, pod) if opted_out else ()
    effect = _loss_fact(loss)
    return Finding(
        code=OUTSIDE,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(workload),
        objects=tuple(dict.fromkeys((str(workload), *map(str, loss.rules)))),
        facts=(
            holds("pod-is-left-out", message, *evidence),
            holds(
                "namespace-is-in-ambient", f"Namespace {pod.namespace} is in ambient mode", *asks
            ),
            _unserved_fact(mesh, pod),
            effect,
        ),
        affected=affected_by(mesh, loss.denied) or (Affected(str(workload), ""),),
        severity=None if loss else Severity.WARNING,
        # A label is somebody's will; a pod that was merely missed is told where it matters.
        root=opted_out or bool(loss),
        fills={**fills, "effect": effect.text},
    )


def _inside(workload: Workload, pod: Resource) -> Finding:
    message = f"The pods of {workload} are in ambient mode"
    return Finding(
        code=OUTSIDE,
        subject=workload_subject(workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(workload),
        facts=(
            holds("pod-is-captured", message, pod.evidence("metadata", "annotations", REDIRECTION)),
        ),
    )


def _left_out(mesh: Snapshot) -> Iterator[tuple[Workload, tuple[Resource, ...], bool]]:
    """Workloads with pods that are out, and whether their own label says so."""
    found: dict[tuple[str, bool], tuple[Workload, list[Resource]]] = {}
    for kind in (Enrolment.OPTED_OUT, Enrolment.WANTED):
        for pod in enrolments(mesh).get(kind, ()):
            opted_out = kind is Enrolment.OPTED_OUT
            young = pod.created is None or mesh.now - pod.created < _SETTLED
            if not opted_out and (young or not is_ready(pod)):
                continue
            workload = mesh.workloads.owning(pod)
            found.setdefault((str(workload), opted_out), (workload, []))[1].append(pod)
    for (_, opted_out), (workload, pods) in found.items():
        yield workload, tuple(pods), opted_out


@dataclass(frozen=True, slots=True)
class AmbientOutside:
    """Pods of ambient namespaces are in ambient mode."""

    name: str = "ambient-outside"
    description: str = "Pods of namespaces in ambient mode are in it."
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        AUTHORIZATION_POLICY.input,
        PEER_AUTHENTICATION.input,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (OUTSIDE,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each workload that is in ambient mode, or should be."""
        missing = undecided(mesh, OUTSIDE, "Which pods stay out of ambient mode", NAMESPACE, POD)
        if missing is not None:
            yield missing
        if not mesh.catalog.known(NAMESPACE, POD):
            return
        out = set()
        for workload, pods, opted_out in _left_out(mesh):
            out.add(str(workload))
            yield _failing(mesh, workload, pods, opted_out=opted_out)
        for workload, pods in captured_workloads(mesh):
            if str(workload) not in out:
                yield _inside(workload, pods[0])


ANALYZER = AmbientOutside()
