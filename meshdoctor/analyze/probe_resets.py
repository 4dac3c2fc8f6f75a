"""What proves that a sidecar resets a probe, and the commands that mend it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.model.event import event_text
from meshdoctor.model.kinds import EVENT, PEER_AUTHENTICATION
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.workload import CONTROLLERS

if TYPE_CHECKING:
    from meshdoctor.analyze.kubelet_probes import ProbeReset
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
"""Annotation of the pod template that switches rewriting on or off (istio.io, annotations)."""
_ANNOTATIONS = ("spec", "template", "metadata", "annotations")
_ROLLED = frozenset(kind.name for kind in CONTROLLERS)


def _asked_not_to(workload: Workload, pod: Resource) -> tuple[Resource, tuple[str, ...]] | None:
    """Where the annotation stands that switches rewriting off."""
    template = workload.resource
    if template is not None and as_strings(template.get(*_ANNOTATIONS)).get(REWRITE) == "false":
        return template, (*_ANNOTATIONS, REWRITE)
    if pod.annotations.get(REWRITE) == "false":
        return pod, ("metadata", "annotations", REWRITE)
    return None


def _direct(mesh: Snapshot, pod: Resource, reset: ProbeReset) -> Fact:
    probe = as_mapping(pod.get(*reset.probe.path))
    how = "httpGet" if "httpGet" in probe else "grpc"
    shown = [pod.evidence(*reset.probe.path, how, "port")]
    off = _asked_not_to(mesh.workloads.owning(pod), pod)
    if off is not None:
        shown.insert(0, off[0].evidence(*off[1]))
    text = (
        f"The {reset.probe.word} of {pod.name} goes to the application's port {reset.probe.port}, "
        "not to the sidecar's agent at 15020"
    )
    return holds("probe-is-not-rewritten", text, *shown)


def _strict(mesh: Snapshot, pod: Resource, reset: ProbeReset) -> Fact:
    fact = "server-takes-only-mtls"
    if not mesh.catalog.known(PEER_AUTHENTICATION):
        return unread(fact, "PeerAuthentications were not read")
    mode = peer_mode(mesh, pod.namespace, pod.labels, reset.probe.port)
    text = f"Port {reset.probe.port} of {pod.name} is {mode.text}"
    return (holds if mode.mode is ServerMode.STRICT else silent)(fact, text, *mode.evidence)


def reset_facts(mesh: Snapshot, pod: Resource, reset: ProbeReset) -> tuple[Fact, ...]:
    """``probe-is-not-rewritten``, ``server-takes-only-mtls`` and ``probe-is-reset``."""
    fact = "probe-is-reset"
    if reset.event is not None:
        said = f"The kubelet says: {event_text(reset.event)}"
        heard = holds(fact, said, reset.event.evidence("message"))
    elif not mesh.catalog.known(EVENT):
        heard = unread(fact, "Events were not read")
    else:
        heard = silent(fact, "No event of the last minutes speaks of the probe")
    return _direct(mesh, pod, reset), _strict(mesh, pod, reset), heard


def policy_of(mesh: Snapshot, pod: Resource, reset: ProbeReset) -> tuple[str, ...]:
    """The PeerAuthentication that makes the port STRICT, as text; none where it is unread."""
    policy = peer_mode(mesh, pod.namespace, pod.labels, reset.probe.port).policy
    return (str(policy),) if policy is not None else ()


def _rewrite(workload: Workload, pod: Resource) -> tuple[str, str]:
    """The command that switches rewriting on, and the one that undoes it."""
    if workload.kind not in _ROLLED:
        again = (
            f"kubectl get pod {pod.name} -n {pod.namespace} -o yaml | kubectl replace --force -f -"
        )
        mark = f"kubectl annotate pod {pod.name} -n {pod.namespace} --overwrite {REWRITE}="
        return f"{mark}true && {again}", f"{mark}false && {again}"
    where = f"kubectl patch {workload.kind.lower()} {workload.name} -n {workload.namespace}"

    def patch(value: str | None) -> str:
        template = {"metadata": {"annotations": {REWRITE: value}}}
        return f"{where} --type merge -p '{json.dumps({'spec': {'template': template}})}'"

    template = workload.resource
    old = as_strings(template.get(*_ANNOTATIONS)).get(REWRITE) if template is not None else None
    return patch("true"), patch(old)


def _permit(workload: Workload, reset: ProbeReset) -> tuple[str, str]:
    """A policy that takes plaintext at the probed port alone, and its removal."""
    name = f"{workload.name}-probe"
    labels = {
        key: value
        for key, value in workload.template_labels.items()
        if key not in ("pod-template-hash", "controller-revision-hash") and "istio.io/" not in key
    }
    document = {
        "apiVersion": "security.istio.io/v1",
        "kind": PEER_AUTHENTICATION.name,
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "mtls": {"mode": ServerMode.STRICT.value},
            "portLevelMtls": {str(reset.probe.port): {"mode": ServerMode.PERMISSIVE.value}},
        },
    }
    delete = f"kubectl delete peerauthentication {name} -n {workload.namespace}"
    return f"echo '{json.dumps(document)}' | kubectl apply -f -", delete


def reset_fills(mesh: Snapshot, pod: Resource, reset: ProbeReset) -> dict[str, str]:
    """Words and commands for the cause's templates."""
    workload = mesh.workloads.owning(pod)
    command, undo = _rewrite(workload, pod)
    permit, forbid = _permit(workload, reset)
    off = _asked_not_to(workload, pod)
    why = (
        f"The annotation {REWRITE}=false of {off[0]} keeps it so"
        if off is not None
        else "Rewriting is off for the mesh (sidecarInjectorWebhook.rewriteAppHTTPProbe), or the "
        "probe came into the pod after the sidecar"
    )
    policy = ", ".join(policy_of(mesh, pod, reset)) or "a PeerAuthentication"
    return {
        "probe": reset.probe.word,
        "port": str(reset.probe.port),
        "pod": pod.name,
        "policy": policy,
        "why_direct": why,
        "space": pod.namespace,
        "target": f"{workload.kind.lower()}/{workload.name}",
        "command": command,
        "undo": undo,
        "permit": permit,
        "forbid": forbid,
    }
