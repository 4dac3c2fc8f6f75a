"""Does something in a pod itself keep the sidecar out: an opt-out, or the host's network?"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject, workload_subject
from meshdoctor.analyze.injection_cases import affected_by, injection_cases
from meshdoctor.analyze.injection_facts import listed, namespace_asks, pods_lack_proxy
from meshdoctor.analyze.injection_unread import unread_finding
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.analyze.pod_evidence import container_names
from meshdoctor.intent.injection_policy import injection_policies
from meshdoctor.intent.injection_verdict import Verdict
from meshdoctor.intent.revision_labels import INJECT, opting_out
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import CONFIG_MAP, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.pod import host_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_OPTED_OUT = "MD0304"
_HOST_NETWORK = "MD0306"
_SKIPPED = "MD0307"
_TEMPLATE = ("spec", "template")
_MOST_SHOWN = 6


def _template_or_pod(item: Lacking, *path: str) -> tuple[Evidence, ...]:
    """A value in the workload's pod template, where it comes from; else in the pod."""
    resource = item.workload.resource
    if resource is not None and resource.get(*_TEMPLATE, *path) is not None:
        return (resource.evidence(*_TEMPLATE, *path), item.pod.evidence(*path))
    return (item.pod.evidence(*path),)


def _patch(workload: Workload, paths: list[tuple[str, ...]], value: object) -> tuple[str, str]:
    """The command that takes values out of a pod template, and the one that puts them back."""
    resource = workload.resource
    if resource is None or resource.get(*_TEMPLATE) is None:
        # A bare pod's labels and network cannot be changed so that it counts: it is made anew.
        edit = f"kubectl edit {workload.kind.lower()} {workload.name} -n {workload.namespace}"
        return edit, edit
    pointers = [
        "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in (*_TEMPLATE, *path))
        for path in paths
    ]
    forth = [{"op": "remove", "path": pointer} for pointer in pointers]
    back = [{"op": "add", "path": pointer, "value": value} for pointer in pointers]
    return json_patch(resource, forth), json_patch(resource, back)


def _opt_out_paths(workload: Workload) -> list[tuple[str, ...]]:
    resource = workload.resource
    places: list[tuple[str, ...]] = [
        ("metadata", "labels", INJECT),
        ("metadata", "annotations", INJECT),
    ]
    if resource is None:
        return places[:1]
    found = [path for path in places if resource.get(*_TEMPLATE, *path) == "false"]
    return found or places[:1]


def _opted_out(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Finding:
    place = opting_out(item.pod.labels, item.pod.annotations) or "labels"
    command, undo = _patch(item.workload, _opt_out_paths(item.workload), "false")
    word = place.removesuffix("s")
    message = f"The pods of {item.workload} opt out of injection by the {word} {INJECT}=false."
    return Finding(
        code=_OPTED_OUT,
        subject=workload_subject(item.workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(item.workload),
        objects=(str(item.workload),),
        facts=(
            holds("pod-opts-out", message, *_template_or_pod(item, "metadata", place, INJECT)),
            namespace_asks(case),
            pods_lack_proxy(mesh, (item,), case.name),
        ),
        affected=affected_by((item.workload,)),
        fills={"place": word, "command": command, "undo": undo},
    )


def _on_host_network(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Finding:
    command, undo = _patch(item.workload, [("spec", "hostNetwork")], True)
    # An explicit opt-out beside it says that somebody knows.
    known = opting_out(item.pod.labels, item.pod.annotations) is not None
    message = f"The pods of {item.workload} use the host's network, so istiod never injects them."
    return Finding(
        code=_HOST_NETWORK,
        subject=workload_subject(item.workload),
        outcome=Outcome.FAIL,
        severity=Severity.INFO if known else None,
        root=not known,
        message=message,
        resource=str(item.workload),
        objects=(str(item.workload),),
        facts=(
            holds("pod-uses-host-network", message, *_template_or_pod(item, "spec", "hostNetwork")),
            namespace_asks(case),
            pods_lack_proxy(mesh, (item,), case.name),
        ),
        affected=affected_by((item.workload,)),
        fills={"command": command, "undo": undo},
    )


def _skipped(mesh: Snapshot, item: Lacking) -> Finding:
    policies = injection_policies(mesh)
    resources = [
        policies[webhook.revision].resource
        for webhook in item.verdict.webhooks
        if webhook.revision in policies
    ]
    message = f"The pods of {item.workload} are asked for and left alone: {item.verdict.reason}."
    evidence = [resource.evidence("metadata", "name") for resource in dict.fromkeys(resources)]
    return Finding(
        code=_SKIPPED,
        subject=workload_subject(item.workload),
        outcome=Outcome.WARN,
        message=message,
        resource=str(resources[0]),
        objects=(str(resources[0]), str(item.workload)),
        facts=(holds("policy-skips-pod", message, *evidence, *container_names(item.pod)),),
        affected=affected_by((item.workload,)),
    )


def _marks(pod: Resource) -> tuple[Evidence, ...]:
    """Where a pod would opt out: its labels, and the annotation of old."""
    shown = [pod.evidence("metadata", "labels")]
    if INJECT in pod.annotations:
        shown.append(pod.evidence("metadata", "annotations", INJECT))
    return tuple(shown)


def _has_own_network(pod: Resource) -> bool:
    """Whether a pod is seen to have an address of its own: on the host's network it has none."""
    if host_network(pod):
        return False
    try:
        own = ip_address(str(pod.status.get("podIP")))
    except ValueError:
        return False
    return str(own) != str(pod.status.get("hostIP"))


def _network_evidence(pod: Resource) -> tuple[Evidence, ...]:
    """Where a pod shows that its network is its own."""
    paths: list[tuple[str, ...]] = [("status", "podIP")]
    if "hostIP" in pod.status:
        paths.append(("status", "hostIP"))
    if "hostNetwork" in pod.spec:
        paths.append(("spec", "hostNetwork"))
    return tuple(pod.evidence(*path) for path in paths)


def _no_opt_out(item: Lacking) -> Finding:
    message = f"Neither label nor annotation {INJECT} of {item.workload} opts out."
    return Finding(
        code=_OPTED_OUT,
        subject=workload_subject(item.workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=(holds("pod-does-not-opt-out", message, *_marks(item.pod)),),
    )


def _no_host_network(item: Lacking) -> Finding:
    message = f"The pods of {item.workload} have a network of their own."
    evidence = _network_evidence(item.pod)
    return Finding(
        code=_HOST_NETWORK,
        subject=workload_subject(item.workload),
        outcome=Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=(holds("pod-has-own-network", message, *evidence),),
    )


def _of_namespace(case: NamespaceCase) -> Iterator[Finding]:
    """What holds for all pods of a namespace that lack a sidecar."""
    pods = [item.pod for item in case.lacking]
    names = listed([str(item.workload) for item in case.lacking])
    if not pods:
        return
    subject, resource = namespace_subject(case.name), str(case.namespace)
    if all(opting_out(pod.labels, pod.annotations) is None for pod in pods):
        message = f"None of the workloads without a sidecar opts out: {names}."
        shown = [evidence for pod in pods for evidence in _marks(pod)][:_MOST_SHOWN]
        fact = holds("pod-does-not-opt-out", message, *shown)
        yield Finding(_OPTED_OUT, subject, Outcome.PASS, message, resource, facts=(fact,))
    if all(map(_has_own_network, pods)):
        message = f"None of the workloads without a sidecar uses the host's network: {names}."
        shown = [evidence for pod in pods for evidence in _network_evidence(pod)][:_MOST_SHOWN]
        fact = holds("pod-has-own-network", message, *shown)
        yield Finding(_HOST_NETWORK, subject, Outcome.PASS, message, resource, facts=(fact,))


@dataclass(frozen=True, slots=True)
class InjectionPodsAnalyzer:
    """Looks at pods without a sidecar in namespaces that ask for one."""

    name: str = "injection-pods"
    description: str = "Pods of namespaces in the mesh let themselves be injected"
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        MUTATING_WEBHOOK.input,
        CONFIG_MAP.input,
    )
    codes: tuple[str, ...] = (_OPTED_OUT, _HOST_NETWORK, _SKIPPED)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """For each workload without a sidecar: does it opt out, is it on the host's network?"""
        if not mesh.catalog.known(NAMESPACE, POD):
            for code in (_OPTED_OUT, _HOST_NETWORK):
                yield unread_finding(mesh, code, NAMESPACE, POD)
            return
        for case in injection_cases(mesh):
            yield from _of_namespace(case)
            for item in case.lacking:
                yield from self._of(mesh, case, item)

    def _of(self, mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Iterator[Finding]:
        if item.verdict.verdict is Verdict.OPTED_OUT:
            yield _opted_out(mesh, case, item)
        elif opting_out(item.pod.labels, item.pod.annotations) is None:
            yield _no_opt_out(item)
        if item.verdict.verdict is Verdict.HOST_NETWORK:
            yield _on_host_network(mesh, case, item)
        elif _has_own_network(item.pod):
            yield _no_host_network(item)
        if item.verdict.verdict is Verdict.SKIPPED:
            yield _skipped(mesh, item)


ANALYZER = InjectionPodsAnalyzer()
